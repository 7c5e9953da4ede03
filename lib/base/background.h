/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that forks early and whose parent waits until the rooms above
 * report that everything works. There is one such start per process; rooms
 * report into it without knowing whether there is any.
 */
#ifndef PROFUSE_BASE_BACKGROUND_H
#define PROFUSE_BASE_BACKGROUND_H

#include <stdbool.h>

#include "base/compiler.h"

/* What must have happened before the parent may report success. */
enum bg_event {
	BG_MOUNTED = 1 << 0, /* reported by who mounts */
	BG_SERVING = 1 << 1, /* INIT is answered; reported by the session */
	BG_WANTED = 1 << 2,  /* the program, or a loop that it entered, says so */
};

enum bg_flags {
	BG_STAY = 1 << 0,  /* do not fork */
	BG_CHDIR = 1 << 1, /* move to "/", once everything has been set up */
};

/*
 * Forks, unless told to stay, and returns in the child. The parent waits for
 * the outcome and exits; if it is killed meanwhile, the child gets SIGTERM.
 * Returns 0 or a negative errno; -EBUSY while another start is under way.
 */
PROFUSE_NODISCARD int bg_start(unsigned int flags);

/* True while a parent waits. */
bool bg_active(void);

/* The process will enter a loop of the library as soon as it has mounted what it
 * is about to mount; and whether it said so. */
void bg_loop_will_follow(bool follows);
bool bg_loop_follows(void);

/* Reports an event; the last missing one makes the parent exit with 0, after
 * 0, 1 and 2 have become /dev/null. From any thread. */
void bg_note(enum bg_event event);

/* Makes the parent exit with this status. From any thread. */
void bg_fail(int status);

/* The pieces, for a program that forks without such a report. All return 0 or
 * a negative errno. */
PROFUSE_NODISCARD int bg_fork_and_leave(void);
int bg_null_stdio(void);

#endif
