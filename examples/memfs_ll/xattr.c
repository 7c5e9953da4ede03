/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extended attributes. The kernel has checked who may do what with user.*, trusted.* and
 * security.* before a request gets here; which names exist at all is our decision.
 */
#include "memfs.h"
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

enum {
	MAX_LIST = 65536,	  /* what listxattr(2) can return at most */
	MAX_VALUES = 1024 * 1024, /* all values of one inode together */
};

struct xattr {
	struct xattr *next;
	size_t size;
	char *value;
	char name[];
};

static struct xattr **find_link(const struct inode *inode, const char *name)
{
	struct xattr **link = (struct xattr **)&inode->xattrs;

	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

const char *xattr_find_locked(const struct inode *inode, const char *name, size_t *size)
{
	const struct xattr *x = *find_link(inode, name);

	if (!x)
		return NULL;
	*size = x->size;
	return x->value;
}

static int check_room(const struct inode *inode, const char *name, size_t size)
{
	size_t names = strlen(name) + 1, values = size;

	for (const struct xattr *x = inode->xattrs; x; x = x->next) {
		if (strcmp(x->name, name) == 0)
			continue;
		names += strlen(x->name) + 1;
		values += x->size;
	}
	return names > MAX_LIST || values > MAX_VALUES ? -ENOSPC : 0;
}

int xattr_store_locked(struct inode *inode, const char *name, const char *value, size_t size)
{
	struct xattr **link = find_link(inode, name);
	struct xattr *x = *link;
	char *copy;

	if (check_room(inode, name, size) < 0)
		return -ENOSPC;
	copy = malloc(size ? size : 1);
	if (!copy)
		return -ENOMEM;
	if (size > 0)
		memcpy(copy, value, size);
	if (!x) {
		x = malloc(sizeof(*x) + strlen(name) + 1);
		if (!x) {
			free(copy);
			return -ENOMEM;
		}
		strcpy(x->name, name);
		x->next = NULL;
		x->value = NULL;
		*link = x;
	}
	free(x->value);
	x->value = copy;
	x->size = size;
	return 0;
}

int xattr_remove_locked(struct inode *inode, const char *name)
{
	struct xattr **link = find_link(inode, name);
	struct xattr *x = *link;

	if (!x)
		return -ENODATA;
	*link = x->next;
	free(x->value);
	free(x);
	return 0;
}

void xattr_free_all(struct inode *inode)
{
	while (inode->xattrs)
		xattr_remove_locked(inode, inode->xattrs->name);
}

static bool is_acl(const char *name)
{
	return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

static bool is_supported(const char *name)
{
	static const char *const spaces[] = {"user.", "trusted.", "security."};

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (strncmp(name, spaces[i], strlen(spaces[i])) == 0)
			return true;
	}
	return fs.acl && is_acl(name);
}

static int set_locked(struct inode *inode, const char *name, const char *value, size_t size,
		      int flags)
{
	const bool exists = *find_link(inode, name) != NULL;

	if ((flags & XATTR_CREATE) && exists)
		return -EEXIST;
	if ((flags & XATTR_REPLACE) && !exists)
		return -ENODATA;
	return xattr_store_locked(inode, name, value, size);
}

void memfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		    size_t size, int flags)
{
	struct inode *inode = inode_of(ino);
	bool in_group = true;
	int ret;

	if (!is_supported(name)) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	if (is_acl(name)) {
		struct stat st;

		inode_stat(inode, &st);
		in_group = caller_in_group(req, st.st_gid);
	}
	inode_lock_write(inode);
	if (is_acl(name))
		ret = acl_set_locked(inode, name, value, size, in_group);
	else
		ret = set_locked(inode, name, value, size, flags);
	if (ret == 0)
		inode_changed_locked(inode);
	inode_unlock(inode);
	fuse_reply_err(req, -ret);
}

void memfs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct inode *inode = inode_of(ino);
	const char *value;
	char *copy = NULL;
	size_t len = 0;
	int err = 0;

	if (!is_supported(name)) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	inode_lock_read(inode);
	value = xattr_find_locked(inode, name, &len);
	if (!value) {
		err = ENODATA;
	} else if (size > 0 && len > size) {
		err = ERANGE;
	} else if (size > 0) {
		copy = malloc(len ? len : 1);
		if (copy)
			memcpy(copy, value, len);
		else
			err = ENOMEM;
	}
	inode_unlock(inode);
	if (err)
		fuse_reply_err(req, err);
	else if (size == 0)
		fuse_reply_xattr(req, len);
	else
		fuse_reply_buf(req, copy, len);
	free(copy);
}

/* Names in trusted.* are shown to root only. Returns the length; fills buf if it is not NULL. */
static size_t list_locked(const struct inode *inode, bool privileged, char *buf)
{
	size_t len = 0;

	for (const struct xattr *x = inode->xattrs; x; x = x->next) {
		const size_t n = strlen(x->name) + 1;

		if (!privileged && strncmp(x->name, "trusted.", strlen("trusted.")) == 0)
			continue;
		if (buf)
			memcpy(buf + len, x->name, n);
		len += n;
	}
	return len;
}

void memfs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct inode *inode = inode_of(ino);
	const bool privileged = fuse_req_ctx(req)->uid == 0;
	char *copy = NULL;
	size_t len;

	inode_lock_read(inode);
	len = list_locked(inode, privileged, NULL);
	if (len > 0 && len <= size) {
		copy = malloc(len);
		if (copy)
			list_locked(inode, privileged, copy);
	}
	inode_unlock(inode);
	if (size == 0)
		fuse_reply_xattr(req, len);
	else if (len > size)
		fuse_reply_err(req, ERANGE);
	else if (len > 0 && !copy)
		fuse_reply_err(req, ENOMEM);
	else
		fuse_reply_buf(req, copy, len);
	free(copy);
}

void memfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct inode *inode = inode_of(ino);
	int ret;

	if (!is_supported(name)) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	inode_lock_write(inode);
	ret = xattr_remove_locked(inode, name);
	if (ret == 0)
		inode_changed_locked(inode);
	/* Taking away an ACL that is not there is no error. */
	else if (is_acl(name))
		ret = 0;
	inode_unlock(inode);
	fuse_reply_err(req, -ret);
}
