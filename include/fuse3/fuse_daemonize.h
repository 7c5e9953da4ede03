/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going into the background early: fork first, mount later, and let the
 * parent wait for the outcome.
 *
 * The order is fuse_daemonize_early_start(), then everything that must happen
 * in the process that will serve (threads, network connections, the mount),
 * then fuse_daemonize_early_success() or fuse_daemonize_early_fail(). The
 * shell sees the parent's exit status only after that, so that "mounted" means
 * mounted and answering.
 *
 * One background start per process; the functions are for the main thread of
 * that process, except fuse_daemonize_early_success(), which any thread may call.
 */
#ifndef FUSE_DAEMONIZE_H_
#define FUSE_DAEMONIZE_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags for fuse_daemonize_early_start(). */
#define FUSE_DAEMONIZE_NO_CHDIR	     (1 << 0) /* keep the working directory */
#define FUSE_DAEMONIZE_NO_BACKGROUND (1 << 1) /* do not fork */

/*
 * Forks and returns in the child; the parent does not return: it waits and
 * exits with the status that the child reports, or with 1 if the child dies
 * without a word. The child dies if the parent is killed before that. Unless
 * told otherwise the child moves to "/". Standard input, output and error
 * stay until success is reported, so that errors reach the terminal.
 *
 * With FUSE_DAEMONIZE_NO_BACKGROUND only the directory changes.
 *
 * Must be called before fuse_session_mount() and before threads are created.
 * Returns 0, or a negative errno (-EINVAL for unknown flags, -EBUSY if a start
 * is already under way).
 */
int fuse_daemonize_early_start(unsigned int flags);

/*
 * Reports success: the parent exits with 0, and 0, 1 and 2 of this process
 * become /dev/null.
 *
 * It takes effect once the filesystem is mounted and the kernel's INIT request
 * has been answered; called earlier it is remembered until then. So it may be
 * called right after fuse_session_mount(), and from an init() callback as
 * well. The session loops call it too. Without a start under way it does nothing.
 */
void fuse_daemonize_early_success(void);

/*
 * Reports failure: the parent exits with status err (1 if err is 0 or does not
 * fit an exit status). This process goes on, normally to exit as well. Without
 * a start under way it does nothing.
 */
void fuse_daemonize_early_fail(int err);

/* True while a parent waits for the outcome. */
bool fuse_daemonize_early_is_active(void);

#ifdef __cplusplus
}
#endif

#endif /* FUSE_DAEMONIZE_H_ */
