/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for the user. No stdio: a setuid program has no use for buffers that
 * are flushed at exit, nor for a stream that an odd descriptor table confuses.
 */
#include "fusermount3.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *prog = "fusermount3";
static bool silent;

void report_init(const char *argv0)
{
	prog = argv0;
}

void report_quiet(bool quiet)
{
	silent = quiet;
}

void say(const char *fmt, ...)
{
	static char line[2 * PATH_MAX + 512]; /* static: the stack may be tiny */
	int saved = errno;
	va_list ap;
	size_t n;

	if (silent)
		return;
	snprintf(line, sizeof(line) - 1, "%s: ", prog);
	n = strlen(line);
	errno = saved;
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	/* Where stderr is gone there is nobody to tell. */
	if (write(STDERR_FILENO, line, n) < 0)
		errno = saved;
	errno = saved;
}
