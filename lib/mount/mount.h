/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounting: from a mountpoint and options to a connected descriptor, and back.
 *
 * The room knows neither the protocol nor the session. It prints nothing:
 * what a human should read comes back as text (mnt_result.report, .notes).
 *
 * Thread rules: no process-global state; distinct results may be used from
 * distinct threads at the same time. mnt_mount() with the user-namespace tier
 * (option `userns`) needs a single-threaded process, as unshare(2) does.
 */
#ifndef PROFUSE_MOUNT_MOUNT_H
#define PROFUSE_MOUNT_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

struct fuse_args;
struct mnt_opts;

/*
 * Takes the mount options (table: options.def) out of *args and leaves the
 * rest there, in order. allow_root is not a mount option: whoever implements
 * it calls mnt_opts_set_allow_other().
 *
 * Returns 0 and a new object in *out, or -EINVAL for a value that cannot be
 * right (a max_read that is no number), -ENOMEM. On failure *out is untouched
 * and, where `why` is not NULL, *why is a line for the user, to be freed.
 */
PROFUSE_NODISCARD int mnt_opts_parse(struct fuse_args *args, struct mnt_opts **out, char **why);
void mnt_opts_free(struct mnt_opts *opts);

void mnt_opts_set_allow_other(struct mnt_opts *opts);

/* The max_read= given, 0 where there was none. The kernel's limit and the
 * INIT reply must agree, so the session needs to know. */
unsigned int mnt_opts_max_read(const struct mnt_opts *opts);

/* Calls print once for each line of the help text, without newline. */
void mnt_help(void (*print)(const char *line));

/* How a mount came about; also the order in which the ways are tried. */
enum mnt_tier {
	MNT_TIER_FD,	 /* mountpoint is /dev/fd/N: mounted by the caller */
	MNT_TIER_FSOPEN, /* fsopen(2), fsconfig(2), fsmount(2), move_mount(2) */
	MNT_TIER_MOUNT,	 /* mount(2) */
	MNT_TIER_HELPER, /* fusermount3 */
	MNT_TIER_USERNS, /* in a new user namespace; only with -o userns */
	MNT_TIER_COUNT,
};
const char *mnt_tier_name(enum mnt_tier tier);

/*
 * Synchronous INIT. Where the kernel has FUSE_DEV_IOC_SYNC_INIT, attaching
 * blocks until INIT is answered, so another thread must answer it meanwhile:
 *
 *   start(data, fd)  before the attach; fd is armed. Start a thread that reads
 *                    and answers INIT on it, return 0, or -errno to give up.
 *   stop(data, fd)   the attempt failed; end that thread before returning. fd
 *                    is closed afterwards. Where the mount never began, the
 *                    thread is blocked in read(2) or poll(2) in a sleep that
 *                    only a signal ends (O_NONBLOCK does not help):
 *                    pthread_cancel() does it.
 *
 * Each is called at most once per attempt and there may be several attempts,
 * each with another fd; after a successful mnt_mount() the last start() had no
 * stop(), and mnt_result.init_done says whether there was one at all. When it
 * is false INIT waits in the queue, as without hooks.
 */
struct mnt_hooks {
	int (*start)(void *data, int fd);
	void (*stop)(void *data, int fd);
	void *data;
};

/* Names one mount of one superblock, for its whole life and never reused. */
struct mnt_ident {
	uint64_t unique; /* STATX_MNT_ID_UNIQUE, 0 where the kernel has none */
	int id;		 /* the number in mountinfo, -1 if unknown; reused */
	dev_t dev;	 /* st_dev of the filesystem, 0 if unknown */
};

struct mnt_result {
	int fd; /* the connection: CLOEXEC, blocking, number above 2 */
	enum mnt_tier tier;
	struct mnt_ident ident;
	bool init_done; /* INIT was answered through the hooks */

	/* Text to free(), or NULL; lines end in a newline. The report is there
	 * after a failure: the ways tried, why each failed, and a hint. The
	 * notes may be there after a success: what was ignored or is odd. */
	char *report;
	char *notes;

	/* Private: what must live as long as the mount. */
	int keep_fd;	 /* auto_unmount: its last copy closed sets it off */
	bool via_helper; /* unmounting needs fusermount3 as well */
};

/*
 * Mounts. hooks may be NULL. Makes sure first that descriptors 0-2 are open.
 * Returns 0 with *res filled, or -errno of the way that came closest with
 * res->report set and res->fd -1. *res needs no initialisation; it is to be
 * ended with mnt_unmount() or mnt_result_end() in either case.
 */
PROFUSE_NODISCARD int mnt_mount(const char *mountpoint, const struct mnt_opts *opts,
				const struct mnt_hooks *hooks, struct mnt_result *res);

/*
 * Ends a mount and frees what *res owns; res->fd is closed and set to -1. The
 * caller's workers must have left the descriptor. Finds the mount by its id
 * wherever it has been moved to and unmounts it lazily, also when the
 * connection is already dead. What is not ours is never touched: a mount that
 * something else has been mounted over stays (-EBUSY), one that is gone
 * already is a success, one passed in as /dev/fd/N is only closed.
 *
 * Returns 0 or -errno; then, where `why` is not NULL, *why is text to free().
 */
int mnt_unmount(struct mnt_result *res, const char *mountpoint, char **why);

/* Frees and closes, leaves the mount alone (a daemon replaced in place, a
 * child after fork). Does not set off auto_unmount. Accepts a failed result. */
void mnt_result_end(struct mnt_result *res);

/* Runs `fusermount3 --version` on the caller's stdout. Returns 0 or -errno;
 * -ENOENT where there is no helper. */
int mnt_print_helper_version(void);

#endif
