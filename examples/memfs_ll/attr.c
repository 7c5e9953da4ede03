/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes of one inode, and of the whole. */
#include "ops.h"
#include "blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

bool caller_in_group(fuse_req_t req, gid_t gid)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t groups[1024];
	int count;

	if (ctx->uid == 0 || ctx->gid == gid)
		return true;
	count = fuse_req_getgroups(req, 1024, groups);
	for (int i = 0; i < count && i < 1024; i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

void drop_setuid_locked(fuse_req_t req, struct inode *inode)
{
	/* File capabilities go with any write, also root's. */
	if (inode->xattrs)
		xattr_remove_locked(inode, "security.capability");
	if (!(inode->perm & (S_ISUID | S_ISGID)) || fuse_req_ctx(req)->uid == 0)
		return;
	inode->perm &= ~(mode_t)S_ISUID;
	if ((inode->perm & S_IXGRP) || !caller_in_group(req, inode->gid))
		inode->perm &= ~(mode_t)S_ISGID;
}

void memfs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	inode_stat(inode_of(ino), &st);
	fuse_reply_attr(req, &st, fs.timeout);
}

static struct statx_timestamp statx_time(struct timespec ts)
{
	return (struct statx_timestamp){.tv_sec = ts.tv_sec, .tv_nsec = ts.tv_nsec};
}

void memfs_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	struct statx stx = {.stx_mask = STATX_BASIC_STATS | STATX_BTIME};
	struct stat st;

	inode_stat(inode, &st);
	stx.stx_ino = st.st_ino;
	stx.stx_mode = st.st_mode;
	stx.stx_nlink = st.st_nlink;
	stx.stx_uid = st.st_uid;
	stx.stx_gid = st.st_gid;
	stx.stx_rdev_major = major(st.st_rdev);
	stx.stx_rdev_minor = minor(st.st_rdev);
	stx.stx_size = st.st_size;
	stx.stx_blocks = st.st_blocks;
	stx.stx_blksize = st.st_blksize;
	stx.stx_atime = statx_time(st.st_atim);
	stx.stx_mtime = statx_time(st.st_mtim);
	stx.stx_ctime = statx_time(st.st_ctim);
	stx.stx_btime = statx_time(inode->btime);
	fuse_reply_statx(req, 0, &stx, fs.timeout);
}

static void set_times_locked(struct inode *inode, const struct stat *attr, int to_set,
			     struct timespec now)
{
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		inode->atime = now;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		inode->atime = attr->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		inode->mtime = now;
	else if (to_set & FUSE_SET_ATTR_MTIME)
		inode->mtime = attr->st_mtim;
}

static int setattr_locked(struct inode *inode, const struct stat *attr, int to_set)
{
	const struct timespec now = time_now();
	/* With nothing to set (the kernel asks like that, too) nothing happens. */
	const bool changed = to_set & ~FUSE_SET_ATTR_CTIME;
	int ret;

	if (to_set & FUSE_SET_ATTR_MODE) {
		inode->perm = attr->st_mode & 07777;
		ret = acl_chmod_locked(inode);
		if (ret < 0)
			return ret;
	}
	if (to_set & FUSE_SET_ATTR_UID)
		inode->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		inode->gid = attr->st_gid;
	if (to_set & FUSE_SET_ATTR_SIZE) {
		inode->mtime = now;
		data_truncate_locked(inode, attr->st_size);
	}
	set_times_locked(inode, attr, to_set, now);
	if (to_set & FUSE_SET_ATTR_CTIME)
		inode->ctime = attr->st_ctim;
	else if (changed)
		inode->ctime = now;
	return 0;
}

void memfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		   struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	struct stat st;
	int ret;

	if ((to_set & FUSE_SET_ATTR_SIZE) && !S_ISREG(inode->type)) {
		fuse_reply_err(req, inode_is_dir(inode) ? EISDIR : EINVAL);
		return;
	}
	inode_lock_write(inode);
	ret = setattr_locked(inode, attr, to_set);
	inode_stat_locked(inode, &st);
	inode_unlock(inode);
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_attr(req, &st, fs.timeout);
}

void memfs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *inode = inode_of(ino);

	if (!S_ISLNK(inode->type)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	inode_accessed(inode);
	fuse_reply_readlink(req, inode->target); /* never changes */
}

void memfs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const uint64_t used = blocks_used();
	const uint64_t inodes = inode_count();
	struct statvfs st = {
		.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_blocks = fs.max_blocks,
		.f_bfree = fs.max_blocks > used ? fs.max_blocks - used : 0,
		.f_files = fs.max_inodes,
		.f_ffree = fs.max_inodes > inodes ? fs.max_inodes - inodes : 0,
		.f_namemax = 255,
	};

	st.f_bavail = st.f_bfree;
	st.f_favail = st.f_ffree;
	fuse_reply_statfs(req, &st);
}
