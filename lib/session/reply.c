/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers: the guard against wrong ones, and sending. */
#include <errno.h>
#include <string.h>

#include "session/worker.h"

/* Largest errno that the kernel takes in an answer, negated (protocol: values
 * of 512 and above are its own). */
#define MAX_WIRE_ERRNO 511

static const char *op_name(uint16_t index)
{
	return index < PROTO_OP_COUNT ? proto_ops[index].name : "UNKNOWN";
}

static bool kind_fits(const struct proto_op *op, enum proto_reply kind)
{
	if (kind == op->reply)
		return true;
	switch (op->reply) {
	case PROTO_REPLY_BYTES: /* an empty answer is the end of the file */
		return kind == PROTO_REPLY_EMPTY;
	case PROTO_REPLY_XATTR:
		return kind == PROTO_REPLY_BYTES || kind == PROTO_REPLY_EMPTY;
	default:
		return false;
	}
}

static size_t body_size(const struct iovec *iov, int count)
{
	size_t size = 0;

	for (int i = 1; i < count; i++)
		size += iov[i].iov_len;
	return size;
}

/* 0, or what is wrong with the answer as a text for the log. */
static const char *wrong_answer(const struct sess_req *r, enum proto_reply kind, int error,
				size_t body)
{
	if (error > 0 || error < -MAX_WIRE_ERRNO)
		return "the error number is out of range";
	if (error)
		return body ? "an error carries no data" : NULL;
	if (!kind_fits(&proto_ops[r->op_index], kind))
		return "this operation has another kind of answer";
	if (body < r->reply_min)
		return "the answer is too short";
	if (body > r->reply_max)
		return "the answer is longer than was asked for";
	return NULL;
}

static int send_answer(struct sess_req *r, int error, struct iovec *iov, int count)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + body_size(iov, count)),
		.error = error,
		.unique = r->wire_unique,
	};
	struct xport *x = r->chan->x;

	iov[0] = (struct iovec){.iov_base = &out, .iov_len = sizeof(out)};
	if (unlikely(atomic_load_explicit(&r->se->debug, memory_order_relaxed)))
		sess_trace_reply(r->se, iov, count);
	return x->ops->send(r->chan, r->slot, iov, count);
}

/* Whatever the kernel made of the first attempt, a bare error ends the request
 * or finds it ended; without it a refused answer could leave its caller
 * waiting for ever. */
static int send_or_fail(struct sess_req *r, int error, struct iovec *iov, int count)
{
	int err = send_answer(r, error, iov, count);
	struct iovec bare[1];

	if (likely(err == 0 || err == -ENOENT))
		return err;
	/* The connection was let go of; there is nobody left to be told. */
	if (err == -EBADF || err == -ENODEV || err == -EPIPE || err == -ENOTCONN)
		return -ENOTCONN;
	fuse_log(FUSE_LOG_ERR, "fuse: answer to %s (unique %llu) was refused: %s; answered EIO\n",
		 op_name(r->op_index), (unsigned long long)r->wire_unique, strerror(-err));
	send_answer(r, -EIO, bare, 1);
	return err;
}

static int answered_before(struct sess_req *r, fuse_req_t h)
{
	uint32_t gen = atomic_load_explicit(&r->state, memory_order_relaxed) / REQ_GEN % REQ_ALIGN;
	bool same = gen == ((uintptr_t)h & (REQ_ALIGN - 1));

	/* At the end we answered what was owed ourselves (drain.c). */
	if (atomic_load(&r->se->drained))
		return -ENOTCONN;
	/* The object may serve another request by now; then the name is that
	 * of the one before, which is right unless it was used more than once
	 * since. */
	fuse_log(FUSE_LOG_ERR, "fuse: the filesystem answered %s twice; the second is ignored\n",
		 op_name(same ? r->op_index : r->last_op_index));
	return -EINVAL;
}

int sess_reply(fuse_req_t req, enum proto_reply kind, int error, struct iovec *iov, int count)
{
	struct sess_req *r = req_object(req);
	struct iovec bare[1];
	const char *wrong;
	int err;

	if (unlikely(!req_claim(r, req)))
		return answered_before(r, req);
	wrong = wrong_answer(r, kind, error, body_size(iov, count));
	if (unlikely(wrong)) {
		fuse_log(FUSE_LOG_ERR, "fuse: wrong answer to %s (unique %llu): %s; answered EIO\n",
			 op_name(r->op_index), (unsigned long long)r->wire_unique, wrong);
		error = -EIO;
		send_answer(r, error, bare, 1);
		err = -EINVAL;
	} else {
		err = send_or_fail(r, error, iov, count);
	}
	if (error)
		atomic_fetch_add_explicit(&r->worker->stats.errors[r->op_index], 1,
					  memory_order_relaxed);
	req_unpin(r);
	return err;
}

void sess_expect_none(fuse_req_t req, uint32_t times)
{
	atomic_store_explicit(&req_object(req)->nones, times, memory_order_relaxed);
}

static bool more_to_come(struct sess_req *r)
{
	if (likely(atomic_load_explicit(&r->nones, memory_order_relaxed) == 0))
		return false;
	/* acq_rel: whoever is last sees what the others did. */
	return atomic_fetch_sub_explicit(&r->nones, 1, memory_order_acq_rel) > 1;
}

void sess_reply_none(fuse_req_t req)
{
	struct sess_req *r = req_object(req);

	if (more_to_come(r))
		return;
	if (unlikely(!req_claim(r, req))) {
		answered_before(r, req);
		return;
	}
	/* Leaving a system call without an answer would hang its caller. */
	if (unlikely(!proto_op_has(&proto_ops[r->op_index], PROTO_F_NOREPLY))) {
		struct iovec bare[1];

		fuse_log(FUSE_LOG_ERR,
			 "fuse: the filesystem gave no answer to %s, which needs one; answered "
			 "EIO\n",
			 op_name(r->op_index));
		send_answer(r, -EIO, bare, 1);
	} else if (r->slot && r->chan->x->ops->done) {
		r->chan->x->ops->done(r->chan, r->slot);
	}
	req_unpin(r);
}

/* The body may stand behind the request in the same buffer: requests that ask
 * for much data are small, and those that bring much want little. */
void *sess_reply_buffer(fuse_req_t req, size_t want, size_t *cap)
{
	struct sess_req *r = req_object(req);
	const struct xport_ops *ops = r->chan->x->ops;
	size_t used = 0;
	void *body;

	if (ops->body) {
		body = ops->body(r->chan, r->slot, cap);
		if (body && *cap >= want)
			return body;
	}
	if (!r->buf || r->view_split)
		return NULL;
	used = (r->msg_len + REQ_ALIGN - 1) & ~(size_t)(REQ_ALIGN - 1);
	if (used >= r->buf->cap || r->buf->cap - used < want)
		return NULL;
	*cap = r->buf->cap - used;
	return (char *)r->buf->mem + used;
}
