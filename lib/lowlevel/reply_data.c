/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers made of bytes. */
#include "lowlevel/buf.h"
#include "lowlevel/ll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/tsan.h"

#define STACK_IOV 8

PROFUSE_EXPORT int fuse_reply_readlink(fuse_req_t req, const char *link)
{
	return ll_reply(req, PROTO_REPLY_BYTES, link, strlen(link));
}

PROFUSE_EXPORT int fuse_reply_buf(fuse_req_t req, const char *buf, size_t size)
{
	return ll_reply(req, size ? PROTO_REPLY_BYTES : PROTO_REPLY_EMPTY, buf, size);
}

PROFUSE_EXPORT int fuse_reply_iov(fuse_req_t req, const struct iovec *iov, int count)
{
	return ll_reply_iov(req, PROTO_REPLY_BYTES, NULL, 0, iov, count);
}

/* The descriptors of the vector are used no more. */
static void note_read(fuse_req_t req)
{
	const struct proto_req *view = PROFUSE_TSAN ? sess_view_kept(req) : NULL;

	if (view && sess_op(req)->opcode == FUSE_READ)
		happens_before(ll_file_order(req, ((const struct fuse_read_in *)view->in)->fh));
}

/* What cannot be sent from where it is, is read into memory first. */
static int reply_copied(fuse_req_t req, struct fuse_bufvec *bufv, enum fuse_buf_copy_flags flags,
			size_t len)
{
	struct fuse_bufvec dst = FUSE_BUFVEC_INIT(len);
	CLEANUP_FREE void *own = NULL;
	ssize_t got;
	size_t cap;

	dst.buf[0].mem = sess_reply_buffer(req, len, &cap);
	if (!dst.buf[0].mem)
		dst.buf[0].mem = own = malloc(len);
	if (!dst.buf[0].mem)
		return ll_reply_error(req, -ENOMEM);
	got = fuse_buf_copy(&dst, bufv, flags);
	note_read(req);
	if (got < 0)
		return ll_reply_error(req, (int)got);
	return fuse_reply_buf(req, dst.buf[0].mem, (size_t)got);
}

PROFUSE_EXPORT int fuse_reply_data(fuse_req_t req, struct fuse_bufvec *bufv,
				   enum fuse_buf_copy_flags flags)
{
	struct iovec iov[STACK_IOV];
	size_t len = ll_buf_left(bufv);
	int count;

	if (len > sess_reply_max(req))
		return ll_refuse(req, "the answer is longer than was asked for");
	if (len == 0)
		return fuse_reply_buf(req, NULL, 0);
	count = ll_buf_iov(bufv, iov, STACK_IOV);
	if (count >= 0) {
		ll_buf_use_up(bufv);
		return ll_reply_iov(req, PROTO_REPLY_BYTES, NULL, 0, iov, count);
	}
	return reply_copied(req, bufv, flags, len);
}
