/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks on files.
 *
 * A filesystem that passes record locks on to another one does so as one
 * process, which never is in its own way. So locks that were granted are noted
 * here, to tell one client of another's.
 */
#include "highlevel/hl.h"

void hl_ll_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
	struct flock answer = *lock;
	struct hl_call c;
	int err = hl_call_open(&c, req, "lock", ino, fi);

	if (!err && !hl_locks_conflict(c.f->locks, ino, fi->lock_owner, lock, &answer))
		err = hl_checked(c.f, "lock",
				 fuse_fs_lock(c.f->fs, hl_path(&c), &c.fi, F_GETLK, &answer));
	hl_call_end(&c);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_lock(req, &answer);
}

void hl_ll_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		 int sleep)
{
	struct flock wanted = *lock;
	struct hl_call c;
	int err = hl_call_open(&c, req, "lock", ino, fi);

	if (!err)
		err = hl_checked(c.f, "lock",
				 fuse_fs_lock(c.f->fs, hl_path(&c), &c.fi,
					      sleep ? F_SETLKW : F_SETLK, &wanted));
	if (!err)
		hl_locks_set(c.f->locks, ino, fi->lock_owner, lock);
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

void hl_ll_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	struct hl_call c;
	int err = hl_call_open(&c, req, "flock", ino, fi);

	if (!err)
		err = hl_checked(c.f, "flock", fuse_fs_flock(c.f->fs, hl_path(&c), &c.fi, op));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}
