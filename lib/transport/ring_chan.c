/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Receiving and answering on a ring.
 *
 * An answer given by the thread that serves the ring is prepared and left; the
 * next recv submits it and waits in the same system call, which is where the
 * ring's advantage over the device comes from. The session calls flush before
 * anything that might wait for the answer to arrive.
 */
#include "transport/ring_chan.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "transport/packet.h"
#include "transport/rings.h"

/* Which completion it is: an entry's address, or one of these. */
enum { TAG_KICK = 1, TAG_WAKE = 2, TAG_DEVICE = 3, TAG_LAST = 3 };

/* Requests with at most this much payload (names) are copied out, because the
 * answer overwrites it while the callback may still look at them. */
#define COPY_OUT_MAX 8192

static _Thread_local struct ring_chan *serving;

static struct ring_chan *ring_chan_of(struct xport_chan *chan)
{
	return container_of(chan, struct ring_chan, chan);
}

/* ---- submission ---- */

static struct io_uring_sqe *next_sqe(struct ring_chan *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&c->ring);

	/* The ring has a place for everything that can be under way, so this
	 * happens only if earlier ones were not submitted yet. */
	while (!sqe && io_uring_submit(&c->ring) >= 0)
		sqe = io_uring_get_sqe(&c->ring);
	if (sqe)
		memset(sqe, 0, 2 * sizeof(*sqe)); /* SQE128 */
	return sqe;
}

static void prepare_command(struct ring_entry *e, unsigned int cmd)
{
	struct io_uring_sqe *sqe = next_sqe(e->chan);
	struct fuse_uring_cmd_req req = {
		.commit_id = cmd == RING_CMD_REGISTER ? 0 : e->commit_id,
		.qid = e->qid,
	};

	if (!sqe)
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
}

static void arm_poll(struct ring_chan *c, int fd, uintptr_t tag, bool *armed)
{
	struct io_uring_sqe *sqe;

	if (*armed)
		return;
	sqe = next_sqe(c);
	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	sqe->user_data = tag;
	*armed = true;
}

static int register_entries(struct ring_chan *c)
{
	int n;

	pthread_mutex_lock(&c->rings->register_lock);
	for (unsigned int i = 0; i < c->count; i++)
		prepare_command(&c->entries[i], RING_CMD_REGISTER);
	n = io_uring_submit(&c->ring);
	pthread_mutex_unlock(&c->rings->register_lock);
	c->registered = true;
	return n < 0 ? n : 0;
}

/* ---- answers ---- */

static void commit(struct ring_entry *e)
{
	prepare_command(e, RING_CMD_COMMIT_AND_FETCH);
}

static void hand_over(struct ring_entry *e)
{
	struct ring_chan *c = e->chan;
	struct ring_entry *head;
	uint64_t one = 1;

	if (serving == c) {
		commit(e);
		return;
	}
	head = atomic_load(&c->answered);
	do {
		e->next = head;
	} while (!atomic_compare_exchange_weak(&c->answered, &head, e));
	if (atomic_load(&c->asleep) && write(c->kick_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: it is kicked already */
	}
}

static void commit_answered(struct ring_chan *c)
{
	struct ring_entry *e = atomic_exchange(&c->answered, NULL);

	while (e) {
		struct ring_entry *next = e->next;

		commit(e);
		e = next;
	}
}

/* Does any part of the body stand in the payload without being in its place? */
static bool overlaps(const struct ring_entry *e, const struct iovec *iov, int count)
{
	const char *start = e->payload, *end = start + e->chan->rings->cfg.payload;
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
	CLEANUP_FREE char *aside = NULL;

	if (size > e->chan->rings->cfg.payload)
		return -EINVAL;
	if (unlikely(overlaps(e, iov, count))) {
		aside = malloc(size);
		if (!aside)
			return -ENOMEM;
		gather(aside, iov, count);
		memcpy(e->payload, aside, size);
	} else {
		gather(e->payload, iov, count);
	}
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

/* Only NOTIFY_REPLY has no answer and comes over the ring; the command that
 * would carry one recycles the entry. */
void xport_ring_done(struct xport_chan *chan, void *slot)
{
	struct ring_entry *e = slot;
	struct fuse_out_header out = {.len = sizeof(out)};

	if (!e)
		return;
	memcpy(&out.unique, &e->commit_id, sizeof(out.unique));
	memcpy(e->header->in_out, &out, sizeof(out));
	e->header->entry.payload_sz = 0;
	hand_over(e);
}

void *xport_ring_body(struct xport_chan *chan, void *slot, size_t *cap)
{
	struct ring_entry *e = slot;

	if (!e || e->data_in_payload)
		return NULL;
	*cap = e->chan->rings->cfg.payload;
	return e->payload;
}

void xport_ring_flush(struct xport_chan *chan)
{
	struct ring_chan *c = ring_chan_of(chan);

	if (serving == c && io_uring_sq_ready(&c->ring))
		io_uring_submit(&c->ring);
}

/* A command that is pending holds a reference on the connection. */
void xport_ring_stop(struct xport_chan *chan)
{
	struct ring_chan *c = ring_chan_of(chan);

	serving = NULL;
	if (!c->ring_ready)
		return;
	commit_answered(c);
	io_uring_submit(&c->ring); /* the last answers */
	io_uring_queue_exit(&c->ring);
	c->ring_ready = false;
}

/* ---- receiving ---- */

static int take_request(struct ring_entry *e, struct xport_recv *r)
{
	const struct fuse_in_header *hdr = (const void *)e->header->in_out;
	size_t payload = e->header->entry.payload_sz;
	size_t total = sizeof(*hdr) + payload;

	e->commit_id = e->header->entry.commit_id;
	e->data_in_payload = payload > COPY_OUT_MAX;
	r->slot = e;
	/* The header's length counts as if all stood in one piece. */
	if (payload > e->chan->rings->cfg.payload || hdr->len < total ||
	    hdr->len - total > sizeof(e->header->op_in))
		return -EPROTO;
	if (!e->data_in_payload)
		memcpy(r->buf, e->payload, payload);
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

static void refuse(struct ring_entry *e, const struct xport_recv *r)
{
	const struct fuse_in_header *hdr = (const void *)e->header->in_out;
	struct fuse_out_header out = {.len = sizeof(out), .error = -EIO, .unique = hdr->unique};
	struct iovec iov = {&out, sizeof(out)};

	xport_ring_send(&e->chan->chan, e, &iov, 1);
}

/* What a completion says: 1 for a request in *r, 0 to go on, or an error. */
static int handle_entry(struct ring_entry *e, int res, struct xport_recv *r)
{
	switch (res) {
	case 0:
		if (take_request(e, r) == 0)
			return 1;
		refuse(e, r);
		return -EPROTO;
	case -EAGAIN: /* INIT's answer is still on its way */
		prepare_command(e, RING_CMD_REGISTER);
		return 0;
	case -EINVAL: /* the kernel turned the ring off and uses the device */
	case -EOPNOTSUPP:
	case -ENOENT:
		return 0;
	default: /* ENOTCONN, ECONNABORTED, ECANCELED */
		return -ENODEV;
	}
}

static int handle_completion(struct ring_chan *c, uint64_t tag, int res, struct xport_recv *r)
{
	uint64_t drained;
	int err;

	switch (tag) {
	case TAG_KICK:
		c->kick_armed = false;
		if (read(c->kick_fd, &drained, sizeof(drained)) < 0) {
			/* EAGAIN: another completion drained it */
		}
		return 0;
	case TAG_WAKE:
		c->wake_armed = false;
		return -ECANCELED;
	case TAG_DEVICE:
		c->dev_armed = false;
		err = c->rings->dev->ops->recv(c->dev_chan, r, false);
		return err == 0 ? 1 : err == -EAGAIN ? 0 : err;
	default:
		return handle_entry((struct ring_entry *)(uintptr_t)tag, res, r);
	}
}

/* Submits what is prepared; waits if no completion is there yet. */
static int submit_and_wait(struct ring_chan *c, bool wait)
{
	struct io_uring_cqe *cqe;
	int n;

	if (io_uring_peek_cqe(&c->ring, &cqe) == 0 || !wait) {
		n = io_uring_sq_ready(&c->ring) || !wait ? io_uring_submit_and_get_events(&c->ring)
							 : 0;
		return n < 0 ? n : 0;
	}
	/* seq_cst, see `answered`. */
	atomic_store(&c->asleep, true);
	if (atomic_load(&c->answered))
		n = 0;
	else
		n = io_uring_submit_and_wait(&c->ring, 1);
	atomic_store(&c->asleep, false);
	return n < 0 ? n : 0;
}

int xport_ring_recv(struct xport_chan *chan, struct xport_recv *r, bool wait)
{
	struct ring_chan *c = ring_chan_of(chan);
	struct io_uring_cqe *cqe;
	int err;

	serving = c;
	if (unlikely(!c->registered)) {
		err = register_entries(c);
		if (err)
			return err;
	}
	for (;;) {
		commit_answered(c);
		arm_poll(c, c->kick_fd, TAG_KICK, &c->kick_armed);
		arm_poll(c, chan->x->wake_fd, TAG_WAKE, &c->wake_armed);
		if (c->dev_chan)
			arm_poll(c, chan->fd, TAG_DEVICE, &c->dev_armed);
		err = submit_and_wait(c, wait);
		if (err)
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
