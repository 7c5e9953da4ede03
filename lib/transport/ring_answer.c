/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers: putting one into its entry, and who gives the entry's next command. */
#include "transport/ring_chan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/packet.h"

/* Shall the thread keep the entry that it has just answered? Not where others wait
 * for a thread: it serves them next, and the entry waits elsewhere. */
static bool keeps_entry(const struct ring_chan *c)
{
	if (unlikely(atomic_load_explicit(&c->queue->has_backlog, memory_order_relaxed)))
		return false;
	return likely(!c->borrowed) || atomic_load(&c->queue->owners) < c->rings->cfg.owners;
}

static void hand_over(struct ring_entry *e)
{
	struct ring_chan *c = e->chan;
	bool mine = ring_chan_is_serving(c);

	if (mine && c->kind == RING_ALL) {
		/* Nobody would notice if the callback went on for long. */
		ring_chan_commit(c, e);
		ring_chan_submit(c);
		return;
	}
	if (mine && c->current == e) {
		c->current = NULL;
		if (likely(keeps_entry(c))) {
			atomic_store_explicit(&c->pending, e, memory_order_release);
			return;
		}
	}
	ring_pass_on(c->rings, e);
}

/* Does any part of the body stand in the payload without being in its place? */
static bool overlaps(const struct ring_entry *e, const struct iovec *iov, int count)
{
	const char *start = e->payload, *end = start + e->iov[1].iov_len;
	size_t at = 0;

	for (int i = 1; i < count; at += iov[i].iov_len, i++) {
		const char *p = iov[i].iov_base;

		if (p < end && p + iov[i].iov_len > start && p != start + at)
			return true;
	}
	return false;
}

static void gather(char *to, const struct iovec *iov, int count)
{
	for (int i = 1; i < count; i++) {
		if (to != iov[i].iov_base && iov[i].iov_len)
			memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
}

static int fill_body(struct ring_entry *e, const struct iovec *iov, int count, size_t size)
{
	struct ring_chan *c = e->chan;
	char *aside;

	if (size > e->iov[1].iov_len)
		return -EINVAL;
	if (size > e->touched)
		e->touched = size;
	/* The callback, which is still running, may look at the data again. */
	if (e->data_in_payload && size <= RING_ASIDE && ring_chan_is_serving(c) &&
	    c->current == e && c->kind == RING_THREAD) {
		gather((char *)e->aside, iov, count);
		e->aside_len = (unsigned char)size;
		return 0;
	}
	if (likely(!overlaps(e, iov, count))) {
		gather(e->payload, iov, count);
		return 0;
	}
	aside = malloc(size);
	if (!aside)
		return -ENOMEM;
	gather(aside, iov, count);
	memcpy(e->payload, aside, size);
	free(aside);
	return 0;
}

int xport_ring_send(struct xport_chan *chan, void *slot, const struct iovec *iov, int count)
{
	struct ring_chan *c = ring_chan_of(chan);
	struct ring_entry *e = slot;
	size_t size;
	int err;

	if (!e) /* came over the device */
		return c->rings->dev->ops->send(c->dev_chan, NULL, iov, count);
	size = xport_iov_size(iov, count) - sizeof(struct fuse_out_header);
	err = fill_body(e, iov, count, size);
	if (err)
		return err;
	memcpy(e->header->in_out, iov[0].iov_base, sizeof(struct fuse_out_header));
	e->header->entry.payload_sz = (uint32_t)size;
	hand_over(e);
	return 0;
}

/* What has no answer and comes over the ring all the same: the command that
 * would carry one recycles the entry. */
void ring_answer_nothing(struct ring_entry *e)
{
	struct fuse_out_header out = {.len = sizeof(out), .unique = e->commit_id};

	memcpy(e->header->in_out, &out, sizeof(out));
	e->header->entry.payload_sz = 0;
}

void xport_ring_done(struct xport_chan *chan, void *slot)
{
	struct ring_entry *e = slot;

	if (!e)
		return;
	ring_answer_nothing(e);
	hand_over(e);
}

void *xport_ring_body(struct xport_chan *chan, void *slot, size_t *cap)
{
	struct ring_entry *e = slot;

	if (!e || e->data_in_payload)
		return NULL;
	*cap = e->iov[1].iov_len;
	return e->payload;
}

void xport_ring_flush(struct xport_chan *chan)
{
	struct ring_chan *c = ring_chan_of(chan);

	if (!ring_chan_is_serving(c) || !c->ring_ready)
		return;
	ring_chan_commit_pending(c);
	ring_chan_submit(c);
}

void ring_answer_refuse(struct ring_chan *c, struct ring_entry *e, int error)
{
	struct fuse_out_header out = {.len = sizeof(out), .error = error, .unique = e->commit_id};

	memcpy(e->header->in_out, &out, sizeof(out));
	e->header->entry.payload_sz = 0;
	ring_chan_commit(c, e);
}
