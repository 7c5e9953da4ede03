/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* POSIX record locks and flock(2) locks, which share their requests. */
#include "lowlevel/ll.h"
#include "protocol/fill.h"

#include <errno.h>

static bool range_is_sane(const struct fuse_file_lock *lk)
{
	return lk->start <= INT64_MAX && lk->start <= lk->end;
}

LL_ADAPTER(getlk)
{
	const struct fuse_lk_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh, .lock_owner = in->owner};
	struct flock lock;

	if (unlikely(!range_is_sane(&in->lk))) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	proto_flock_from_wire(&lock, &in->lk);
	ll->ops.getlk(req, r->hdr->nodeid, &fi, &lock);
}

static void flock_common(const struct ll *ll, fuse_req_t req, const struct proto_req *r, bool wait)
{
	const struct fuse_lk_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh, .lock_owner = in->owner};
	int op = proto_flock_op(&in->lk, wait);

	if (unlikely(op < 0))
		fuse_reply_err(req, EINVAL);
	else if (!ll->ops.flock)
		fuse_reply_err(req, ENOSYS);
	else
		ll->ops.flock(req, r->hdr->nodeid, &fi, op);
}

static void setlk_common(const struct ll *ll, fuse_req_t req, const struct proto_req *r, bool wait)
{
	const struct fuse_lk_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh, .lock_owner = in->owner};
	struct flock lock;

	if (in->lk_flags & FUSE_LK_FLOCK) {
		flock_common(ll, req, r, wait);
	} else if (unlikely(!range_is_sane(&in->lk))) {
		fuse_reply_err(req, EINVAL);
	} else if (!ll->ops.setlk) {
		fuse_reply_err(req, ENOSYS);
	} else {
		proto_flock_from_wire(&lock, &in->lk);
		ll->ops.setlk(req, r->hdr->nodeid, &fi, &lock, wait);
	}
}

LL_ADAPTER(setlk)
{
	setlk_common(ll, req, r, false);
}

LL_ADAPTER(setlkw)
{
	setlk_common(ll, req, r, true);
}
