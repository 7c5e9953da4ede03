/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comma separated option lists: appending and taking apart. */
#include "opt/list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/log.h"

/* Appends opt to *list, with a backslash before each character of `special`. */
static int append(char **list, const char *opt, const char *special)
{
	size_t old = *list ? strlen(*list) : 0;
	size_t bytes;
	char *grown, *end;

	/* Worst case: a comma, every character escaped, the terminator. */
	if (!size_mul(strlen(opt), 2, &bytes) || !size_add(bytes, old, &bytes) ||
	    !size_add(bytes, 2, &bytes) || !(grown = realloc(*list, bytes))) {
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return -1;
	}

	*list = grown;
	end = grown + old;
	if (old)
		*end++ = ',';
	for (; *opt; opt++) {
		if (strchr(special, *opt))
			*end++ = '\\';
		*end++ = *opt;
	}
	*end = '\0';
	return 0;
}

PROFUSE_EXPORT int fuse_opt_add_opt(char **opts, const char *opt)
{
	return append(opts, opt, "");
}

PROFUSE_EXPORT int fuse_opt_add_opt_escaped(char **opts, const char *opt)
{
	return append(opts, opt, ",\\");
}

static bool octal_byte(const char *s, char *out)
{
	if (s[0] < '0' || s[0] > '3' || s[1] < '0' || s[1] > '7' || s[2] < '0' || s[2] > '7')
		return false;
	*out = (char)((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0'));
	return true;
}

char *opt_list_next(char **cursor)
{
	char *start = *cursor, *in = start, *out = start;

	if (!start)
		return NULL;

	/* Unescaping only ever shortens, so it is done in place. */
	while (*in && *in != ',') {
		if (*in != '\\' || !in[1]) {
			*out++ = *in++;
		} else if (octal_byte(in + 1, out)) {
			out++;
			in += 4;
		} else {
			*out++ = in[1];
			in += 2;
		}
	}
	*cursor = *in ? in + 1 : NULL;
	*out = '\0';
	return start;
}
