/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a request.
 *
 * A request object lives in a slab of its home worker and is used again and
 * again. Programs hold a handle: the object's address with the low bits of its
 * generation in the alignment gap, so that answering a request twice is
 * noticed even when the object already serves another one.
 *
 * One atomic word, `state`, says who still needs the object:
 *
 *   bit 0      CALLBACK  the worker is inside the handler
 *   bit 1      OWED      an answer is due
 *   bits 2-7   PINS      interrupters looking at it
 *   bits 8-31  generation
 *
 * Whoever brings the low byte to zero returns the object, and the receive
 * buffer if it was taken along, to the home worker. OWED is cleared exactly
 * once, by the answer that wins the compare-and-swap; the generation changes
 * only while the low byte is zero, that is by the home worker alone.
 */
#ifndef PROFUSE_SESSION_REQUEST_H
#define PROFUSE_SESSION_REQUEST_H

#include "session/session.h"

#define REQ_CALLBACK (1u << 0)
#define REQ_OWED     (1u << 1)
#define REQ_PIN	     (1u << 2)
#define REQ_BUSY     0xffu
#define REQ_GEN	     (1u << 8)

/* Objects are aligned to this; the gap carries the generation's low bits. */
#define REQ_ALIGN 512
/* Objects allocated at once; a worker rarely needs more than a chunk. */
#define REQ_CHUNK 16

struct sess_buf {
	struct sess_buf *next;
	size_t cap;
	void *mem; /* page aligned */
};

struct sess_req {
	_Atomic uint32_t state;
	uint16_t op_index;	/* PROTO_* */
	uint16_t last_op_index; /* of the generation before */
	/* The peer's id without the resend mark; 0 while free. What an
	 * INTERRUPT is matched against. */
	_Atomic uint64_t unique;
	uint64_t wire_unique; /* as the answer must echo it */

	struct sess_worker *worker; /* home; never changes */
	struct fuse_session *se;
	struct xport_chan *chan; /* that received it */
	void *slot;
	struct sess_buf *buf; /* the view points into it; NULL: the program's own */
	struct fuse_ctx ctx;
	uint32_t msg_len;	     /* of the request in buf */
	bool view_split;	     /* the request does not stand in buf */
	size_t reply_min, reply_max; /* body sizes that the operation allows */
	struct proto_req view;

	_Atomic uint32_t nones; /* how often sess_reply_none will be called; 0: once */
	uint32_t iterator;	/* the handler's */
	_Atomic bool interrupted;
	pthread_mutex_t intr_lock; /* recursive; guards the two below and their call */
	fuse_interrupt_func_t intr_func;
	void *intr_data;

	struct sess_req *next; /* in a free list */
} __attribute__((aligned(REQ_ALIGN)));

struct sess_chunk {
	struct sess_chunk *next; /* set before publication, then constant */
	struct sess_req *reqs;	 /* REQ_CHUNK of them */
};

static inline fuse_req_t req_handle(const struct sess_req *r)
{
	uint32_t gen = atomic_load_explicit(&r->state, memory_order_relaxed) / REQ_GEN;

	return (fuse_req_t)((uintptr_t)r | (gen % REQ_ALIGN));
}

static inline struct sess_req *req_object(fuse_req_t h)
{
	return (struct sess_req *)((uintptr_t)h & ~(uintptr_t)(REQ_ALIGN - 1));
}

/* A free object of the calling worker, with CALLBACK and OWED set; NULL when
 * out of memory. The caller fills it and then publishes it with req_publish. */
struct sess_req *req_get(struct sess_worker *w);

/* From here an INTERRUPT finds the request. */
void req_publish(struct sess_req *r, uint64_t unique);

/* Ends an interrupter's or answerer's hold. */
void req_unpin(struct sess_req *r);

/* The handler returned. If the answer is still due, or somebody still looks at
 * the object, the receive buffer goes along with it and the worker needs
 * another one. */
void req_callback_done(struct sess_worker *w, struct sess_req *r);

/* Turns OWED into a PIN if h is the request that is now in the object. The
 * winner must req_unpin() when it is done with the object. */
bool req_claim(struct sess_req *r, fuse_req_t h);

/* Takes a pin on a request that is still to be answered and has this unique. */
bool req_pin(struct sess_req *r, uint64_t unique);

/* Marks r and calls its function; r is pinned. */
void req_interrupt(struct sess_req *r);

#endif
