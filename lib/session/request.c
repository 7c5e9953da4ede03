/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of request objects: slab, handles, pins. The protocol of `state` is
 * described in request.h. */
#include "session/request.h"

#include <stdlib.h>
#include <string.h>

#include "session/worker.h"

/* ---- slab ---- */

static void init_req(struct sess_req *r, struct sess_worker *w)
{
	pthread_mutexattr_t attr;

	memset(r, 0, sizeof(*r));
	r->worker = w;
	/* Recursive: an interrupt function may ask about its own request. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&r->intr_lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

static bool add_chunk(struct sess_worker *w)
{
	struct sess_chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		return false;
	static_assert(sizeof(struct sess_req) % REQ_ALIGN == 0, "objects fill their alignment");
	chunk->reqs = aligned_alloc(REQ_ALIGN, REQ_CHUNK * sizeof(struct sess_req));
	if (!chunk->reqs) {
		free(chunk);
		return false;
	}
	for (int i = REQ_CHUNK - 1; i >= 0; i--) {
		init_req(&chunk->reqs[i], w);
		chunk->reqs[i].next = w->free_reqs;
		w->free_reqs = &chunk->reqs[i];
	}
	/* Published to interrupters; only the owner adds. */
	chunk->next = atomic_load_explicit(&w->chunks, memory_order_relaxed);
	atomic_store_explicit(&w->chunks, chunk, memory_order_release);
	return true;
}

/* Takes home what other threads gave back. */
static void collect_returned(struct sess_worker *w)
{
	struct sess_req *r = atomic_exchange_explicit(&w->returned, NULL, memory_order_acquire);

	while (r) {
		struct sess_req *next = r->next;

		if (r->buf) {
			sess_buf_put(w, r->buf);
			r->buf = NULL;
		}
		r->next = w->free_reqs;
		w->free_reqs = r;
		r = next;
	}
}

struct sess_req *req_get(struct sess_worker *w)
{
	struct sess_req *r;
	uint32_t gen;

	/* Looked at each time, so that buffers come home before new ones are
	 * made; a relaxed load of a line that is rarely written. */
	if (atomic_load_explicit(&w->returned, memory_order_relaxed))
		collect_returned(w);
	if (unlikely(!w->free_reqs) && !add_chunk(w))
		return NULL;
	r = w->free_reqs;
	w->free_reqs = r->next;
	r->se = w->se;
	r->last_op_index = r->op_index;
	r->intr_func = NULL;
	r->iterator = 0;
	atomic_store_explicit(&r->nones, 0, memory_order_relaxed);
	atomic_store_explicit(&r->interrupted, false, memory_order_relaxed);
	/* Relaxed: the object is ours until req_publish. */
	gen = atomic_load_explicit(&r->state, memory_order_relaxed) & ~REQ_BUSY;
	atomic_store_explicit(&r->state, (gen + REQ_GEN) | REQ_CALLBACK | REQ_OWED,
			      memory_order_relaxed);
	return r;
}

void req_publish(struct sess_req *r, uint64_t unique)
{
	/* seq_cst: pairs with the store of an early interrupt before its second
	 * look at the slots (interrupt.c). One of both sides sees the other. */
	atomic_store(&r->unique, unique);
}

/* The low byte is zero: nobody else holds the object. */
static void give_back(struct sess_req *r)
{
	struct sess_worker *w = r->worker;
	struct sess_req *head;

	if (sess_worker_current() == w) {
		if (r->buf) {
			sess_buf_put(w, r->buf);
			r->buf = NULL;
		}
		r->next = w->free_reqs;
		w->free_reqs = r;
		return;
	}
	head = atomic_load_explicit(&w->returned, memory_order_relaxed);
	do {
		r->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&w->returned, &head, r, memory_order_release, memory_order_relaxed));
}

void req_unpin(struct sess_req *r)
{
	/* acq_rel: what others did with the object happens before its reuse. */
	uint32_t left =
		atomic_fetch_sub_explicit(&r->state, REQ_PIN, memory_order_acq_rel) - REQ_PIN;

	if (!(left & REQ_BUSY))
		give_back(r);
}

void req_callback_done(struct sess_worker *w, struct sess_req *r)
{
	bool took_buf = r->buf != NULL;
	uint32_t left = atomic_fetch_sub_explicit(&r->state, REQ_CALLBACK, memory_order_acq_rel) -
			REQ_CALLBACK;

	/* From here r is not ours if it is still held. */
	if (left & REQ_BUSY) {
		if (took_buf)
			w->buf = NULL;
		return;
	}
	r->buf = NULL;
	r->next = w->free_reqs;
	w->free_reqs = r;
}

/* ---- handles ---- */

static bool is_handle_of(uint32_t state, fuse_req_t h)
{
	return state / REQ_GEN % REQ_ALIGN == ((uintptr_t)h & (REQ_ALIGN - 1));
}

bool req_claim(struct sess_req *r, fuse_req_t h)
{
	uint32_t state = atomic_load_explicit(&r->state, memory_order_relaxed);

	do {
		if (!(state & REQ_OWED) || !is_handle_of(state, h))
			return false;
		/* The claim turns into a pin, so that the object stays while
		 * the answer is sent, also after the callback returned. */
	} while (!atomic_compare_exchange_weak_explicit(
		&r->state, &state, state - REQ_OWED + REQ_PIN, memory_order_acquire,
		memory_order_relaxed));
	atomic_store_explicit(&r->unique, 0, memory_order_relaxed);
	return true;
}

bool req_pin(struct sess_req *r, uint64_t unique)
{
	uint32_t state = atomic_load_explicit(&r->state, memory_order_relaxed);

	if (atomic_load(&r->unique) != unique)
		return false;
	do {
		/* One pin is kept for the answer. */
		if (!(state & REQ_OWED) || (state & REQ_BUSY) + 2 * REQ_PIN > REQ_BUSY)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&r->state, &state, state + REQ_PIN, memory_order_acquire, memory_order_relaxed));
	/* Between both looks the object may have been given to another
	 * request; now that it is pinned, it can not. */
	if (atomic_load(&r->unique) == unique)
		return true;
	req_unpin(r);
	return false;
}

/* ---- what handlers ask ---- */

struct fuse_session *sess_of(fuse_req_t req)
{
	return req_object(req)->se;
}

const struct fuse_ctx *sess_ctx(fuse_req_t req)
{
	return &req_object(req)->ctx;
}

const struct proto_req *sess_view(fuse_req_t req)
{
	return &req_object(req)->view;
}

const struct proto_req *sess_view_kept(fuse_req_t req)
{
	const struct sess_req *r = req_object(req);
	const struct sess_worker *w = sess_worker_current();

	/* The thread that is inside the handler has the program's buffer. */
	return r->buf || r->slot || (w && w->current == r) ? &r->view : NULL;
}

const struct proto_op *sess_op(fuse_req_t req)
{
	return &proto_ops[req_object(req)->op_index];
}

bool sess_on_ring(fuse_req_t req)
{
	return req_object(req)->slot != NULL;
}

uint32_t *sess_iterator(fuse_req_t req)
{
	return &req_object(req)->iterator;
}

size_t sess_reply_min(fuse_req_t req)
{
	return req_object(req)->reply_min;
}

size_t sess_reply_max(fuse_req_t req)
{
	return req_object(req)->reply_max;
}
