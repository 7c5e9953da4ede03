/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Matching arguments against templates.
 *
 * The result is built in a vector of its own and replaces the caller's only
 * when everything went well, so that a failed parse leaves the arguments alone.
 */
#include <fuse_opt.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/compiler.h"
#include "base/log.h"
#include "opt/list.h"

/* The offset that FUSE_OPT_KEY stores: an unsigned int that was widened. */
#define OFFSET_KEY ((unsigned long)-1U)

struct parser {
	void *data;
	const struct fuse_opt *opts;
	fuse_opt_proc_t proc;

	const struct fuse_args *in;
	int next; /* index in `in` of the argument to look at next */

	struct fuse_args out;
	char *list; /* elements that stay, joined for one -o */
	int rest;   /* out.argc right after "--", 0 before it */
};

/* An option in question. */
struct item {
	const char *text;
	bool in_list; /* came from an -o list and goes back there */
};

/* How a template is put together. */
struct template
{
	size_t name_len;    /* characters that the argument must begin with */
	bool param;	    /* a parameter follows the name */
	bool separable;	    /* the parameter may be an argument of its own */
	const char *format; /* conversion for the parameter, "" for none */
};

/* A '=' or blank marks a parameter if it ends the template or stands before a
 * conversion; the first '=' is looked at, or the first blank if there is none. */
static struct template template_parts(const char *templ)
{
	struct template t = {.name_len = strlen(templ), .format = ""};
	const char *sep = strchr(templ, '=');

	if (!sep)
		sep = strchr(templ, ' ');
	if (sep && (sep[1] == '\0' || sep[1] == '%')) {
		t.param = true;
		t.separable = *sep == ' ';
		t.name_len = (size_t)(sep - templ) + (t.separable ? 0 : 1);
		t.format = sep + 1;
	}
	return t;
}

static bool matches(const struct fuse_opt *opt, const char *arg)
{
	struct template t = template_parts(opt->templ);

	if (t.param && strncmp(arg, opt->templ, t.name_len) == 0)
		return true;
	return strcmp(arg, opt->templ) == 0;
}

/* The first match at or behind opt, or NULL. */
static const struct fuse_opt *find_match(const struct fuse_opt *opt, const char *arg)
{
	for (; opt && opt->templ; opt++)
		if (matches(opt, arg))
			return opt;
	return NULL;
}

PROFUSE_EXPORT int fuse_opt_match(const struct fuse_opt opts[], const char *opt)
{
	return find_match(opts, opt) ? 1 : 0;
}

static int keep(struct parser *p, struct item it)
{
	if (it.in_list)
		return fuse_opt_add_opt_escaped(&p->list, it.text);
	return fuse_opt_add_arg(&p->out, it.text);
}

/* Lets the program decide about an item. */
static int decide(struct parser *p, struct item it, int key)
{
	if (key == FUSE_OPT_KEY_DISCARD)
		return 0;
	if (key != FUSE_OPT_KEY_KEEP && p->proc) {
		int res = p->proc(p->data, it.text, key, &p->out);

		if (res == -1 || res == 0)
			return res;
	}
	return keep(p, it);
}

static int store_string(char **where, const char *value)
{
	char *copy = strdup(value);

	if (!copy) {
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return -1;
	}
	free(*where);
	*where = copy;
	return 0;
}

static int store_scanned(void *where, const char *format, const char *value, const char *text)
{
	/* The format is the program's own constant, not input. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (sscanf(value, format, where) == 1)
		return 0;
#pragma GCC diagnostic pop
	fuse_log(FUSE_LOG_ERR, "fuse: invalid parameter in option `%s'\n", text);
	return -1;
}

/* Does what one matching entry asks for. */
static int apply(struct parser *p, const struct fuse_opt *opt, struct item it)
{
	struct template t;
	void *where;

	if (opt->offset == OFFSET_KEY)
		return decide(p, it, opt->value);

	t = template_parts(opt->templ);
	where = (char *)p->data + opt->offset;
	if (!*t.format) {
		*(int *)where = opt->value;
		return 0;
	}
	if (strcmp(t.format, "%s") == 0)
		return store_string(where, it.text + t.name_len);
	return store_scanned(where, t.format, it.text + t.name_len, it.text);
}

/* The argument behind the current one, which `option` needs as its parameter. */
static const char *take_parameter(struct parser *p, const char *option)
{
	if (p->next < p->in->argc)
		return p->in->argv[p->next++];
	fuse_log(FUSE_LOG_ERR, "fuse: missing argument after `%s'\n", option);
	return NULL;
}

/* "-x" "value": both are joined, so that the rest sees the form "-xvalue". */
static int apply_separate(struct parser *p, const struct fuse_opt *opt, struct item it)
{
	CLEANUP_FREE char *joined = NULL;
	const char *param = take_parameter(p, it.text);

	if (!param)
		return -1;
	if (asprintf(&joined, "%s%s", it.text, param) < 0) {
		joined = NULL;
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return -1;
	}
	return apply(p, opt, (struct item){joined, it.in_list});
}

static int parse_option(struct parser *p, struct item it)
{
	const struct fuse_opt *opt = find_match(p->opts, it.text);

	if (!opt)
		return decide(p, it, FUSE_OPT_KEY_OPT);

	for (; opt; opt = find_match(opt + 1, it.text)) {
		struct template t = template_parts(opt->templ);
		int res;

		if (t.separable && strlen(it.text) == t.name_len)
			res = apply_separate(p, opt, it);
		else
			res = apply(p, opt, it);
		if (res == -1)
			return -1;
	}
	return 0;
}

static int parse_list(struct parser *p, const char *list)
{
	CLEANUP_FREE char *copy = strdup(list);
	char *cursor = copy, *element;

	if (!copy) {
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return -1;
	}
	while ((element = opt_list_next(&cursor)))
		if (parse_option(p, (struct item){element, true}) == -1)
			return -1;
	return 0;
}

static int parse_argument(struct parser *p, const char *arg)
{
	if (p->rest || arg[0] != '-')
		return decide(p, (struct item){arg, false}, FUSE_OPT_KEY_NONOPT);

	if (arg[1] == 'o') {
		const char *list = arg[2] ? arg + 2 : take_parameter(p, arg);

		return list ? parse_list(p, list) : -1;
	}
	if (strcmp(arg, "--") == 0) {
		if (fuse_opt_add_arg(&p->out, arg) == -1)
			return -1;
		p->rest = p->out.argc;
		return 0;
	}
	return parse_option(p, (struct item){arg, false});
}

/* A "--" that ended up last separates nothing. */
static void drop_idle_separator(struct parser *p)
{
	if (!p->rest || p->rest != p->out.argc || strcmp(p->out.argv[p->rest - 1], "--") != 0)
		return;
	free(p->out.argv[--p->out.argc]);
	p->out.argv[p->out.argc] = NULL;
}

static int parse_all(struct parser *p)
{
	if (fuse_opt_add_arg(&p->out, p->in->argv[0]) == -1)
		return -1;
	for (p->next = 1; p->next < p->in->argc;)
		if (parse_argument(p, p->in->argv[p->next++]) == -1)
			return -1;

	if (p->list && (fuse_opt_insert_arg(&p->out, 1, "-o") == -1 ||
			fuse_opt_insert_arg(&p->out, 2, p->list) == -1))
		return -1;
	if (p->list && p->rest)
		p->rest += 2;
	drop_idle_separator(p);
	return 0;
}

PROFUSE_EXPORT int fuse_opt_parse(struct fuse_args *args, void *data, const struct fuse_opt opts[],
				  fuse_opt_proc_t proc)
{
	struct parser p = {.data = data, .opts = opts, .proc = proc, .in = args};
	int res;

	if (!args || !args->argv || !args->argc)
		return 0;

	res = parse_all(&p);
	if (res == 0) {
		struct fuse_args old = *args;

		*args = p.out;
		p.out = old;
	}
	fuse_opt_free_args(&p.out);
	free(p.list);
	return res;
}
