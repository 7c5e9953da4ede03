/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on inodes as such: attributes, access, the whole filesystem. */
#include "lowlevel/ll.h"
#include "protocol/fill.h"

/* Bits of `valid` that reach setattr; they have the same numbers there. FH and
 * LOCKOWNER say which other fields are set. */
#define SETATTR_BITS                                                                               \
	(FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_SIZE |         \
	 FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |                     \
	 FUSE_SET_ATTR_MTIME_NOW | FUSE_SET_ATTR_CTIME | FUSE_SET_ATTR_KILL_SUID)

static_assert(SETATTR_BITS ==
		      (FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE | FATTR_ATIME | FATTR_MTIME |
		       FATTR_ATIME_NOW | FATTR_MTIME_NOW | FATTR_CTIME | FATTR_KILL_SUIDGID),
	      "to_set is the wire's valid");

LL_ADAPTER(getattr)
{
	const struct fuse_getattr_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh};

	ll->ops.getattr(req, r->hdr->nodeid, in->getattr_flags & FUSE_GETATTR_FH ? &fi : NULL);
}

LL_ADAPTER(setattr)
{
	const struct fuse_setattr_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh, .lock_owner = in->lock_owner};
	struct stat st;

	proto_stat_from_setattr(&st, in);
	ll->ops.setattr(req, r->hdr->nodeid, &st, (int)(in->valid & SETATTR_BITS),
			in->valid & FATTR_FH ? &fi : NULL);
}

LL_ADAPTER(statx)
{
	const struct fuse_statx_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh};

	ll->ops.statx(req, r->hdr->nodeid, (int)in->sx_flags, (int)in->sx_mask,
		      in->getattr_flags & FUSE_GETATTR_FH ? &fi : NULL);
}

LL_ADAPTER(readlink)
{
	ll->ops.readlink(req, r->hdr->nodeid);
}

LL_ADAPTER(access)
{
	const struct fuse_access_in *in = r->in;

	ll->ops.access(req, r->hdr->nodeid, (int)in->mask);
}

LL_ADAPTER(statfs)
{
	ll->ops.statfs(req, r->hdr->nodeid);
}

LL_ADAPTER(syncfs)
{
	ll->ops.syncfs(req, r->hdr->nodeid);
}
