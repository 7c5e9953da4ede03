/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has no answer: forgets, and data that the program retrieved. */
#include "lowlevel/ll.h"
#include "session/notify.h"

static_assert(sizeof(struct fuse_forget_data) == sizeof(struct fuse_forget_one) &&
		      offsetof(struct fuse_forget_data, ino) ==
			      offsetof(struct fuse_forget_one, nodeid) &&
		      offsetof(struct fuse_forget_data, nlookup) ==
			      offsetof(struct fuse_forget_one, nlookup),
	      "forget_multi may be given the array of the wire");

LL_ADAPTER(forget)
{
	const struct fuse_forget_in *in = r->in;
	struct fuse_forget_data one = {.ino = r->hdr->nodeid, .nlookup = in->nlookup};

	if (ll->ops.forget)
		ll->ops.forget(req, one.ino, one.nlookup);
	else
		ll->ops.forget_multi(req, 1, &one);
}

/* Every call of `forget` ends with fuse_reply_none() on the request it was
 * given, possibly later and on another thread; the request lives until the
 * last of them. */
static void forget_each(const struct ll *ll, fuse_req_t req, const struct fuse_forget_one *item,
			uint32_t count)
{
	sess_expect_none(req, count);
	for (uint32_t i = 0; i < count; i++)
		ll->ops.forget(req, item[i].nodeid, item[i].nlookup);
}

LL_ADAPTER(batch_forget)
{
	if (r->count == 0)
		fuse_reply_none(req);
	else if (ll->ops.forget_multi)
		ll->ops.forget_multi(req, r->count, (struct fuse_forget_data *)r->data);
	else
		forget_each(ll, req, r->data, r->count);
}

LL_ADAPTER(notify_reply)
{
	const struct fuse_notify_retrieve_in *in = r->in;
	struct fuse_bufvec bufv = FUSE_BUFVEC_INIT(r->data_len);
	struct sess_retrieval found;

	if (!sess_retrieve_take(ll->se, r->hdr->unique, &found)) {
		fuse_log(FUSE_LOG_WARNING,
			 "fuse: the kernel answered a retrieval that was not asked for\n");
		fuse_reply_none(req);
		return;
	}
	bufv.buf[0].mem = (void *)r->data;
	ll->ops.retrieve_reply(req, found.cookie, found.ino, (off_t)in->offset, &bufv);
}
