/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers of one small, fixed structure, or of none. */
#include "lowlevel/ll.h"
#include "protocol/fill.h"

#include <errno.h>
#include <limits.h>

PROFUSE_EXPORT int fuse_reply_err(fuse_req_t req, int err)
{
	struct fuse_entry_param nothing = {0};

	if (err == ENOENT && sess_op(req)->opcode == FUSE_LOOKUP) {
		nothing.entry_timeout = sess_negative_valid(&sess_of(req)->caching);
		if (nothing.entry_timeout > 0)
			return fuse_reply_entry(req, &nothing);
	}
	/* INT_MIN has no positive form; out of range either way. */
	return ll_reply_error(req, err == INT_MIN ? INT_MAX : -err);
}

PROFUSE_EXPORT void fuse_reply_none(fuse_req_t req)
{
	sess_reply_none(req);
}

/* Also answers copy_file_range, whose 64-bit form has its own structure. */
PROFUSE_EXPORT int fuse_reply_write(fuse_req_t req, size_t count)
{
	struct fuse_copy_file_range_out copy = {.bytes_copied = count};
	struct fuse_write_out out = {.size = (uint32_t)count};

	if (sess_op(req)->reply == PROTO_REPLY_COPY)
		return ll_reply(req, PROTO_REPLY_COPY, &copy, sizeof(copy));
	if (count > UINT32_MAX)
		return ll_refuse(req, "the count is larger than any request");
	return ll_reply(req, PROTO_REPLY_WRITE, &out, sizeof(out));
}

PROFUSE_EXPORT int fuse_reply_statfs(fuse_req_t req, const struct statvfs *stbuf)
{
	struct fuse_statfs_out out;

	proto_fill_kstatfs(&out.st, stbuf);
	return ll_reply(req, PROTO_REPLY_STATFS, &out, sizeof(out));
}

/* Only a query for the size may be answered with one. */
PROFUSE_EXPORT int fuse_reply_xattr(fuse_req_t req, size_t count)
{
	struct fuse_getxattr_out out = {.size = (uint32_t)count};

	if (sess_op(req)->reply == PROTO_REPLY_XATTR && sess_reply_min(req) != sizeof(out))
		return ll_refuse(req, "a size, where the value was asked for");
	if (count > UINT32_MAX)
		return ll_refuse(req, "the size is larger than any value");
	return ll_reply(req, PROTO_REPLY_XATTR, &out, sizeof(out));
}

PROFUSE_EXPORT int fuse_reply_lock(fuse_req_t req, const struct flock *lock)
{
	struct fuse_lk_out out;

	if (!proto_fill_lock(&out.lk, lock))
		return ll_refuse(req, "the lock has an impossible type or range");
	return ll_reply(req, PROTO_REPLY_LK, &out, sizeof(out));
}

PROFUSE_EXPORT int fuse_reply_bmap(fuse_req_t req, uint64_t idx)
{
	struct fuse_bmap_out out = {.block = idx};

	return ll_reply(req, PROTO_REPLY_BMAP, &out, sizeof(out));
}

PROFUSE_EXPORT int fuse_reply_poll(fuse_req_t req, unsigned revents)
{
	struct fuse_poll_out out = {.revents = revents};

	return ll_reply(req, PROTO_REPLY_POLL, &out, sizeof(out));
}

PROFUSE_EXPORT int fuse_reply_lseek(fuse_req_t req, off_t off)
{
	struct fuse_lseek_out out = {.offset = (uint64_t)off};

	return ll_reply(req, PROTO_REPLY_LSEEK, &out, sizeof(out));
}
