/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages for the user, each a line that is written at once. No stdio: a setuid
 * program has no use for buffers that are flushed at exit. */
#include "fusermount3.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *prog = "fusermount3";
static bool silent;

void say_as(const char *argv0, bool quiet)
{
	prog = argv0;
	silent = quiet;
}

int say(const char *fmt, ...)
{
	static char line[2 * PATH_MAX + 1024]; /* static: the stack may be tiny */
	int saved = errno;
	va_list ap;
	size_t n;

	snprintf(line, sizeof(line), "%.500s: ", prog);
	n = strlen(line);
	errno = saved;
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	if (!silent && write(STDERR_FILENO, line, n) < 0)
		n = 0; /* where stderr is gone there is nobody to tell */
	errno = saved;
	return -1;
}
