/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on open directories. */
#include "lowlevel/ll.h"

LL_ADAPTER(opendir)
{
	const struct fuse_open_in *in = r->in;
	struct fuse_file_info fi = {.flags = (int32_t)in->flags};

	ll->ops.opendir(req, r->hdr->nodeid, &fi);
}

/* The offset is a cookie of the filesystem's own; all 64 bits may be in use. */
LL_ADAPTER(readdir)
{
	const struct fuse_read_in *in = r->in;
	struct fuse_file_info fi = {.flags = (int32_t)in->flags, .fh = in->fh};

	ll->ops.readdir(req, r->hdr->nodeid, in->size, (off_t)in->offset, &fi);
}

LL_ADAPTER(readdirplus)
{
	const struct fuse_read_in *in = r->in;
	struct fuse_file_info fi = {.flags = (int32_t)in->flags, .fh = in->fh};

	ll->ops.readdirplus(req, r->hdr->nodeid, in->size, (off_t)in->offset, &fi);
}

LL_ADAPTER(releasedir)
{
	const struct fuse_release_in *in = r->in;
	struct fuse_file_info fi = {.flags = (int32_t)in->flags, .fh = in->fh};

	ll->ops.releasedir(req, r->hdr->nodeid, &fi);
}

LL_ADAPTER(fsyncdir)
{
	const struct fuse_fsync_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh};

	ll->ops.fsyncdir(req, r->hdr->nodeid, in->fsync_flags & FUSE_FSYNC_FDATASYNC, &fi);
}
