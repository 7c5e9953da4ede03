/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes of one inode, and of the filesystem that it lies on. */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

/*
 * The inode's descriptor for the time of one request. On failure the request is answered and -1
 * returned.
 */
static int begin(fuse_req_t req, struct inode *inode)
{
	const int fd = fdcache_get(inode);

	if (fd < 0)
		fuse_reply_err(req, errno);
	return fd;
}

void pt_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	const int fd = begin(req, inode);
	struct identity id;
	struct stat st;
	int err;

	if (fd < 0)
		return;
	err = inode_examine(fd, &st, &id) < 0 ? errno : 0;
	fdcache_put(inode);
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_attr(req, &st, fs.timeout);
}

void pt_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	const int fd = begin(req, inode);
	struct statx stx;
	int err = 0;

	if (fd < 0)
		return;
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, mask, &stx) < 0)
		err = errno;
	fdcache_put(inode);
	if (err) {
		fuse_reply_err(req, err);
		return;
	}
	stx.stx_ino = inode_shown_number(inode->id.dev, stx.stx_ino);
	fuse_reply_statx(req, 0, &stx, fs.timeout);
}

/* --- setattr --- */

static int set_owner(int fd, const struct stat *attr, int to_set)
{
	const uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	const gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;

	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static int set_size(int fd, const struct stat *attr, const struct fuse_file_info *fi)
{
	char path[PROC_PATH_SIZE];

	if (fi)
		return ftruncate(fi->fh, attr->st_size);
	proc_path(path, fd);
	return truncate(path, attr->st_size);
}

static struct timespec time_to_set(struct timespec given, bool is_given, bool is_now)
{
	if (is_now)
		given.tv_nsec = UTIME_NOW;
	else if (!is_given)
		given.tv_nsec = UTIME_OMIT;
	return given;
}

static int set_times(int fd, const struct stat *attr, int to_set)
{
	const struct timespec times[] = {
		time_to_set(attr->st_atim, to_set & FUSE_SET_ATTR_ATIME,
			    to_set & FUSE_SET_ATTR_ATIME_NOW),
		time_to_set(attr->st_mtim, to_set & FUSE_SET_ATTR_MTIME,
			    to_set & FUSE_SET_ATTR_MTIME_NOW),
	};

	return utimensat(fd, "", times, AT_EMPTY_PATH);
}

/*
 * The owner first, because a new owner takes setuid away; then the mode, which may give it
 * back. 0 or an errno.
 */
static int set_attributes(int fd, const struct stat *attr, int to_set,
			  const struct fuse_file_info *fi)
{
	const int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
			  FUSE_SET_ATTR_MTIME_NOW;
	char path[PROC_PATH_SIZE];

	if ((to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) && set_owner(fd, attr, to_set) < 0)
		return errno;
	if (to_set & FUSE_SET_ATTR_MODE) {
		proc_path(path, fd);
		if (chmod(path, attr->st_mode & 07777) < 0)
			return errno;
	}
	if ((to_set & FUSE_SET_ATTR_SIZE) && set_size(fd, attr, fi) < 0)
		return errno;
	if ((to_set & times) && set_times(fd, attr, to_set) < 0)
		return errno;
	return 0;
}

void pt_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	const int fd = begin(req, inode);
	struct stat st = {0};
	struct identity id;
	int err;

	if (fd < 0)
		return;
	file_changing(inode);
	err = set_attributes(fd, attr, to_set, fi);
	if (inode_examine(fd, &st, &id) < 0 && !err)
		err = errno;
	/* With nothing to set the kernel is about to change the file by itself. */
	if (!err && fs.clears_suid && (to_set == 0 || (to_set & FUSE_SET_ATTR_SIZE)))
		caller_wrote(req, fd, &st);
	file_changed(inode, &st);
	fdcache_put(inode);
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_attr(req, &st, fs.timeout);
}

/* --- the rest --- */

void pt_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *inode = inode_of(ino);
	const int fd = begin(req, inode);
	char target[PATH_MAX + 1];
	ssize_t len;
	int err;

	if (fd < 0)
		return;
	len = readlinkat(fd, "", target, sizeof(target));
	err = len < 0 ? errno : 0;
	fdcache_put(inode);
	if (err) {
		fuse_reply_err(req, err);
	} else if (len == sizeof(target)) {
		fuse_reply_err(req, ENAMETOOLONG);
	} else {
		target[len] = '\0';
		fuse_reply_readlink(req, target);
	}
}

void pt_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *inode = ino ? inode_of(ino) : &fs.root;
	const int fd = begin(req, inode);
	struct statvfs st;
	int err;

	if (fd < 0)
		return;
	err = fstatvfs(fd, &st) < 0 ? errno : 0;
	fdcache_put(inode);
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_statfs(req, &st);
}
