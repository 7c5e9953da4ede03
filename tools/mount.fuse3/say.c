/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *me = "mount.fuse3";

void say_as(const char *s)
{
	me = s;
}

void say(const char *fmt, ...)
{
	va_list ap;

	/* One write each, so that lines of several processes do not mix. */
	flockfile(stderr);
	fprintf(stderr, "%s: ", me);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void say_lines(const char *lines)
{
	if (lines)
		fputs(lines, stderr);
}
