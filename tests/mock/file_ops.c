/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on open files and directories. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

static int open_call(struct mock *m, unsigned int op, uint64_t nodeid, uint32_t flags,
		     struct fuse_open_out *out)
{
	struct fuse_open_in in = {.flags = flags};
	struct mock_call call = {.op = op, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_open(struct mock *m, uint64_t nodeid, uint32_t flags, struct fuse_open_out *out)
{
	return open_call(m, PROTO_OPEN, nodeid, flags, out);
}

int mock_opendir(struct mock *m, uint64_t nodeid, struct fuse_open_out *out)
{
	return open_call(m, PROTO_OPENDIR, nodeid, 0, out);
}

static int create_call(struct mock *m, struct mock_call *call, struct fuse_entry_out *entry,
		       struct fuse_open_out *open)
{
	size_t entry_size = proto_entry_size(&m->conn);
	struct mock_reply reply;
	int res = mock_call(m, call, &reply);

	if (res == 0) {
		memset(entry, 0, sizeof(*entry));
		memcpy(entry, reply.body, entry_size);
		memcpy(open, reply.body + entry_size, sizeof(*open));
	}
	mock_reply_free(&reply);
	return res;
}

int mock_create(struct mock *m, uint64_t parent, const char *name, uint32_t flags, uint32_t mode,
		struct fuse_entry_out *entry, struct fuse_open_out *open)
{
	struct fuse_create_in in = {.flags = flags, .mode = mode, .umask = 022};
	struct mock_call call = {.op = PROTO_CREATE, .nodeid = parent, .in = &in, .name = {name}};

	return create_call(m, &call, entry, open);
}

int mock_tmpfile(struct mock *m, uint64_t parent, uint32_t flags, uint32_t mode,
		 struct fuse_entry_out *entry, struct fuse_open_out *open)
{
	struct fuse_create_in in = {.flags = flags, .mode = mode, .umask = 022};
	struct mock_call call = {.op = PROTO_TMPFILE, .nodeid = parent, .in = &in, .name = {"/"}};

	return create_call(m, &call, entry, open);
}

static ssize_t read_call(struct mock *m, unsigned int op, uint64_t nodeid, uint64_t fh, void *buf,
			 uint32_t size, uint64_t offset)
{
	struct fuse_read_in in = {.fh = fh, .offset = offset, .size = size};
	struct mock_call call = {.op = op, .nodeid = nodeid, .in = &in};
	struct mock_reply reply;
	ssize_t res = mock_call(m, &call, &reply);

	if (res == 0) {
		memcpy(buf, reply.body, reply.len);
		res = (ssize_t)reply.len;
	}
	mock_reply_free(&reply);
	return res;
}

ssize_t mock_read(struct mock *m, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
		  uint64_t offset)
{
	return read_call(m, PROTO_READ, nodeid, fh, buf, size, offset);
}

ssize_t mock_readdir(struct mock *m, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
		     uint64_t offset)
{
	return read_call(m, PROTO_READDIR, nodeid, fh, buf, size, offset);
}

ssize_t mock_readdirplus(struct mock *m, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
			 uint64_t offset)
{
	return read_call(m, PROTO_READDIRPLUS, nodeid, fh, buf, size, offset);
}

ssize_t mock_write(struct mock *m, uint64_t nodeid, uint64_t fh, const void *buf, uint32_t size,
		   uint64_t offset)
{
	struct fuse_write_in in = {.fh = fh, .offset = offset};
	struct mock_call call = {
		.op = PROTO_WRITE, .nodeid = nodeid, .in = &in, .data = buf, .data_len = size};
	struct fuse_write_out out;
	int res = mock_call_into(m, &call, &out, sizeof(out));

	return res ? res : (ssize_t)out.size;
}

int mock_flush(struct mock *m, uint64_t nodeid, uint64_t fh, uint64_t lock_owner)
{
	struct fuse_flush_in in = {.fh = fh, .lock_owner = lock_owner};
	struct mock_call call = {.op = PROTO_FLUSH, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_release(struct mock *m, uint64_t nodeid, uint64_t fh, uint32_t flags)
{
	struct fuse_release_in in = {.fh = fh, .flags = flags};
	struct mock_call call = {.op = PROTO_RELEASE, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_releasedir(struct mock *m, uint64_t nodeid, uint64_t fh)
{
	struct fuse_release_in in = {.fh = fh};
	struct mock_call call = {.op = PROTO_RELEASEDIR, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, NULL, 0);
}

static int fsync_call(struct mock *m, unsigned int op, uint64_t nodeid, uint64_t fh, bool datasync)
{
	struct fuse_fsync_in in = {.fh = fh, .fsync_flags = datasync ? FUSE_FSYNC_FDATASYNC : 0};
	struct mock_call call = {.op = op, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_fsync(struct mock *m, uint64_t nodeid, uint64_t fh, bool datasync)
{
	return fsync_call(m, PROTO_FSYNC, nodeid, fh, datasync);
}

int mock_fsyncdir(struct mock *m, uint64_t nodeid, uint64_t fh, bool datasync)
{
	return fsync_call(m, PROTO_FSYNCDIR, nodeid, fh, datasync);
}

int mock_getlk(struct mock *m, uint64_t nodeid, const struct fuse_lk_in *in,
	       struct fuse_lk_out *out)
{
	struct mock_call call = {.op = PROTO_GETLK, .nodeid = nodeid, .in = in};

	return mock_call_into(m, &call, out, sizeof(*out));
}

int mock_setlk(struct mock *m, uint64_t nodeid, const struct fuse_lk_in *in, bool wait)
{
	struct mock_call call = {
		.op = wait ? PROTO_SETLKW : PROTO_SETLK, .nodeid = nodeid, .in = in};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_poll(struct mock *m, uint64_t nodeid, const struct fuse_poll_in *in, uint32_t *revents)
{
	struct mock_call call = {.op = PROTO_POLL, .nodeid = nodeid, .in = in};
	struct fuse_poll_out out = {0};
	int res = mock_call_into(m, &call, &out, sizeof(out));

	*revents = out.revents;
	return res;
}

int mock_fallocate(struct mock *m, uint64_t nodeid, uint64_t fh, uint32_t mode, uint64_t offset,
		   uint64_t length)
{
	struct fuse_fallocate_in in = {.fh = fh, .offset = offset, .length = length, .mode = mode};
	struct mock_call call = {.op = PROTO_FALLOCATE, .nodeid = nodeid, .in = &in};

	return mock_call_into(m, &call, NULL, 0);
}

int mock_lseek(struct mock *m, uint64_t nodeid, uint64_t fh, uint64_t offset, uint32_t whence,
	       uint64_t *result)
{
	struct fuse_lseek_in in = {.fh = fh, .offset = offset, .whence = whence};
	struct mock_call call = {.op = PROTO_LSEEK, .nodeid = nodeid, .in = &in};
	struct fuse_lseek_out out = {0};
	int res = mock_call_into(m, &call, &out, sizeof(out));

	*result = out.offset;
	return res;
}

ssize_t mock_copy_file_range(struct mock *m, uint64_t nodeid,
			     const struct fuse_copy_file_range_in *in, bool wide)
{
	struct mock_call call = {.op = wide ? PROTO_COPY_FILE_RANGE_64 : PROTO_COPY_FILE_RANGE,
				 .nodeid = nodeid,
				 .in = in};
	struct fuse_copy_file_range_out wide_out;
	struct fuse_write_out out;
	int res;

	if (wide) {
		res = mock_call_into(m, &call, &wide_out, sizeof(wide_out));
		return res ? res : (ssize_t)wide_out.bytes_copied;
	}
	res = mock_call_into(m, &call, &out, sizeof(out));
	return res ? res : (ssize_t)out.size;
}
