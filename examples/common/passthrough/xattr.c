/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes, access control lists among them. */
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

enum { MAX_SIZE = 65536 };

/*
 * The name of an inode for calls that take a path: /proc/self/fd leads to the very inode, also if
 * that is a symbolic link. On failure the request is answered and false returned.
 */
static bool begin(fuse_req_t req, struct inode *inode, char path[PROC_PATH_SIZE])
{
	int fd;

	if (fs.no_xattr) {
		fuse_reply_err(req, ENOSYS);
		return false;
	}
	fd = fdcache_get(inode);
	if (fd < 0) {
		fuse_reply_err(req, errno);
		return false;
	}
	proc_path(path, fd);
	return true;
}

static bool is_acl(const char *name)
{
	return strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

/* With our rights the setgid bit survives a new list, with the caller's it might not have. */
static void drop_setgid(fuse_req_t req, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_ISGID) && S_ISREG(st.st_mode) &&
	    !caller_in_group(req, st.st_gid))
		chmod(path, st.st_mode & 07777 & ~(mode_t)S_ISGID);
}

void pt_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
		 int flags)
{
	struct inode *inode = inode_of(ino);
	char path[PROC_PATH_SIZE];
	int err = 0;

	if (!begin(req, inode, path))
		return;
	if (setxattr(path, name, value, size, flags) < 0)
		err = errno;
	else if (strcmp(name, "system.posix_acl_access") == 0)
		drop_setgid(req, path);
	fdcache_put(inode);
	fuse_reply_err(req, err);
}

void pt_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct inode *inode = inode_of(ino);
	char path[PROC_PATH_SIZE];
	int err;

	if (!begin(req, inode, path))
		return;
	err = removexattr(path, name) < 0 ? errno : 0;
	fdcache_put(inode);
	fuse_reply_err(req, err);
}

static void reply_value(fuse_req_t req, size_t size, ssize_t n, int err, const char *value)
{
	if (n < 0)
		fuse_reply_err(req, err);
	else if (size == 0)
		fuse_reply_xattr(req, n);
	else
		fuse_reply_buf(req, value, n);
}

void pt_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct inode *inode = inode_of(ino);
	char *value = size ? malloc(size) : NULL;
	char path[PROC_PATH_SIZE];
	ssize_t n;
	int err;

	if (size && !value) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (begin(req, inode, path)) {
		n = getxattr(path, name, value, size);
		err = errno;
		fdcache_put(inode);
		/* To the kernel a filesystem without lists is one where no file has a list. */
		if (n < 0 && err == EOPNOTSUPP && fs.acl && is_acl(name))
			err = ENODATA;
		reply_value(req, size, n, err, value);
	}
	free(value);
}

/* Names in trusted.* are shown to root only. Returns the new length. */
static ssize_t without_trusted(char *list, ssize_t len)
{
	char *to = list;

	for (char *at = list; at < list + len;) {
		const size_t n = strlen(at) + 1;

		if (strncmp(at, "trusted.", strlen("trusted.")) != 0) {
			memmove(to, at, n);
			to += n;
		}
		at += n;
	}
	return to - list;
}

void pt_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct inode *inode = inode_of(ino);
	char path[PROC_PATH_SIZE];
	char *list = malloc(MAX_SIZE);
	ssize_t n;
	int err;

	if (!list) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (begin(req, inode, path)) {
		/* All of it, also if only its length is asked for: which is without what we hide.
		 */
		n = listxattr(path, list, MAX_SIZE);
		err = errno;
		fdcache_put(inode);
		if (n > 0 && fuse_req_ctx(req)->uid != 0)
			n = without_trusted(list, n);
		if (size > 0 && n > (ssize_t)size) {
			n = -1;
			err = ERANGE;
		}
		reply_value(req, size, n, err, list);
	}
	free(list);
}
