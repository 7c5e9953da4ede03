/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * profuse run: three processes beside the two that the user names.
 *
 *     profuse run           enters the namespaces, starts the others, passes
 *       |                   signals on, returns the command's status
 *       |-- keeper          starts the filesystem, waits until it answers;
 *       |     |             later unmounts, ends it, removes the directory
 *       |     `-- FILESYSTEM and what it forks
 *       `-- COMMAND
 *
 * The keeper adopts what the filesystem forks, so a filesystem that goes to
 * the background is found again. Keeper and first process each notice the
 * other's end, so that nothing stays even after SIGKILL.
 */
#ifndef PROFUSE_TOOLS_RUN_H
#define PROFUSE_TOOLS_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "mount/ident.h"

/* What env(1), timeout(1) and others return for their own failures. */
#define RUN_FAILED	   125
#define RUN_NOT_EXEC	   126
#define RUN_NOT_FOUND	   127
#define RUN_SIGNALLED(sig) (128 + (sig))

struct run_plan {
	const char *mountpoint; /* absolute */
	bool temporary;		/* the directory is ours to remove */
	bool as_root;
	bool quiet;
	bool namespaced;	/* in a user namespace of our own */
	unsigned int timeout_s; /* 0: none */
	char **fs_words;	/* as the user typed them */
	char **fs_argv;		/* with the mountpoint in its place */
	char **cmd_argv;
	sigset_t old_mask; /* what the user's programs start with */
};

/* Prints "profuse run: ..." on stderr. */
void run_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Seconds from now on a clock that does not jump. */
struct run_deadline {
	long long at_ms; /* -1: never */
};
struct run_deadline run_deadline_in(unsigned int seconds);
/* For poll(2): milliseconds left, -1 for never. */
int run_deadline_left(const struct run_deadline *d);

/* The child that becomes the filesystem or the command; never returns. */
__attribute__((noreturn)) void run_exec(const struct run_plan *plan, char **argv);

/* Keeps CAP_SYS_ADMIN across the coming exec, for a user who is not root in
 * the namespace. Returns 0 or -errno. */
int run_keep_mount_right(void);

/*
 * The keeper's process. It sends RUN_READY over sock when the filesystem
 * answers, and RUN_ASKS when it is stopped because it wants the terminal; the end of file there
 * means that it is to take everything down, SIGUSR1 that it has no time.
 */
#define RUN_READY 'r'
#define RUN_ASKS  't'
__attribute__((noreturn)) void run_keeper(const struct run_plan *plan, int sock);

/* Takes everything down, from unmounting to removing the directory. `mount` is
 * what the filesystem mounted, or MNT_IDENT_NONE; `served` says that it was in
 * use and may have work to finish. signals is the keeper's signalfd. */
void run_teardown(const struct run_plan *plan, const struct mnt_ident *mount, bool served,
		  int signals);

/* Sends a signal to every child of this process, adopted ones included, but
 * not to their children. Returns how many there were. */
int run_signal_children(int sig);

/* Runs the command and passes signals on. Returns its exit status. */
int run_command(const struct run_plan *plan, int signals);

/* Makes another group the terminal's foreground and lets it run. Returns the
 * terminal, to be taken back with run_tty_return(), or -1. */
int run_tty_lend(pid_t group);
void run_tty_return(int tty);

#endif
