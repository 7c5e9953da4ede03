/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes, links' targets, access, and the numbers of the filesystem. */
#include "highlevel/hl.h"

#include <limits.h>
#include <string.h>

static void reply_attr(struct hl_call *c, fuse_req_t req, fuse_ino_t ino, struct stat *st, int err)
{
	if (err) {
		fuse_reply_err(req, -err);
		return;
	}
	if (c->f->cfg.auto_cache)
		hl_attrs_seen(c->f, ino, st);
	hl_fix_attr(c->f, ino, st);
	fuse_reply_attr(req, st, c->f->cfg.attr_timeout);
}

void hl_ll_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse_file_info *own;
	struct stat st = {0};
	struct hl_call c;
	int err = hl_call_maybe_open(&c, req, "getattr", ino, fi, &own);

	if (!err)
		err = hl_checked(c.f, "getattr", fuse_fs_getattr(c.f->fs, hl_path(&c), &st, own));
	hl_call_end(&c);
	if (err == -ENOENT && hl_ghosts_find(c.f, ino, &st))
		err = 0;
	reply_attr(&c, req, ino, &st, err);
}

static int set_owner(struct hl_call *c, const struct stat *attr, int to_set,
		     struct fuse_file_info *fi)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;

	return fuse_fs_chown(c->f->fs, hl_path(c), uid, gid, fi);
}

static struct timespec time_to_set(int set, int now, struct timespec ts)
{
	if (now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	return set ? ts : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(struct hl_call *c, const struct stat *attr, int to_set,
		     struct fuse_file_info *fi)
{
	struct timespec tv[2];

	tv[0] = time_to_set(to_set & FUSE_SET_ATTR_ATIME, to_set & FUSE_SET_ATTR_ATIME_NOW,
			    attr->st_atim);
	tv[1] = time_to_set(to_set & FUSE_SET_ATTR_MTIME, to_set & FUSE_SET_ATTR_MTIME_NOW,
			    attr->st_mtim);
	return fuse_fs_utimens(c->f->fs, hl_path(c), tv, fi);
}

#define SET_OWNER (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
#define SET_TIMES                                                                                  \
	(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |                     \
	 FUSE_SET_ATTR_MTIME_NOW)

/* In this order, up to the first error. */
static int set_attributes(struct hl_call *c, const struct stat *attr, int to_set,
			  struct fuse_file_info *fi)
{
	struct fuse *f = c->f;
	int err = 0;

	if (to_set & FUSE_SET_ATTR_MODE)
		err = hl_checked(f, "chmod", fuse_fs_chmod(f->fs, hl_path(c), attr->st_mode, fi));
	if (!err && (to_set & SET_OWNER))
		err = hl_checked(f, "chown", set_owner(c, attr, to_set, fi));
	if (!err && (to_set & FUSE_SET_ATTR_SIZE))
		err = hl_checked(f, "truncate",
				 fuse_fs_truncate(f->fs, hl_path(c), attr->st_size, fi));
	if (!err && (to_set & SET_TIMES))
		err = hl_checked(f, "utimens", set_times(c, attr, to_set, fi));
	return err;
}

void hl_ll_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		   struct fuse_file_info *fi)
{
	struct fuse_file_info *own;
	struct stat st = {0};
	struct hl_call c;
	int err = hl_call_maybe_open(&c, req, "setattr", ino, fi, &own);

	if (!err)
		err = set_attributes(&c, attr, to_set, own);
	if (!err)
		err = hl_checked(c.f, "getattr", fuse_fs_getattr(c.f->fs, hl_path(&c), &st, own));
	hl_call_end(&c);
	if (err == -ENOENT && hl_ghosts_change(c.f, ino, attr, to_set, &st))
		err = 0;
	reply_attr(&c, req, ino, &st, err);
}

static void fix_statx(struct fuse *f, fuse_ino_t ino, struct statx *stx)
{
	unsigned int hidden = hl_hidden_links(f, ino, stx->stx_ino);

	if (unlikely(hidden))
		stx->stx_nlink = stx->stx_nlink > hidden ? stx->stx_nlink - hidden : 0;
	if (!f->cfg.use_ino)
		stx->stx_ino = ino;
	stx->stx_mode = (uint16_t)hl_fix_mode(f, stx->stx_mode);
	if (f->cfg.set_uid)
		stx->stx_uid = f->cfg.uid;
	if (f->cfg.set_gid)
		stx->stx_gid = f->cfg.gid;
}

/* As much of it as struct stat has. */
static void statx_of(const struct stat *st, struct statx *stx)
{
	*stx = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)st->st_blksize,
		.stx_nlink = (uint32_t)st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = (uint16_t)st->st_mode,
		.stx_ino = st->st_ino,
		.stx_size = (uint64_t)st->st_size,
		.stx_blocks = (uint64_t)st->st_blocks,
		.stx_atime = {st->st_atim.tv_sec, (uint32_t)st->st_atim.tv_nsec},
		.stx_mtime = {st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec},
		.stx_ctime = {st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec},
	};
}

void hl_ll_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi)
{
	struct fuse_file_info *own;
	struct statx stx;
	struct stat st;
	struct hl_call c;
	int err = hl_call_maybe_open(&c, req, "statx", ino, fi, &own);

	memset(&stx, 0, sizeof(stx));
	if (!err)
		err = hl_checked(c.f, "statx",
				 fuse_fs_statx(c.f->fs, hl_path(&c), flags, mask, &stx, own));
	hl_call_end(&c);
	if (err == -ENOENT && hl_ghosts_find(c.f, ino, &st)) {
		statx_of(&st, &stx);
		err = 0;
	}
	if (err) {
		fuse_reply_err(req, -err);
		return;
	}
	fix_statx(c.f, ino, &stx);
	fuse_reply_statx(req, 0, &stx, c.f->cfg.attr_timeout);
}

void hl_ll_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX]; /* the kernel takes one byte less */
	struct hl_call c;
	int err = hl_call_node(&c, req, "readlink", ino);

	target[0] = '\0';
	if (!err)
		err = hl_checked(c.f, "readlink",
				 fuse_fs_readlink(c.f->fs, hl_path(&c), target, sizeof(target)));
	hl_call_end(&c);
	if (err) {
		fuse_reply_err(req, -err);
		return;
	}
	target[PATH_MAX - 1] = '\0';
	fuse_reply_readlink(req, target);
}

void hl_ll_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct hl_call c;
	int err = hl_call_node_or_file(&c, req, "access", ino);

	if (!err)
		err = hl_checked(c.f, "access", fuse_fs_access(c.f->fs, hl_path(&c), mask));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

/* The numbers are those of the whole: where a removed file has no path, that of
 * the root will do. */
void hl_ll_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {0};
	struct hl_call c;
	int err = hl_call_node(&c, req, "statfs", ino ? ino : FUSE_ROOT_ID);

	if (err == -ENOENT) {
		hl_call_end(&c);
		err = hl_call_node(&c, req, "statfs", FUSE_ROOT_ID);
	}
	if (!err)
		err = hl_checked(c.f, "statfs", fuse_fs_statfs(c.f->fs, hl_path(&c), &st));
	hl_call_end(&c);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_statfs(req, &st);
}

void hl_ll_syncfs(fuse_req_t req, fuse_ino_t ino)
{
	struct hl_call c;
	int err = hl_call_node(&c, req, "syncfs", ino);

	if (!err)
		err = hl_checked(c.f, "syncfs", fuse_fs_syncfs(c.f->fs, hl_path(&c)));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}
