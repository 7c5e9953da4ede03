/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker: one thread's share of a session. It owns its channel, its receive
 * buffers, its slab of requests and its counters; nothing here is touched by
 * other threads on the way of a request but the two return stacks, onto which
 * they push what they finished.
 */
#ifndef PROFUSE_SESSION_WORKER_H
#define PROFUSE_SESSION_WORKER_H

#include "session/request.h"

struct sess_stats {
	_Atomic uint64_t requests[PROTO_OP_COUNT]; /* written by the owner only */
	_Atomic uint64_t
		errors[PROTO_OP_COUNT + 1]; /* answers with an error; last: unknown opcodes */
};

struct sess_worker {
	struct fuse_session *se;
	struct sess_worker *next;      /* in se->workers; set before publication */
	struct sess_worker *next_idle; /* under se->workers_lock */
	struct xport_chan *chan;
	unsigned int index;

	/* Owner only. */
	struct sess_req *free_reqs;
	struct sess_buf *buf; /* the next message goes here */
	struct sess_buf *spare_bufs;
	unsigned int spare_count;
	struct sess_req *current; /* inside the handler */

	_Atomic(struct sess_chunk *) chunks;

	/* Pushed by any thread, emptied by the owner. */
	_Atomic(struct sess_req *) returned CACHE_ALIGNED;

	struct sess_stats stats CACHE_ALIGNED;
};

/* A worker on a channel of its own of transport x. `chan` is the channel's
 * number, or -1 for the worker's. It belongs to the session once published;
 * until then the caller may free it. */
PROFUSE_NODISCARD int sess_worker_new(struct fuse_session *se, struct xport *x, long chan,
				      bool clone, struct sess_worker **out);
void sess_worker_publish(struct sess_worker *w);
void sess_worker_free(struct sess_worker *w);

/* An idle worker, or a new one; and giving it back. */
PROFUSE_NODISCARD int sess_worker_lease(struct fuse_session *se, bool clone,
					struct sess_worker **out);
void sess_worker_release(struct sess_worker *w);

/* The worker that the calling thread is, or NULL. */
struct sess_worker *sess_worker_current(void);
/* Says that the thread is w from here on (NULL: none). Returns what it was. */
struct sess_worker *sess_worker_enter(struct sess_worker *w);

/* Receives one message into the worker's buffer, as xport_ops.recv. */
int sess_worker_receive(struct sess_worker *w, struct xport_recv *in, bool wait);

/* Receives and handles one message. */
int sess_worker_step(struct sess_worker *w, bool wait);

/* Handles a received message; with `foreign` the bytes belong to the program
 * and are gone when this returns. */
void sess_dispatch(struct sess_worker *w, const struct xport_recv *in, bool foreign);

/* Answers that the calling thread gave are on their way when this returns. */
void sess_worker_flush(void);

/* Buffers of the owner. */
struct sess_buf *sess_buf_get(struct sess_worker *w);
void sess_buf_put(struct sess_worker *w, struct sess_buf *b);

/* Answers a request for which not even a worker could be had. It must have
 * come over the connection's own descriptor. */
void sess_turn_down(struct fuse_session *se, const struct fuse_in_header *hdr, int error);

/* Tells the peer that there was no memory for its request. */
void sess_answer_enomem(struct sess_worker *w, const struct xport_recv *in);

/* ---- the parts of dispatch that have files of their own ---- */

/* INIT, in init.c: negotiates, calls the handler, answers. */
void sess_handle_init(struct sess_req *r);
/* CUSE_INIT, in device_init.c. */
void sess_handle_device_init(struct sess_req *r);
/* INTERRUPT, in interrupt.c. */
void sess_handle_interrupt(struct sess_req *r);
/* After req_publish: was this request's INTERRUPT here first? */
void sess_check_early_interrupt(struct sess_req *r);

#endif
