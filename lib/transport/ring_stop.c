/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A channel that nobody serves any more: what it still holds is answered. */
#include "transport/ring_chan.h"

#include <errno.h>
#include <sched.h>

/* A request that came when nobody serves any more. */
static void turn_away(struct ring_chan *c, struct ring_entry *e)
{
	e->commit_id = e->header->entry.commit_id;
	if (ring_is_nudge(e->commit_id)) {
		ring_answer_nothing(e);
		ring_chan_commit(c, e);
	} else {
		ring_answer_refuse(c, e, -ECONNABORTED);
	}
}

/* Requests that are in the ring's entries already; others that follow at once,
 * but not for ever. */
static void turn_all_away(struct ring_chan *c)
{
	for (int i = 0; i < 64; i++) {
		struct io_uring_cqe *cqe;

		io_uring_submit_and_get_events(&c->ring);
		if (io_uring_peek_cqe(&c->ring, &cqe))
			return;
		if (cqe->user_data > RING_TAG_LAST) {
			struct ring_entry *e = (struct ring_entry *)(uintptr_t)cqe->user_data;

			ring_chan_forget_waiting(c, e);
			if (cqe->res == 0)
				turn_away(c, e);
		}
		io_uring_cqe_seen(&c->ring, cqe);
	}
}

static void stop_thread(struct ring_chan *c)
{
	struct ring_entry *e;

	ring_chan_commit_pending(c);
	if (!ring_leave_standby(c)) {
		while (!atomic_load(&c->given))
			sched_yield(); /* it is being given */
	}
	e = ring_chan_take_given(c);
	if (e) {
		e->commit_id = e->header->entry.commit_id;
		ring_answer_refuse(c, e, -ECONNABORTED);
	}
}

static void stop_lender(struct ring_chan *c)
{
	struct rings *r = c->rings;

	pthread_rwlock_wrlock(&r->keeper_lock);
	if (r->keeper == c)
		r->keeper = NULL;
	pthread_rwlock_unlock(&r->keeper_lock);
	ring_chan_take_given(c);
	for (unsigned int i = 0; i < r->cfg.queues; i++) {
		struct ring_queue *q = &r->queues[i];
		struct ring_entry *e;

		while ((e = q->backlog)) {
			q->backlog = e->next;
			ring_answer_refuse(c, e, -ECONNABORTED);
		}
		atomic_store(&q->has_backlog, false);
		q->target = 0;
	}
}

/* A command that is pending holds a reference on the connection. */
void xport_ring_stop(struct xport_chan *chan)
{
	struct ring_chan *c = ring_chan_of(chan);

	if (c->counted)
		atomic_fetch_sub(&c->rings->threads, 1);
	c->counted = false;
	if (!c->ring_ready)
		return;
	if (ring_lends(c))
		stop_lender(c);
	else
		stop_thread(c);
	if (c->started)
		turn_all_away(c);
	ring_chan_leave();
	io_uring_queue_exit(&c->ring);
	c->ring_ready = false;
	if (c->waiting)
		ring_chan_forget_waiting(c, c->waiting);
	if (c->kind == RING_THREAD)
		ring_chan_disown(c);
}
