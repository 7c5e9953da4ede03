/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on nodes and names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

/* The body as bytes; their count or the error. */
static ssize_t call_bytes(struct mock *m, const struct mock_call *call, void *buf, size_t size)
{
	struct mock_reply reply;
	ssize_t res = mock_call(m, call, &reply);

	if (res == 0 && reply.len > size)
		res = -EIO;
	if (res == 0) {
		memcpy(buf, reply.body, reply.len);
		res = (ssize_t)reply.len;
	}
	mock_reply_free(&reply);
	return res;
}

int mock_lookup(struct mock *m, uint64_t parent, const char *name, struct fuse_entry_out *out)
{
	struct mock_call call = {.op = PROTO_LOOKUP, .nodeid = parent, .name = {name}};
	int res = mock_call_into(m, &call, out, sizeof(*out));

	return res == 0 && out->nodeid == 0 ? -ENOENT : res;
}

int mock_forget(struct mock *m, uint64_t nodeid, uint64_t count)
{
	struct fuse_forget_in in = {.nlookup = count};
	struct mock_call call = {.op = PROTO_FORGET, .nodeid = nodeid, .in = &in};

	pthread_mutex_lock(&m->lock);
	mock_book_forget_locked(m, nodeid, count);
	pthread_mutex_unlock(&m->lock);
	return mock_send(m, &call) ? 0 : -ENOTCONN;
}

int mock_batch_forget(struct mock *m, const struct fuse_forget_one *list, uint32_t count)
{
	struct mock_call call = {
		.op = PROTO_BATCH_FORGET, .data = list, .data_len = count * sizeof(*list)};

	pthread_mutex_lock(&m->lock);
	for (uint32_t i = 0; i < count; i++)
		mock_book_forget_locked(m, list[i].nodeid, list[i].nlookup);
	pthread_mutex_unlock(&m->lock);
	return mock_send(m, &call) ? 0 : -ENOTCONN;
}

int mock_getattr(struct mock *m, uint64_t nodeid, const uint64_t *fh, struct fuse_attr_out *out)
{
	struct fuse_getattr_in in = {.getattr_flags = fh ? FUSE_GETATTR_FH : 0, .fh = fh ? *fh : 0};
	struct mock_call call = {.op = PROTO_GETATTR, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_setattr(struct mock *m, uint64_t nodeid, const struct fuse_setattr_in *in,
		 struct fuse_attr_out *out)
{
	struct mock_call call = {.op = PROTO_SETATTR, .nodeid = nodeid, .in = in};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_readlink(struct mock *m, uint64_t nodeid, char *buf, size_t size)
{
	struct mock_call call = {.op = PROTO_READLINK, .nodeid = nodeid};
	ssize_t n = call_bytes(m, &call, buf, size - 1);

	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	return 0;
}

int mock_symlink(struct mock *m, uint64_t parent, const char *name, const char *target,
		 struct fuse_entry_out *out)
{
	struct mock_call call = {.op = PROTO_SYMLINK, .nodeid = parent, .name = {name, target}};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_mknod(struct mock *m, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
	       struct fuse_entry_out *out)
{
	struct fuse_mknod_in in = {.mode = mode, .rdev = rdev, .umask = 022};
	struct mock_call call = {.op = PROTO_MKNOD, .nodeid = parent, .in = &in, .name = {name}};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_mkdir(struct mock *m, uint64_t parent, const char *name, uint32_t mode,
	       struct fuse_entry_out *out)
{
	struct fuse_mkdir_in in = {.mode = mode, .umask = 022};
	struct mock_call call = {.op = PROTO_MKDIR, .nodeid = parent, .in = &in, .name = {name}};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_unlink(struct mock *m, uint64_t parent, const char *name)
{
	struct mock_call call = {.op = PROTO_UNLINK, .nodeid = parent, .name = {name}};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_rmdir(struct mock *m, uint64_t parent, const char *name)
{
	struct mock_call call = {.op = PROTO_RMDIR, .nodeid = parent, .name = {name}};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_rename(struct mock *m, uint64_t olddir, const char *oldname, uint64_t newdir,
		const char *newname, uint32_t flags)
{
	struct fuse_rename_in in = {.newdir = newdir};
	struct fuse_rename2_in in2 = {.newdir = newdir, .flags = flags};
	struct mock_call call = {.op = flags ? PROTO_RENAME2 : PROTO_RENAME,
				 .nodeid = olddir,
				 .in = flags ? (void *)&in2 : (void *)&in,
				 .name = {oldname, newname}};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_link(struct mock *m, uint64_t nodeid, uint64_t newdir, const char *newname,
	      struct fuse_entry_out *out)
{
	struct fuse_link_in in = {.oldnodeid = nodeid};
	struct mock_call call = {.op = PROTO_LINK, .nodeid = newdir, .in = &in, .name = {newname}};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_statfs(struct mock *m, uint64_t nodeid, struct fuse_statfs_out *out)
{
	struct mock_call call = {.op = PROTO_STATFS, .nodeid = nodeid};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_setxattr(struct mock *m, uint64_t nodeid, const char *name, const void *value, size_t size,
		  uint32_t flags)
{
	struct fuse_setxattr_in in = {.flags = flags};
	struct mock_call call = {.op = PROTO_SETXATTR,
				 .nodeid = nodeid,
				 .in = &in,
				 .name = {name},
				 .data = value,
				 .data_len = size};

	return mock_call_into(m, &call, NULL, 0);
}

static ssize_t get_xattr(struct mock *m, struct mock_call *call, void *buf, uint32_t size)
{
	struct fuse_getxattr_in in = {.size = size};
	struct fuse_getxattr_out out;
	int res;

	call->in = &in;
	if (size)
		return call_bytes(m, call, buf, size);
	res = mock_call_into(m, call, &out, sizeof(out));
	return res ? res : (ssize_t)out.size;
}

ssize_t mock_getxattr(struct mock *m, uint64_t nodeid, const char *name, void *buf, uint32_t size)
{
	struct mock_call call = {.op = PROTO_GETXATTR, .nodeid = nodeid, .name = {name}};

	return get_xattr(m, &call, buf, size);
}

ssize_t mock_listxattr(struct mock *m, uint64_t nodeid, void *buf, uint32_t size)
{
	struct mock_call call = {.op = PROTO_LISTXATTR, .nodeid = nodeid};

	return get_xattr(m, &call, buf, size);
}

int mock_removexattr(struct mock *m, uint64_t nodeid, const char *name)
{
	struct mock_call call = {.op = PROTO_REMOVEXATTR, .nodeid = nodeid, .name = {name}};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_access(struct mock *m, uint64_t nodeid, uint32_t mask)
{
	struct fuse_access_in in = {.mask = mask};
	struct mock_call call = {.op = PROTO_ACCESS, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_bmap(struct mock *m, uint64_t nodeid, uint64_t block, uint32_t blocksize, uint64_t *result)
{
	struct fuse_bmap_in in = {.block = block, .blocksize = blocksize};
	struct mock_call call = {.op = PROTO_BMAP, .nodeid = nodeid, .in = &in};
	struct fuse_bmap_out out = {0};
	int res = mock_call_into(m, &call, &out, sizeof(out));

	*result = out.block;
	return res;
}

int mock_statx(struct mock *m, uint64_t nodeid, const struct fuse_statx_in *in,
	       struct fuse_statx_out *out)
{
	struct mock_call call = {.op = PROTO_STATX, .nodeid = nodeid, .in = in};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_syncfs(struct mock *m, uint64_t nodeid)
{
	struct mock_call call = {.op = PROTO_SYNCFS, .nodeid = nodeid};

	return mock_call_into(m, &call, NULL, 0);
}
