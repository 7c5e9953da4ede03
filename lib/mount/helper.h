/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client of fusermount3: finding it, starting it, talking to it. */
#ifndef PROFUSE_MOUNT_HELPER_H
#define PROFUSE_MOUNT_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "mount/text.h"

/*
 * The helper to use: $FUSERMOUNT_PROG if set, else fusermount3 in the
 * directory it was built for, then in PATH, then `fusermount' likewise.
 * Returns 0 with the path, or -ENOENT, -EACCES with what was looked for in
 * *looked, which may be NULL.
 */
PROFUSE_NODISCARD int mnt_helper_find(char *path, size_t size, struct mnt_text *looked);

/* One run of the helper. */
struct mnt_helper_run {
	pid_t pid;	      /* 0 once reaped */
	int comm;	      /* our end of _FUSE_COMMFD, or -1 */
	int said_fd;	      /* its stderr, or -1 */
	int status;	      /* of waitpid(), -1 if unknown */
	struct mnt_text said; /* its stderr so far */
};

/*
 * Starts it with these arguments (argv[0] included). with_comm gives it a
 * socket in _FUSE_COMMFD.
 * Safe in threaded programs; does not touch the environment or signal state.
 */
PROFUSE_NODISCARD int mnt_helper_start(struct mnt_helper_run *run, const char *path,
				       char *const argv[], bool with_comm);

/* Waits for the descriptor. Returns it, CLOEXEC and above 2, or -EPROTO where
 * the helper hung up without sending one. Collects its stderr meanwhile. */
PROFUSE_NODISCARD int mnt_helper_receive(struct mnt_helper_run *run);

/* Waits for its end and collects the rest of its stderr. */
void mnt_helper_finish(struct mnt_helper_run *run);

/* Hangs up, waits for its end if that is still to come, and frees. */
void mnt_helper_end(struct mnt_helper_run *run);

/* "exited with status 1: TEXT", on one line. */
void mnt_helper_verdict(const struct mnt_helper_run *run, struct mnt_text *out);

#endif
