/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes. */
#include "highlevel/hl.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* What a filesystem may say is needed. */
#define XATTR_MAX_BYTES ((size_t)INT32_MAX)

void hl_ll_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		    size_t size, int flags)
{
	struct hl_call c;
	int err = hl_call_node_or_file(&c, req, "setxattr", ino);

	if (!err)
		err = hl_checked(c.f, "setxattr",
				 fuse_fs_setxattr(c.f->fs, hl_path(&c), name, value, size, flags));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

void hl_ll_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct hl_call c;
	int err = hl_call_node_or_file(&c, req, "removexattr", ino);

	if (!err)
		err = hl_checked(c.f, "removexattr",
				 fuse_fs_removexattr(c.f->fs, hl_path(&c), name));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

/* A value, a list, or with size 0 the bytes needed. */
static void reply_bytes(fuse_req_t req, const char *buf, size_t size, ssize_t res)
{
	if (res < 0)
		fuse_reply_err(req, (int)-res);
	else if (size)
		fuse_reply_buf(req, buf, (size_t)res);
	else
		fuse_reply_xattr(req, (size_t)res);
}

void hl_ll_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	CLEANUP_FREE char *buf = size ? malloc(size) : NULL;
	struct hl_call c;
	ssize_t res = hl_call_node_or_file(&c, req, "getxattr", ino);

	if (!res && size && !buf)
		res = -ENOMEM;
	if (!res) {
		res = fuse_fs_getxattr(c.f->fs, hl_path(&c), name, buf, size);
		res = hl_counted(c.f, "getxattr", res, size ? size : XATTR_MAX_BYTES);
	}
	hl_call_end(&c);
	reply_bytes(req, buf, size, res);
}

void hl_ll_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	CLEANUP_FREE char *buf = size ? malloc(size) : NULL;
	struct hl_call c;
	ssize_t res = hl_call_node_or_file(&c, req, "listxattr", ino);

	if (!res && size && !buf)
		res = -ENOMEM;
	if (!res) {
		res = fuse_fs_listxattr(c.f->fs, hl_path(&c), buf, size);
		res = hl_counted(c.f, "listxattr", res, size ? size : XATTR_MAX_BYTES);
	}
	hl_call_end(&c);
	reply_bytes(req, buf, size, res);
}
