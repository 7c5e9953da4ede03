/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers to ioctl(2). */
#include "lowlevel/ll.h"

#include <errno.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"

/* In kernels before 7.16 the ranges were the structures of the process's own
 * word size. */
#define MINOR_WIRE_IOVEC 16

PROFUSE_EXPORT int fuse_reply_ioctl(fuse_req_t req, int result, const void *buf, size_t size)
{
	struct fuse_ioctl_out out = {.result = result};
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = size};

	return ll_reply_iov(req, PROTO_REPLY_IOCTL, &out, sizeof(out), &iov, size ? 1 : 0);
}

PROFUSE_EXPORT int fuse_reply_ioctl_iov(fuse_req_t req, int result, const struct iovec *iov,
					int count)
{
	struct fuse_ioctl_out out = {.result = result};

	return ll_reply_iov(req, PROTO_REPLY_IOCTL, &out, sizeof(out), iov, count);
}

static void fill_ranges(struct fuse_ioctl_iovec *out, const struct iovec *iov, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		out[i].base = (uintptr_t)iov[i].iov_base;
		out[i].len = iov[i].iov_len;
	}
}

static int retry_with_wire_ranges(fuse_req_t req, const struct fuse_ioctl_out *out,
				  const struct iovec *in_iov, const struct iovec *out_iov)
{
	struct fuse_ioctl_iovec ranges[FUSE_IOCTL_MAX_IOV];
	size_t count = (size_t)out->in_iovs + out->out_iovs;
	struct iovec iov = {.iov_base = ranges, .iov_len = count * sizeof(ranges[0])};

	fill_ranges(ranges, in_iov, out->in_iovs);
	fill_ranges(ranges + out->in_iovs, out_iov, out->out_iovs);
	return ll_reply_iov(req, PROTO_REPLY_IOCTL, out, sizeof(*out), &iov, count ? 1 : 0);
}

static int retry_with_own_ranges(fuse_req_t req, const struct fuse_ioctl_out *out,
				 const struct iovec *in_iov, const struct iovec *out_iov)
{
	struct iovec iov[2] = {
		{.iov_base = (void *)in_iov, .iov_len = out->in_iovs * sizeof(*in_iov)},
		{.iov_base = (void *)out_iov, .iov_len = out->out_iovs * sizeof(*out_iov)},
	};

	return ll_reply_iov(req, PROTO_REPLY_IOCTL, out, sizeof(*out), iov, 2);
}

PROFUSE_EXPORT int fuse_reply_ioctl_retry(fuse_req_t req, const struct iovec *in_iov,
					  size_t in_count, const struct iovec *out_iov,
					  size_t out_count)
{
	struct fuse_ioctl_out out = {.flags = FUSE_IOCTL_RETRY};
	size_t count;

	if (!size_add(in_count, out_count, &count) || count > FUSE_IOCTL_MAX_IOV)
		return ll_refuse(req, "more than 256 ranges");
	out.in_iovs = (uint32_t)in_count;
	out.out_iovs = (uint32_t)out_count;
	if (sess_of(req)->conn.minor < MINOR_WIRE_IOVEC)
		return retry_with_own_ranges(req, &out, in_iov, out_iov);
	return retry_with_wire_ranges(req, &out, in_iov, out_iov);
}
