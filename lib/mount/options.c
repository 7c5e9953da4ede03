/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/options.h"

#include <errno.h>
#include <fuse3/fuse_opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const struct mnt_opt_row mnt_opt_table[MNT_OPT_COUNT] = {
#define MNT_OPTION(id, name, kind, set, clear, helper, help)                                       \
	[MNT_OPT_##id] = {name, MNT_KIND_##kind, set, clear, MNT_HELPER_##helper, help},
#include "mount/options.def"
#undef MNT_OPTION
};

/* The keys of -r and -n, beside those of the table, which are its indexes. */
enum { KEY_READ_ONLY = MNT_OPT_COUNT, KEY_NO_MTAB };

/* Nobody types this. */
#define NO_MATCH "\1"

static const struct fuse_opt parse_table[] = {
#define MNT_OPTION(id, name, kind, set, clear, helper, help)                                       \
	FUSE_OPT_KEY(MNT_KIND_##kind == MNT_KIND_UNKNOWN ? NO_MATCH : name, MNT_OPT_##id),
#include "mount/options.def"
#undef MNT_OPTION
	FUSE_OPT_KEY("-r", KEY_READ_ONLY),
	FUSE_OPT_KEY("-n", KEY_NO_MTAB),
	FUSE_OPT_END,
};

struct parse_state {
	struct mnt_opts *opts;
	char **why;
	int err;
};

bool mnt_opt_has_value(const struct mnt_opt_row *row)
{
	size_t len = strlen(row->name);

	return row->name[len - 1] == '=';
}

static int parse_failed(struct parse_state *st, int err, const char *arg, const char *what)
{
	st->err = err;
	if (st->why && asprintf(st->why, "bad mount option `%s': %s", arg, what) < 0)
		*st->why = NULL;
	return -1;
}

static bool is_number(const char *s)
{
	char *end;
	unsigned long v;

	/* strtoul would take a sign and leading blanks. */
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoul(s, &end, 10);
	return errno == 0 && *end == '\0' && v <= UINT32_MAX;
}

static int take_option(struct parse_state *st, enum mnt_opt_id id, const char *arg)
{
	const struct mnt_opt_row *row = &mnt_opt_table[id];
	struct mnt_opts *o = st->opts;

	if (row->kind == MNT_KIND_FLAG) {
		o->flags = (o->flags & ~row->clear) | row->set;
	} else if (mnt_opt_has_value(row)) {
		const char *value = arg + strlen(row->name);
		char *copy;

		if (row->kind == MNT_KIND_NUMBER && !is_number(value))
			return parse_failed(st, -EINVAL, arg, "not a number");
		copy = strdup(value);
		if (!copy)
			return parse_failed(st, -ENOMEM, arg, strerror(ENOMEM));
		free(o->value[id]);
		o->value[id] = copy;
	}
	o->given[id] = true;
	return 0;
}

/* For fuse_opt_parse: 0 consumes the argument, 1 keeps it, -1 fails. */
static int parse_one(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct parse_state *st = data;

	(void)out;
	if (key == KEY_READ_ONLY)
		return take_option(st, MNT_OPT_RO, "ro");
	if (key == KEY_NO_MTAB)
		return 0;
	if (key == FUSE_OPT_KEY_OPT && (strncmp(arg, "x-", 2) == 0 || strncmp(arg, "X-", 2) == 0))
		return 0;
	if (key < 0 || key >= MNT_OPT_COUNT)
		return 1;
	return take_option(st, (enum mnt_opt_id)key, arg);
}

int mnt_opts_parse(struct fuse_args *args, struct mnt_opts **out, char **why)
{
	struct parse_state st = {.why = why};

	if (why)
		*why = NULL;
	st.opts = calloc(1, sizeof(*st.opts));
	if (!st.opts)
		return -ENOMEM;
	st.opts->flags = MNT_FLAGS_DEFAULT;
	if (args && fuse_opt_parse(args, &st, parse_table, parse_one) < 0) {
		mnt_opts_free(st.opts);
		return st.err ? st.err : -EINVAL;
	}
	*out = st.opts;
	return 0;
}

void mnt_opts_free(struct mnt_opts *opts)
{
	if (!opts)
		return;
	for (size_t i = 0; i < MNT_OPT_COUNT; i++)
		free(opts->value[i]);
	free(opts);
}

void mnt_opts_set_allow_other(struct mnt_opts *opts)
{
	opts->given[MNT_OPT_ALLOW_OTHER] = true;
}

unsigned int mnt_opts_max_read(const struct mnt_opts *opts)
{
	const char *v = opts->value[MNT_OPT_MAX_READ];

	return v ? (unsigned int)strtoul(v, NULL, 10) : 0;
}

void mnt_help(void (*print)(const char *line))
{
	for (size_t i = 0; i < MNT_OPT_COUNT; i++) {
		const struct mnt_opt_row *row = &mnt_opt_table[i];
		char line[128];

		if (!row->help)
			continue;
		snprintf(line, sizeof(line), "    -o %s%-*s %s", row->name,
			 (int)(20 - strlen(row->name)), mnt_opt_has_value(row) ? "NAME" : "",
			 row->help);
		print(line);
	}
}
