/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on names in a directory. */
#include "lowlevel/ll.h"
#include "protocol/fill.h"

LL_ADAPTER(lookup)
{
	ll->ops.lookup(req, r->hdr->nodeid, r->name[0]);
}

LL_ADAPTER(symlink)
{
	ll->ops.symlink(req, r->name[1], r->hdr->nodeid, r->name[0]);
}

LL_ADAPTER(mknod)
{
	const struct fuse_mknod_in *in = r->in;

	ll->ops.mknod(req, r->hdr->nodeid, r->name[0], in->mode, proto_dev_decode(in->rdev));
}

LL_ADAPTER(mkdir)
{
	const struct fuse_mkdir_in *in = r->in;

	ll->ops.mkdir(req, r->hdr->nodeid, r->name[0], in->mode);
}

LL_ADAPTER(unlink)
{
	ll->ops.unlink(req, r->hdr->nodeid, r->name[0]);
}

LL_ADAPTER(rmdir)
{
	ll->ops.rmdir(req, r->hdr->nodeid, r->name[0]);
}

LL_ADAPTER(rename)
{
	const struct fuse_rename_in *in = r->in;

	ll->ops.rename(req, r->hdr->nodeid, r->name[0], in->newdir, r->name[1], 0);
}

LL_ADAPTER(rename2)
{
	const struct fuse_rename2_in *in = r->in;

	ll->ops.rename(req, r->hdr->nodeid, r->name[0], in->newdir, r->name[1], in->flags);
}

LL_ADAPTER(link)
{
	const struct fuse_link_in *in = r->in;

	ll->ops.link(req, in->oldnodeid, r->hdr->nodeid, r->name[0]);
}

LL_ADAPTER(create)
{
	const struct fuse_create_in *in = r->in;
	struct fuse_file_info fi = {.flags = (int32_t)in->flags};

	ll->ops.create(req, r->hdr->nodeid, r->name[0], in->mode, &fi);
}

LL_ADAPTER(tmpfile)
{
	const struct fuse_create_in *in = r->in;
	struct fuse_file_info fi = {.flags = (int32_t)in->flags};

	ll->ops.tmpfile(req, r->hdr->nodeid, in->mode, &fi);
}
