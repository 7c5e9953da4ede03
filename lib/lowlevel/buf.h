/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffer vectors, for the files of this room. */
#ifndef PROFUSE_LOWLEVEL_BUF_H
#define PROFUSE_LOWLEVEL_BUF_H

#include "base/abi.h"
#include "lowlevel/ll.h"

/* Elements grew in the 3.17 generation; programs of the one before lay them
 * closer together, and their last member is not there. */
static inline size_t ll_buf_stride(void)
{
	return abi_is_old() ? offsetof(struct fuse_buf, mem_size) : sizeof(struct fuse_buf);
}

/* Bytes from the current position to the end; SIZE_MAX if they do not add up. */
size_t ll_buf_left(const struct fuse_bufvec *bufv);

/* The same bytes as an iovec of at most max elements: how many, or -1 if there
 * are more or if some are behind descriptors. Leaves the position alone. */
int ll_buf_iov(const struct fuse_bufvec *bufv, struct iovec *iov, int max);

/* Moves the position to the end. */
static inline void ll_buf_use_up(struct fuse_bufvec *bufv)
{
	bufv->idx = bufv->count;
	bufv->off = 0;
}

#endif
