/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the channels of a queue have to do with each other: threads that stand
 * by, answers that change hands, entries that are lent, and nudges.
 *
 * **Why a nudge.** A request that finds no waiting entry stays in the kernel's
 * queue, and only a commit fetches it; an entry that is registered later does
 * not (Linux 6.14 to 6.18). If every entry of the queue is held by a request
 * that waits for just that one, as a lock does for its unlock, nothing ever
 * commits. A retrieval of no data of a file makes the kernel put a reply into
 * the queue of the CPU on which it was asked for. The reply takes one of the new
 * entries, and its commit fetches what waits. When it did fetch something, there
 * may be more, so another nudge follows; when it did not, the queue was empty.
 *
 * Newer kernels want a regular file for a retrieval. The requests that are held
 * name nodes that the kernel knows, so the nodes of the queue's last requests are
 * tried, and what worked once.
 */
#include "transport/ring_chan.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <fuse_log.h>

/* The ids of nudges: even, as the kernel marks its interrupts by the lowest
 * bit, and with a bit that neither the kernel's counter reaches nor the
 * session's retrievals. */
#define NUDGE_BIT (1ULL << 61)

/* Entries lent at a time, at most. */
#define LEND_MAX 1024

bool ring_is_nudge(uint64_t unique)
{
	return (unique >> 61) == 1;
}

/* ---- who gets an entry ---- */

/* The first thread that stands by; it may count on an entry from here on. */
static struct ring_chan *call_standby(struct ring_queue *q)
{
	struct ring_chan *c;

	pthread_mutex_lock(&q->lock);
	c = q->standby;
	if (c) {
		q->standby = c->next_standby;
		atomic_store(&c->standing, RING_PROMISED);
	}
	pthread_mutex_unlock(&q->lock);
	return c;
}

void ring_pass_on(struct rings *r, struct ring_entry *e)
{
	struct ring_chan *c = call_standby(&r->queues[e->qid]);

	e->answered = true;
	if (c) {
		ring_chan_give(c, e);
		return;
	}
	pthread_rwlock_rdlock(&r->keeper_lock);
	if (r->keeper)
		ring_chan_give(r->keeper, e);
	pthread_rwlock_unlock(&r->keeper_lock);
}

struct ring_entry *ring_stand_by(struct ring_chan *c)
{
	struct ring_queue *q = c->queue;
	struct ring_entry *e;

	if (atomic_load(&c->standing) != RING_NOT)
		return NULL;
	pthread_mutex_lock(&q->lock);
	e = q->backlog;
	if (e) {
		q->backlog = e->next;
		if (!q->backlog)
			atomic_store(&q->has_backlog, false);
	} else {
		c->next_standby = q->standby;
		q->standby = c;
		atomic_store(&c->standing, RING_LISTED);
	}
	pthread_mutex_unlock(&q->lock);
	/* The last of the queue's threads to come here sees that none of them
	 * waits for requests. */
	if (!e && atomic_load(&q->ready) == 0)
		ring_ask(c->rings, c->chan.index, RING_ASK_ENTRIES);
	return e;
}

bool ring_leave_standby(struct ring_chan *c)
{
	struct ring_queue *q = c->queue;
	bool promised;

	pthread_mutex_lock(&q->lock);
	promised = atomic_load(&c->standing) == RING_PROMISED;
	if (atomic_load(&c->standing) == RING_LISTED) {
		struct ring_chan **link = &q->standby;

		while (*link != c)
			link = &(*link)->next_standby;
		*link = c->next_standby;
		atomic_store(&c->standing, RING_NOT);
	}
	pthread_mutex_unlock(&q->lock);
	return !promised;
}

bool ring_find_thread(struct rings *r, struct ring_entry *e)
{
	struct ring_queue *q = &r->queues[e->qid];
	struct ring_chan *c;

	e->answered = false;
	e->next = NULL;
	pthread_mutex_lock(&q->lock);
	c = q->standby;
	if (c) {
		q->standby = c->next_standby;
		atomic_store(&c->standing, RING_PROMISED);
	} else {
		struct ring_entry **end = &q->backlog;

		while (*end)
			end = &(*end)->next;
		*end = e;
		atomic_store(&q->has_backlog, true);
	}
	pthread_mutex_unlock(&q->lock);
	if (c)
		ring_chan_give(c, e);
	return c != NULL;
}

/* ---- nudges ---- */

static int retrieve_nothing(struct rings *r, uint64_t node)
{
	struct fuse_notify_retrieve_out body = {
		.notify_unique = NUDGE_BIT | (atomic_fetch_add(&r->nudges, 1) + 1) << 1,
		.nodeid = node,
	};
	struct fuse_out_header out = {
		.len = sizeof(out) + sizeof(body),
		.error = FUSE_NOTIFY_RETRIEVE,
	};
	const struct iovec iov[2] = {{&out, sizeof(out)}, {&body, sizeof(body)}};

	return r->dev->ops->notify(r->dev, iov, 2);
}

/* With any of the nodes that may do. */
static int nudge_here(struct rings *r, struct ring_queue *q)
{
	uint64_t known = atomic_load(&r->known_file);
	int err = -ENOENT;

	for (unsigned int i = 0; i < RING_NODES && err; i++) {
		uint64_t node = atomic_load_explicit(&q->nodes[i], memory_order_relaxed);

		if (!node)
			continue;
		err = retrieve_nothing(r, node);
		if (!err)
			atomic_store(&r->known_file, node);
	}
	if (err && known)
		err = retrieve_nothing(r, known);
	if (err)
		err = retrieve_nothing(r, FUSE_ROOT_ID);
	return err;
}

/* From the queue's CPU. The clerk stays there until it is needed elsewhere; a
 * thread of the program goes back. */
static int nudge(struct ring_chan *lender, unsigned int qid)
{
	struct rings *r = lender->rings;
	cpu_set_t before, mask;
	int err;

	if (qid >= CPU_SETSIZE || sched_getaffinity(0, sizeof(before), &before) < 0)
		return -EINVAL;
	CPU_ZERO(&mask);
	CPU_SET(qid, &mask);
	if (sched_setaffinity(0, sizeof(mask), &mask) < 0)
		return -errno;
	err = nudge_here(r, &r->queues[qid]);
	if (lender->kind == RING_ALL)
		sched_setaffinity(0, sizeof(before), &before);
	return err;
}

/* ---- lending ---- */

void ring_ask(struct rings *r, unsigned int qid, unsigned int what)
{
	struct ring_queue *q = &r->queues[qid];

	if (atomic_load(&r->refused))
		return;
	pthread_rwlock_rdlock(&r->keeper_lock);
	if (r->keeper) {
		atomic_fetch_or(&q->asked, what);
		atomic_store(&r->keeper->asked, true);
		ring_chan_kick(r->keeper);
	}
	pthread_rwlock_unlock(&r->keeper_lock);
}

void ring_no_more(struct rings *r, int error)
{
	if (!atomic_exchange(&r->grow_failed, true))
		fuse_log(FUSE_LOG_ERR,
			 "fuse: no more places in a ring can be had: %s; requests may have to "
			 "wait\n",
			 strerror(error));
}

/* Twice as many as before, so that a burst soon finds enough of them. */
static void lend_more(struct ring_chan *lender, unsigned int qid)
{
	struct rings *r = lender->rings;
	struct ring_queue *q = &r->queues[qid];
	struct ring_entry *e, *next;
	unsigned int count;

	q->target = q->target ? 2 * q->target : 1;
	if (q->target > q->spare + LEND_MAX)
		q->target = q->spare + LEND_MAX;
	count = q->target > q->spare ? q->target - q->spare : 1;
	e = ring_entries_new(r, (uint16_t)qid, count);
	if (!e && count > 1)
		e = ring_entries_new(r, (uint16_t)qid, 1);
	if (!e)
		ring_no_more(r, ENOMEM);
	for (; e; e = next) {
		next = e->next;
		ring_chan_register(lender, e);
	}
	io_uring_submit(&lender->ring);
}

static void lend_and_nudge(struct ring_chan *lender, unsigned int qid)
{
	lend_more(lender, qid);
	nudge(lender, qid);
}

void ring_do_asked(struct ring_chan *lender)
{
	struct rings *r = lender->rings;

	if (!atomic_exchange(&lender->asked, false))
		return;
	for (unsigned int qid = 0; qid < r->cfg.queues; qid++) {
		struct ring_queue *q = &r->queues[qid];
		unsigned int what = atomic_exchange(&q->asked, 0);

		/* Who commits now fetches what waits. */
		if ((what & RING_ASK_RESCUE) ||
		    ((what & RING_ASK_ENTRIES) && atomic_load(&q->ready) == 0))
			lend_and_nudge(lender, qid);
		else if (what & RING_ASK_NUDGE)
			nudge(lender, qid);
	}
}

void ring_lent_one(struct ring_chan *lender, unsigned int qid)
{
	const struct ring_queue *q = &lender->rings->queues[qid];

	if (2 * q->spare < q->target)
		lend_and_nudge(lender, qid);
}
