/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/drain.h"

#include <errno.h>

#include "session/loop.h"
#include "session/worker.h"

static void answer_owed(struct sess_worker *w)
{
	struct sess_chunk *chunk = atomic_load_explicit(&w->chunks, memory_order_acquire);

	for (; chunk; chunk = chunk->next) {
		for (int i = 0; i < REQ_CHUNK; i++) {
			struct sess_req *r = &chunk->reqs[i];
			struct iovec iov[1];

			if (atomic_load(&r->state) & REQ_OWED)
				sess_reply(req_handle(r), PROTO_REPLY_EMPTY, -ENOTCONN, iov, 1);
		}
	}
}

static void turn_away(struct sess_worker *w, const struct xport_recv *in)
{
	const struct proto_op *op = proto_op_find(in->msg.hdr->opcode);
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -ENOTCONN,
		.unique = in->msg.hdr->unique,
	};
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	if (!op || !proto_op_has(op, PROTO_F_NOREPLY))
		w->chan->x->ops->send(w->chan, in->slot, &iov, 1);
}

static void answer_waiting(struct sess_worker *w)
{
	struct xport_recv in;

	while (sess_worker_receive(w, &in, false) == 0)
		turn_away(w, &in);
}

void sess_drain(struct fuse_session *se)
{
	struct sess_worker *w;

	for (w = atomic_load_explicit(&se->workers, memory_order_acquire); w; w = w->next)
		answer_owed(w);
	/* The loop's mode of the descriptor, in which receiving never waits. */
	if (sess_loop_begin(se))
		return;
	if (sess_worker_lease(se, false, &w) == 0) {
		answer_waiting(w);
		sess_worker_release(w);
	}
	sess_loop_end(se);
}
