/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks as requests. A lock that has to wait keeps its request and nothing else: no thread. It
 * is answered when the lock is free, or with EINTR when the caller got a signal.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

/*
 * A request that waits. Three may want to end it: the lock becoming free (lock_is_free), a signal
 * (interrupted), and the thread that is just queueing it. The table decides: who takes
 * the waiter out of it, or is refused by it, answers the request and frees this.
 */
struct waiting {
	struct lock_waiter waiter; /* first */
	fuse_req_t req;
	struct locktable *table;
};

static void finish(struct waiting *w, int err)
{
	/* Returns only when no interrupted() runs for this request, and none will. */
	fuse_req_interrupt_func(w->req, NULL, NULL);
	fuse_reply_err(w->req, err);
	free(w);
}

static void lock_is_free(struct lock_waiter *waiter, int err)
{
	finish((struct waiting *)waiter, -err);
}

static void interrupted(fuse_req_t req, void *data)
{
	struct waiting *w = data;

	/* If it is not queued yet, or not any more, another one will answer. */
	if (!locktable_cancel(w->table, &w->waiter))
		return;
	fuse_reply_err(req, EINTR);
	free(w);
}

static void wait_for_lock(fuse_req_t req, struct locktable *table, const struct lock *want)
{
	struct waiting *w = calloc(1, sizeof(*w));
	int ret;

	if (!w) {
		fuse_reply_err(req, ENOLCK);
		return;
	}
	w->waiter.want = *want;
	w->waiter.done = lock_is_free;
	w->req = req;
	w->table = table;
	fuse_req_interrupt_func(req, interrupted, w);
	ret = locktable_wait(table, &w->waiter);
	/* If it is queued it may be answered by now: no touching. */
	if (ret <= 0)
		finish(w, -ret);
}

/* The inode's table, made at its first lock. NULL without memory. */
static struct locktable *table_of(struct inode *inode)
{
	struct locktable *table = atomic_load(&inode->locks);
	struct locktable *fresh;

	if (table)
		return table;
	fresh = locktable_new();
	if (!fresh)
		return NULL;
	if (atomic_compare_exchange_strong(&inode->locks, &table, fresh))
		return fresh;
	locktable_free(fresh);
	return table;
}

static void set_lock(fuse_req_t req, struct inode *inode, const struct lock *want, bool wait)
{
	struct locktable *table = table_of(inode);

	if (!table)
		fuse_reply_err(req, ENOLCK);
	else if (wait && want->type != F_UNLCK)
		wait_for_lock(req, table, want);
	else
		fuse_reply_err(req, -locktable_set(table, want));
}

/* The library hands on a range that starts at a fixed place; length 0 reaches to the end. */
static struct lock posix_lock(const struct fuse_file_info *fi, const struct flock *lock)
{
	return (struct lock){
		.kind = LOCK_KIND_POSIX,
		.type = lock->l_type,
		.start = lock->l_start,
		.end = lock->l_len ? lock->l_start + lock->l_len - 1 : INT64_MAX,
		.owner = fi->lock_owner,
		.handle = fi->fh,
		.pid = lock->l_pid,
	};
}

void memfs_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
	struct locktable *table = table_of(inode_of(ino));
	const struct lock want = posix_lock(fi, lock);
	struct lock found;

	if (!table) {
		fuse_reply_err(req, ENOLCK);
		return;
	}
	lock->l_type = F_UNLCK;
	if (locktable_test(table, &want, &found)) {
		lock->l_type = found.type;
		lock->l_whence = SEEK_SET;
		lock->l_start = found.start;
		lock->l_len = found.end == INT64_MAX ? 0 : found.end - found.start + 1;
		lock->l_pid = found.pid;
	}
	fuse_reply_lock(req, lock);
}

void memfs_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		 int sleep)
{
	const struct lock want = posix_lock(fi, lock);

	set_lock(req, inode_of(ino), &want, sleep);
}

static short flock_type(int op)
{
	switch (op & ~LOCK_NB) {
	case LOCK_SH:
		return F_RDLCK;
	case LOCK_EX:
		return F_WRLCK;
	default:
		return F_UNLCK;
	}
}

void memfs_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	const struct lock want = {
		.kind = LOCK_KIND_FLOCK,
		.type = flock_type(op),
		.start = 0,
		.end = INT64_MAX,
		.owner = fi->lock_owner,
		.handle = fi->fh,
	};

	set_lock(req, inode_of(ino), &want, !(op & LOCK_NB));
}

void locking_flush(struct inode *inode, uint64_t owner)
{
	struct locktable *table = atomic_load(&inode->locks);
	const struct lock all = {
		.kind = LOCK_KIND_POSIX,
		.type = F_UNLCK,
		.start = 0,
		.end = INT64_MAX,
		.owner = owner,
	};

	if (table)
		locktable_set(table, &all);
}

void locking_release(struct inode *inode, uint64_t handle)
{
	struct locktable *table = atomic_load(&inode->locks);

	if (table)
		locktable_drop_handle(table, handle);
}
