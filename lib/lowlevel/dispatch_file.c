/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on open files. */
#include "lowlevel/ll.h"

#include <errno.h>
#include <limits.h>

#include "base/tsan.h"

/* A file offset as off_t. Kernels never send one that does not fit; a peer on
 * a socket might. */
static bool offset_fits(uint64_t offset, uint64_t len)
{
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

LL_ADAPTER(open)
{
	const struct fuse_open_in *in = r->in;
	struct fuse_file_info fi = {.flags = (int32_t)in->flags};

	ll->ops.open(req, r->hdr->nodeid, &fi);
}

LL_ADAPTER(read)
{
	const struct fuse_read_in *in = r->in;
	struct fuse_file_info fi = {
		.flags = (int32_t)in->flags,
		.fh = in->fh,
		.lock_owner = in->lock_owner,
	};

	if (unlikely(!offset_fits(in->offset, in->size)))
		fuse_reply_err(req, EINVAL);
	else
		ll->ops.read(req, r->hdr->nodeid, in->size, (off_t)in->offset, &fi);
}

LL_ADAPTER(write)
{
	const struct fuse_write_in *in = r->in;
	struct fuse_file_info fi = {
		.flags = (int32_t)in->flags,
		.writepage = (in->write_flags & FUSE_WRITE_CACHE) != 0,
		.fh = in->fh,
		.lock_owner = in->lock_owner,
	};

	if (unlikely(!offset_fits(in->offset, in->size))) {
		fuse_reply_err(req, EINVAL);
	} else if (ll->ops.write_buf) {
		struct fuse_bufvec bufv = FUSE_BUFVEC_INIT(r->data_len);

		bufv.buf[0].mem = (void *)r->data;
		ll->ops.write_buf(req, r->hdr->nodeid, &bufv, (off_t)in->offset, &fi);
	} else {
		ll->ops.write(req, r->hdr->nodeid, r->data, r->data_len, (off_t)in->offset, &fi);
	}
}

LL_ADAPTER(flush)
{
	const struct fuse_flush_in *in = r->in;
	struct fuse_file_info fi = {.flush = 1, .fh = in->fh, .lock_owner = in->lock_owner};

	ll->ops.flush(req, r->hdr->nodeid, &fi);
}

LL_ADAPTER(release)
{
	const struct fuse_release_in *in = r->in;
	struct fuse_file_info fi = {
		.flags = (int32_t)in->flags,
		.flush = (in->release_flags & FUSE_RELEASE_FLUSH) != 0,
		.flock_release = (in->release_flags & FUSE_RELEASE_FLOCK_UNLOCK) != 0,
		.fh = in->fh,
		.lock_owner = in->lock_owner,
	};

	if (PROFUSE_TSAN)
		happens_after(ll_file_order(req, in->fh));
	ll->ops.release(req, r->hdr->nodeid, &fi);
}

LL_ADAPTER(fsync)
{
	const struct fuse_fsync_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh};

	ll->ops.fsync(req, r->hdr->nodeid, in->fsync_flags & FUSE_FSYNC_FDATASYNC, &fi);
}

LL_ADAPTER(fallocate)
{
	const struct fuse_fallocate_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh};

	if (unlikely(!offset_fits(in->offset, in->length)))
		fuse_reply_err(req, EINVAL);
	else
		ll->ops.fallocate(req, r->hdr->nodeid, (int)in->mode, (off_t)in->offset,
				  (off_t)in->length, &fi);
}

LL_ADAPTER(lseek)
{
	const struct fuse_lseek_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh};

	ll->ops.lseek(req, r->hdr->nodeid, (off_t)in->offset, (int)in->whence, &fi);
}

/* COPY_FILE_RANGE and its 64-bit form differ in how they are answered. The
 * length counts up to where the offsets end, since that of the 64-bit form may
 * be the whole type. */
LL_ADAPTER(copy_file_range)
{
	const struct fuse_copy_file_range_in *in = r->in;
	struct fuse_file_info fi_in = {.fh = in->fh_in}, fi_out = {.fh = in->fh_out};
	uint64_t len = in->len > SSIZE_MAX ? SSIZE_MAX : in->len;

	if (unlikely(!offset_fits(in->off_in, 0) || !offset_fits(in->off_out, 0)))
		fuse_reply_err(req, EINVAL);
	else
		ll->ops.copy_file_range(req, r->hdr->nodeid, (off_t)in->off_in, &fi_in,
					in->nodeid_out, (off_t)in->off_out, &fi_out, (size_t)len,
					(int)in->flags);
}

LL_ADAPTER(bmap)
{
	const struct fuse_bmap_in *in = r->in;

	ll->ops.bmap(req, r->hdr->nodeid, in->blocksize, in->block);
}
