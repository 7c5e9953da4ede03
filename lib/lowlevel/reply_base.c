/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all answers are made with. */
#include "lowlevel/ll.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"

/* Vectors up to this are sent as they are, from the stack. */
#define STACK_IOV 16

int ll_reply(fuse_req_t req, enum proto_reply kind, const void *body, size_t len)
{
	struct iovec iov[2] = {{0}, {.iov_base = (void *)body, .iov_len = len}};

	return sess_reply(req, kind, 0, iov, len ? 2 : 1);
}

int ll_reply_error(fuse_req_t req, int error)
{
	struct iovec iov[1];

	return sess_reply(req, PROTO_REPLY_EMPTY, error, iov, 1);
}

int ll_refuse(fuse_req_t req, const char *why)
{
	int err;

	fuse_log(FUSE_LOG_ERR, "fuse: wrong answer to %s: %s; answered EIO\n", sess_op(req)->name,
		 why);
	err = ll_reply_error(req, -EIO);
	return err ? err : -EINVAL;
}

bool ll_iov_size(const struct iovec *iov, int count, size_t *out)
{
	size_t size = 0;

	for (int i = 0; i < count; i++) {
		if (!size_add(size, iov[i].iov_len, &size))
			return false;
	}
	*out = size;
	return true;
}

/* In one piece behind a head, in memory that lives until the answer. */
static int reply_flattened(fuse_req_t req, enum proto_reply kind, const void *head, size_t head_len,
			   const struct iovec *iov, int count, size_t size)
{
	CLEANUP_FREE void *own = NULL;
	size_t cap, at = head_len;
	char *mem = sess_reply_buffer(req, size, &cap);

	if (!mem)
		mem = own = malloc(size);
	if (!mem)
		return ll_reply_error(req, -ENOMEM);
	if (head_len)
		memcpy(mem, head, head_len);
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len)
			memcpy(mem + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	return ll_reply(req, kind, mem, size);
}

int ll_reply_iov(fuse_req_t req, enum proto_reply kind, const void *head, size_t head_len,
		 const struct iovec *iov, int count)
{
	struct iovec out[STACK_IOV];
	size_t size;
	int n = 1;

	if (count < 0 || !ll_iov_size(iov, count, &size) || !size_add(size, head_len, &size))
		return ll_refuse(req, "the vector's length is impossible");
	if (size > sess_reply_max(req))
		return ll_refuse(req, "the answer is longer than was asked for");
	if (count > STACK_IOV - 2)
		return reply_flattened(req, kind, head, head_len, iov, count, size);
	if (head_len)
		out[n++] = (struct iovec){.iov_base = (void *)head, .iov_len = head_len};
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len)
			out[n++] = iov[i];
	}
	return sess_reply(req, kind, 0, out, n);
}
