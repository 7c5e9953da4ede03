/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user writes, read without privilege: the command line and the -o
 * string; and the messages.
 *
 * The table of options is the library's, too; what it does not let users ask of
 * this program is an error. No text of the user's reaches the kernel's option
 * string: numbers are parsed and printed anew, fsname and subtype travel as
 * arguments of their own.
 */
#include "fusermount3.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool say_nothing;

/* Written at once and without stdio, which allocates: a message may come before
 * privileges are dropped. */
int say(const char *fmt, ...)
{
	static char line[2 * PATH_MAX + 1024]; /* static: the stack may be tiny */
	int saved = errno, n = snprintf(line, sizeof(line), "%.500s: ", program_invocation_name);
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	len = strlen(line);
	line[len++] = '\n';
	if (!say_nothing)
		(void)!write(STDERR_FILENO, line, len);
	errno = saved;
	return -1;
}

/* Digits and nothing else: no sign, no space, no empty string. */
bool parse_number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++)
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n) || n > max)
			return false;
	*out = n;
	return true;
}

/* ---- the command line ---- */

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"options", required_argument, NULL, 'o'},
	{"unmount", no_argument, NULL, 'u'},
	{"lazy", no_argument, NULL, 'z'},
	{"quiet", no_argument, NULL, 'q'},
	{"auto-unmount", no_argument, NULL, OPT_AUTO_UNMOUNT},
	{"comm-fd", required_argument, NULL, OPT_COMM_FD},
	{"sync-init", no_argument, NULL, OPT_SYNC_INIT},
	{NULL, 0, NULL, 0},
};

int parse_command_line(int argc, char **argv, const char *comm_env, struct request *req)
{
	static char nothing[] = "";
	const char *fd = comm_env, *origin = "_FUSE_COMMFD";
	uint64_t n;
	int c;

	*req = (struct request){.comm_fd = -1};
	optind = 0; /* start anew, also when a test calls this twice */
	while (!req->given['h'] && !req->given['V'] &&
	       (c = getopt_long(argc, argv, "hVo:uzq", long_options, NULL)) != -1) {
		if (c == '?')
			return -1; /* getopt has said why */
		req->given[c] = optarg ? optarg : nothing;
	}
	if (req->given['h'] || req->given['V'])
		return 0;
	if (req->given['z'] && !req->given['u'])
		return say("-z can only be used with -u");
	if (optind != argc - 1)
		return say(optind < argc ? "extra arguments after the mountpoint"
					 : "missing mountpoint argument");
	req->mountpoint = argv[optind];
	if (req->given['u'])
		return 0;
	if (req->given[OPT_COMM_FD]) {
		fd = req->given[OPT_COMM_FD];
		origin = "--comm-fd";
	}
	if (!fd)
		return say("old style mounting not supported");
	if (!parse_number(fd, INT_MAX, &n))
		return say("invalid %s: %s", origin, fd);
	req->comm_fd = (int)n;
	return 0;
}

/* ---- the -o string ---- */

const struct mnt_opt_row option_table[MNT_OPT_COUNT] = {
#define MNT_OPTION(id, name, kind, set, clear, helper, help)                                       \
	[MNT_OPT_##id] = {name, MNT_KIND_##kind, set, clear, MNT_HELPER_##helper, help},
#include "mount/options.def"
#undef MNT_OPTION
};

static bool starts(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

static bool take_word(const char *word, struct mount_options *o)
{
	const struct mnt_opt_row *row = option_table, *end = row + MNT_OPT_COUNT;
	const char *value;
	uint64_t n;

	if (starts(word, "x-") || starts(word, "X-"))
		return true;
	while (row < end && !(row->name[strlen(row->name) - 1] == '=' ? starts(word, row->name)
								      : !strcmp(word, row->name)))
		row++;
	if (row == end || row->helper == MNT_HELPER_REFUSE)
		return false;
	if (row->helper == MNT_HELPER_DROP)
		return true;
	value = word + strlen(row->name);
	if (row->kind == MNT_KIND_NUMBER && !parse_number(value, UINT32_MAX, &n))
		return false;
	if (row->kind == MNT_KIND_FLAG)
		o->flags = (o->flags & ~row->clear) | row->set;
	else
		o->value[row - option_table] = value;
	return true;
}

/*
 * Ends the word at s and returns where the next begins, NULL after the last. A
 * backslash protects the following character in fsname= and subtype= only:
 * everywhere else it is an ordinary character, so that no escape can smuggle an
 * option past the table.
 */
static char *cut_word(char *s)
{
	bool escapes = starts(s, "fsname=") || starts(s, "subtype=");
	char *out = s;

	for (; *s && *s != ','; s++) {
		if (escapes && *s == '\\' && s[1])
			s++;
		*out++ = *s;
	}
	s = *s ? s + 1 : NULL;
	*out = '\0';
	return s;
}

const char *options_parse(char *s, struct mount_options *o)
{
	*o = (struct mount_options){.flags = MNT_FLAGS_DEFAULT};
	while (s && *s) {
		char *next = cut_word(s);

		if (!take_word(s, o))
			return s;
		s = next;
	}
	return NULL;
}
