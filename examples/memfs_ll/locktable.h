/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The locks on one file: byte ranges owned by processes (fcntl) and whole-file locks owned
 * by open files (flock). The two kinds do not see each other.
 *
 * Waiting costs no thread: a waiter is queued and its done() is called when it has the
 * lock, from the thread that made way for it.
 */
#ifndef MEMFS_LOCKTABLE_H
#define MEMFS_LOCKTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct locktable;

enum lock_kind { LOCK_KIND_POSIX, LOCK_KIND_FLOCK, LOCK_KINDS };

struct lock {
	enum lock_kind kind;
	short type;	    /* F_RDLCK, F_WRLCK, F_UNLCK */
	int64_t start, end; /* both included */
	uint64_t owner;
	uint64_t handle; /* the open file it was set through */
	pid_t pid;
};

struct lock_waiter {
	struct lock want;
	/*
	 * Called once, without any lock of this table held, with 0 or -EDEADLK, unless
	 * locktable_cancel() was first. The waiter is the callee's again.
	 */
	void (*done)(struct lock_waiter *waiter, int err);

	/* The table's own. */
	bool cancelled;
	struct lock_waiter *next;
	struct lock_waiter *graph_prev, *graph_next;
	uint64_t blocker;
};

struct locktable *locktable_new(void);
void locktable_free(struct locktable *table);

/* True if the lock could not be had now, and *conflict is what stands in the way. */
bool locktable_test(struct locktable *table, const struct lock *want, struct lock *conflict);

/* Set or clear a lock now: 0, -EAGAIN if others hold it, -ENOLCK without memory. */
int locktable_set(struct locktable *table, const struct lock *want);

/*
 * Set a lock, later if need be: 0 if it is set, 1 if the waiter is queued, -EDEADLK if waiting
 * would never end, -EINTR if it was cancelled already, -ENOLCK without memory.
 */
int locktable_wait(struct locktable *table, struct lock_waiter *waiter);

/*
 * True if the waiter was queued; it is the caller's again, and done() will not be called. If it was
 * not queued yet, it never will be. The waiter must exist, so its owner has to see to it that
 * done() does not free it while somebody may be cancelling it.
 */
bool locktable_cancel(struct locktable *table, struct lock_waiter *waiter);

/* Everything that was locked through an open file goes, when that is closed for good. */
void locktable_drop_handle(struct locktable *table, uint64_t handle);

#endif
