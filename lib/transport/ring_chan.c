/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One ring: commands, completions and requests.
 *
 * An answer given by the thread that serves the ring is prepared and left; the
 * next recv submits it and waits in the same system call, which is where the
 * ring's advantage over the device comes from. The session calls flush before
 * anything that might wait for the answer to arrive.
 *
 * The ring's flags let the kernel touch an entry only while its thread is inside
 * a system call of the ring. So between two of them nothing changes under the
 * thread's hands: an entry without a completion holds no request.
 */
#include "transport/ring_chan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <fuse_log.h>

#include "transport/packet.h"

/* Requests with at most this much payload (names) are copied out, because the
 * answer overwrites it while the callback may still look at them. */
#define COPY_OUT_MAX 8192

/* Payloads with more resident bytes than this give them back when no request
 * came for so long. */
#define TRIM_ABOVE   (64 << 10)
#define TRIM_SECONDS 1

static _Thread_local struct ring_chan *serving;

bool ring_chan_is_serving(const struct ring_chan *c)
{
	return serving == c;
}

void ring_chan_leave(void)
{
	serving = NULL;
}

/* ---- submission ---- */

static struct io_uring_sqe *next_sqe(struct ring_chan *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&c->ring);

	/* The kernel takes what is there, so this ends. */
	while (unlikely(!sqe) && io_uring_submit(&c->ring) >= 0)
		sqe = io_uring_get_sqe(&c->ring);
	if (sqe)
		memset(sqe, 0, 2 * sizeof(*sqe)); /* SQE128 */
	return sqe;
}

static void command(struct ring_chan *c, struct ring_entry *e, unsigned int cmd)
{
	struct io_uring_sqe *sqe = next_sqe(c);
	struct fuse_uring_cmd_req req = {
		.commit_id = cmd == RING_CMD_REGISTER ? 0 : e->commit_id,
		.qid = e->qid,
	};

	/* Bodies that were put aside go where the kernel will read them. */
	if (e->aside_len) {
		memcpy(e->payload, e->aside, e->aside_len);
		e->aside_len = 0;
	}
	if (unlikely(!sqe))
		return;
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->fd = 0; /* the only registered file */
	sqe->cmd_op = cmd;
	sqe->user_data = (uintptr_t)e;
	if (cmd == RING_CMD_REGISTER) {
		sqe->addr = (uintptr_t)e->iov;
		sqe->len = 2;
	}
	memcpy(sqe->cmd, &req, sizeof(req));
	e->registering = cmd == RING_CMD_REGISTER;
	atomic_fetch_add_explicit(&ring_queue_of(c, e)->ready, 1, memory_order_relaxed);
	if (!ring_lends(c)) {
		c->waiting = e;
		if (unlikely(!c->owns)) {
			c->owns = true;
			atomic_fetch_add(&c->queue->owners, 1);
		}
		return;
	}
	ring_queue_of(c, e)->spare++;
	e->lent = true;
	if (e->touched > TRIM_ABOVE && !e->listed_dirty) {
		e->listed_dirty = true;
		e->next_dirty = c->dirty;
		c->dirty = e;
	}
}

void ring_chan_forget_waiting(struct ring_chan *c, struct ring_entry *e)
{
	if (ring_lends(c)) {
		ring_queue_of(c, e)->spare--;
		e->lent = false;
	} else {
		c->waiting = NULL;
	}
	/* seq_cst: see ring_stand_by(). */
	if (atomic_fetch_sub(&ring_queue_of(c, e)->ready, 1) == 1 && c->kind == RING_ALL)
		c->low = e->qid + 1u;
}

void ring_chan_register(struct ring_chan *c, struct ring_entry *e)
{
	command(c, e, RING_CMD_REGISTER);
}

void ring_chan_commit(struct ring_chan *c, struct ring_entry *e)
{
	command(c, e, RING_CMD_COMMIT_AND_FETCH);
}

static void arm_poll(struct ring_chan *c, int fd, uintptr_t tag, bool *armed)
{
	struct io_uring_sqe *sqe;

	if (likely(*armed))
		return;
	sqe = next_sqe(c);
	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	sqe->user_data = tag;
	*armed = true;
}

void ring_chan_submit(struct ring_chan *c)
{
	if (io_uring_sq_ready(&c->ring))
		io_uring_submit(&c->ring);
}

/* ---- from hand to hand ---- */

void ring_chan_kick(struct ring_chan *c)
{
	uint64_t one = 1;

	if (atomic_load(&c->asleep) && write(c->kick_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: it is kicked already */
	}
}

void ring_chan_give(struct ring_chan *c, struct ring_entry *e)
{
	struct ring_entry *head = atomic_load(&c->given);

	do {
		e->next = head;
	} while (!atomic_compare_exchange_weak(&c->given, &head, e));
	ring_chan_kick(c);
}

struct ring_entry *ring_chan_take_given(struct ring_chan *c)
{
	struct ring_entry *e, *next, *request = NULL;

	if (likely(!atomic_load(&c->given)))
		return NULL;
	for (e = atomic_exchange(&c->given, NULL); e; e = next) {
		next = e->next;
		if (e->answered)
			ring_chan_commit(c, e);
		else
			request = e;
	}
	atomic_store(&c->standing, RING_NOT);
	return request;
}

void ring_chan_commit_pending(struct ring_chan *c)
{
	struct ring_entry *e = atomic_load_explicit(&c->pending, memory_order_relaxed);

	if (!e)
		return;
	e = atomic_exchange(&c->pending, NULL);
	if (likely(e))
		ring_chan_commit(c, e);
}

bool xport_rings_hurry(struct xport_chan *chan)
{
	struct ring_chan *c = ring_chan_of(chan);
	struct ring_entry *e = atomic_exchange(&c->pending, NULL);

	if (e)
		ring_pass_on(c->rings, e);
	return e != NULL;
}

void ring_chan_disown(struct ring_chan *c)
{
	if (!c->owns)
		return;
	c->owns = false;
	atomic_fetch_sub(&c->queue->owners, 1);
}

/* ---- receiving ---- */

static void note_node(struct ring_queue *q, uint64_t node)
{
	unsigned int at = atomic_load_explicit(&q->node_at, memory_order_relaxed) % RING_NODES;

	if (atomic_load_explicit(&q->nodes[at], memory_order_relaxed) == node)
		return;
	at = (at + 1) % RING_NODES;
	atomic_store_explicit(&q->nodes[at], node, memory_order_relaxed);
	atomic_store_explicit(&q->node_at, at, memory_order_relaxed);
}

/* A request is in e, and this thread shall serve it: 0, or -EPROTO if it is none
 * and was refused. */
static int take_request(struct ring_chan *c, struct ring_entry *e, struct xport_recv *r)
{
	const struct fuse_in_header *hdr = (const void *)e->header->in_out;
	size_t payload = e->header->entry.payload_sz;
	size_t total = sizeof(*hdr) + payload;

	e->chan = c;
	e->data_in_payload = payload > COPY_OUT_MAX;
	/* The header's length counts as if all stood in one piece. */
	if (unlikely(payload > e->iov[1].iov_len || hdr->len < total ||
		     hdr->len - total > sizeof(e->header->op_in))) {
		ring_answer_refuse(c, e, -EIO);
		return -EPROTO;
	}
	c->current = e;
	if (payload > e->touched)
		e->touched = payload;
	note_node(ring_queue_of(c, e), hdr->nodeid);
	if (!e->data_in_payload)
		memcpy(r->buf, e->payload, payload);
	r->slot = e;
	r->msg = (struct proto_msg){
		.hdr = hdr,
		.arg = e->header->op_in,
		.arg_len = hdr->len - total,
		.rest = e->data_in_payload ? e->payload : r->buf,
		.rest_len = payload,
		.split = true,
	};
	return 0;
}

static bool has_completion(struct ring_chan *c, const struct ring_entry *e)
{
	struct io_uring_cqe *cqe;
	unsigned int head;

	io_uring_for_each_cqe(&c->ring, head, cqe)
	{
		if (cqe->user_data == (uintptr_t)e)
			return true;
	}
	return false;
}

/* Submitting runs nothing but what is submitted. So if there is a completion
 * right after it, the commit found a request in the queue. */
static void take_nudge(struct ring_chan *c, struct ring_entry *e)
{
	ring_answer_nothing(e);
	ring_chan_commit(c, e);
	ring_chan_submit(c);
	if (has_completion(c, e))
		ring_ask(c->rings, e->qid, RING_ASK_NUDGE);
}

/* The completion of a registration or a commit with an error. */
static int failed(struct ring_chan *c, struct ring_entry *e, int res)
{
	struct rings *r = c->rings;

	if (!e->registering)
		return res == -ENOENT || res == -EINVAL ? 0 : -ENODEV;
	switch (res) {
	case -EAGAIN: /* INIT's answer is still on its way */
		ring_chan_register(c, e);
		return 0;
	case -ENOTCONN:
	case -ECONNABORTED:
	case -ECANCELED:
	case -EPERM: /* no longer mounted */
		return -ENODEV;
	default:
		atomic_fetch_sub(&r->entries, 1);
		/* A refusal makes the kernel use the device, unless the rings
		 * are in use already; then one entry is missing. */
		if (atomic_load(&r->serving)) {
			ring_no_more(r, -res);
		} else if (!atomic_exchange(&r->refused, true)) {
			fuse_log(FUSE_LOG_WARNING,
				 "fuse: no io_uring: the kernel refused it: %s; using /dev/fuse\n",
				 strerror(-res));
		}
		return 0;
	}
}

/* What a completion says: 1 for a request in *r, 0 to go on, or an error. */
static int handle_entry(struct ring_chan *c, struct ring_entry *e, int res, struct xport_recv *r)
{
	struct rings *rings = c->rings;
	int err;

	ring_chan_forget_waiting(c, e);
	if (unlikely(res))
		return failed(c, e, res);
	if (unlikely(!atomic_load_explicit(&rings->serving, memory_order_relaxed)))
		atomic_store(&rings->serving, true);
	e->registering = false;
	e->commit_id = e->header->entry.commit_id;
	if (unlikely(ring_is_nudge(e->commit_id))) {
		take_nudge(c, e);
		return 0;
	}
	if (c->kind == RING_CLERK) {
		e->chan = c;
		if (!ring_find_thread(rings, e))
			rings->wanted_qid = e->qid;
		else
			rings->wanted_qid = UINT32_MAX;
		ring_lent_one(c, e->qid);
		return rings->wanted_qid == UINT32_MAX ? 0 : 1;
	}
	c->borrowed = false;
	err = take_request(c, e, r);
	return err ? err : 1;
}

static int handle_completion(struct ring_chan *c, uint64_t tag, int res, struct xport_recv *r)
{
	uint64_t drained;
	int err;

	switch (tag) {
	case RING_TAG_KICK:
		c->kick_armed = false;
		if (read(c->kick_fd, &drained, sizeof(drained)) < 0) {
			/* EAGAIN: another completion drained it */
		}
		return 0;
	case RING_TAG_WAKE:
		c->wake_armed = false;
		return -ECANCELED;
	case RING_TAG_DEVICE:
		c->dev_armed = false;
		err = c->rings->dev->ops->recv(c->dev_chan, r, false);
		return err == 0 ? 1 : err == -EAGAIN ? 0 : err;
	default:
		return handle_entry(c, (struct ring_entry *)(uintptr_t)tag, res, r);
	}
}

/* ---- pages of idle entries ---- */

static bool has_pages_to_give_back(const struct ring_chan *c)
{
	return c->dirty || (c->waiting && c->waiting->touched > TRIM_ABOVE);
}

/* No completion is there, so the kernel is not in any of the entries. */
static void give_pages_back(struct ring_chan *c)
{
	struct ring_entry *e;

	if (c->waiting)
		ring_entry_trim(c->waiting);
	while ((e = c->dirty)) {
		c->dirty = e->next_dirty;
		e->listed_dirty = false;
		if (e->lent)
			ring_entry_trim(e);
	}
}

static int wait_for_completion(struct ring_chan *c)
{
	struct __kernel_timespec limit = {.tv_sec = TRIM_SECONDS};
	struct io_uring_cqe *cqe;
	int n;

	if (likely(!has_pages_to_give_back(c)))
		return io_uring_submit_and_wait(&c->ring, 1);
	n = io_uring_submit_and_wait_timeout(&c->ring, &cqe, 1, &limit, NULL);
	if (n == -ETIME) {
		if (io_uring_cq_ready(&c->ring) == 0)
			give_pages_back(c);
		return 0;
	}
	return n;
}

/* Submits what is prepared; waits if no completion is there yet. */
static int submit_and_wait(struct ring_chan *c, bool wait)
{
	int n = 0;

	if (io_uring_cq_ready(&c->ring) || !wait) {
		if (io_uring_sq_ready(&c->ring) || !wait)
			n = io_uring_submit_and_get_events(&c->ring);
		return n < 0 ? n : 0;
	}
	/* seq_cst, see `given`. */
	atomic_store(&c->asleep, true);
	if (likely(!atomic_load(&c->given) && !atomic_load(&c->asked)))
		n = wait_for_completion(c);
	/* Who still sees it asleep kicks it in vain, which is all. */
	atomic_store_explicit(&c->asleep, false, memory_order_release);
	return n < 0 ? n : 0;
}

/* ---- the life of a channel ---- */

static int start(struct ring_chan *c)
{
	struct ring_entry *e, *next;
	int n;

	for (e = c->first; e; e = next) {
		next = e->next;
		ring_chan_register(c, e);
	}
	c->first = NULL;
	c->started = true;
	n = io_uring_submit(&c->ring);
	return n < 0 ? n : 0;
}

/* Before waiting. A request that was given to this thread: 1 or an error. */
static int prepare(struct ring_chan *c, struct xport_recv *r)
{
	struct ring_entry *e;
	unsigned int low = c->low;
	int err;

	ring_chan_commit_pending(c);
	e = ring_chan_take_given(c);
	if (unlikely(low)) {
		c->low = 0;
		/* The answer to the request that took the last one has made it
		 * wait again by now, unless it is still due. */
		if (atomic_load(&c->rings->queues[low - 1].ready) == 0)
			ring_ask(c->rings, low - 1, RING_ASK_ENTRIES);
	}
	if (ring_lends(c))
		ring_do_asked(c);
	else if (unlikely(!e && !c->waiting)) {
		ring_chan_disown(c);
		e = ring_stand_by(c);
	}
	if (likely(!e))
		return 0;
	c->borrowed = true;
	err = take_request(c, e, r);
	return err ? err : 1;
}

int xport_ring_recv(struct xport_chan *chan, struct xport_recv *r, bool wait)
{
	struct ring_chan *c = ring_chan_of(chan);
	struct io_uring_cqe *cqe;
	int err;

	serving = c;
	c->current = NULL;
	if (unlikely(!c->started)) {
		err = start(c);
		if (err)
			return err;
	}
	for (;;) {
		err = prepare(c, r);
		if (unlikely(err))
			return err < 0 ? err : 0;
		arm_poll(c, c->kick_fd, RING_TAG_KICK, &c->kick_armed);
		if (c->kind != RING_CLERK)
			arm_poll(c, chan->x->wake_fd, RING_TAG_WAKE, &c->wake_armed);
		else if (unlikely(atomic_load(&c->end)))
			return -ECANCELED;
		if (c->dev_chan)
			arm_poll(c, chan->fd, RING_TAG_DEVICE, &c->dev_armed);
		err = submit_and_wait(c, wait);
		if (unlikely(err && err != -EBUSY)) /* completions to be taken first */
			return err;
		if (io_uring_peek_cqe(&c->ring, &cqe) == 0) {
			uint64_t tag = cqe->user_data;
			int res = cqe->res;

			io_uring_cqe_seen(&c->ring, cqe);
			err = handle_completion(c, tag, res, r);
			if (err)
				return err < 0 ? err : 0;
		} else if (!wait) {
			return -EAGAIN;
		}
	}
}
