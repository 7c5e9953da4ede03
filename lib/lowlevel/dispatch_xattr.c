/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes. */
#include "lowlevel/ll.h"

LL_ADAPTER(setxattr)
{
	const struct fuse_setxattr_in *in = r->in;

	ll->ops.setxattr(req, r->hdr->nodeid, r->name[0], r->data, r->data_len, (int)in->flags);
}

LL_ADAPTER(getxattr)
{
	const struct fuse_getxattr_in *in = r->in;

	ll->ops.getxattr(req, r->hdr->nodeid, r->name[0], in->size);
}

LL_ADAPTER(listxattr)
{
	const struct fuse_getxattr_in *in = r->in;

	ll->ops.listxattr(req, r->hdr->nodeid, in->size);
}

LL_ADAPTER(removexattr)
{
	ll->ops.removexattr(req, r->hdr->nodeid, r->name[0]);
}
