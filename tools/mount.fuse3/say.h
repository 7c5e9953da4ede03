/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both front ends tell: text for people, numbers for mount(8). */
#ifndef PROFUSE_MOUNT_FUSE3_SAY_H
#define PROFUSE_MOUNT_FUSE3_SAY_H

#include "base/compiler.h"

/* The exit codes of mount(8) and umount(8). */
enum exit_code {
	EXIT_OK = 0,
	EXIT_USAGE = 1,	      /* wrong call, or not permitted */
	EXIT_SYSTEM = 2,      /* out of memory, cannot fork */
	EXIT_INTERRUPTED = 8, /* by the user */
	EXIT_FAILED = 32,     /* nothing was mounted, or unmounted */
	EXIT_PARTLY = 64,     /* unmounted, but a process is still at work */
};

/* The name that messages begin with; s must stay. */
void say_as(const char *s);

/* One message on stderr: the program's name, the text, a newline. */
void say(const char *fmt, ...) PROFUSE_PRINTF(1, 2);

/* Lines that belong to the message before, each ending in a newline. */
void say_lines(const char *lines);

#endif
