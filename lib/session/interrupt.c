/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interrupts. They are rare, so they do the searching: an INTERRUPT looks
 * through every worker's slab for the unique that it names.
 *
 * It may overtake its request when several workers receive. Then it is noted
 * in a small table, and whoever publishes a request looks there if the table
 * is not empty. No interrupt is lost between both: the interrupter stores the
 * note (seq_cst counter) and then looks at the slabs a second time; the worker
 * stores the unique (seq_cst) and then loads the counter. In the total order
 * of these four at least one of the two loads comes after the other's store.
 *
 * A note whose request was answered meanwhile never matches. It leaves the
 * table after NOTE_AGE later requests, with EAGAIN as its answer: if the
 * request is alive after all, the kernel sends the interrupt again, and if not,
 * it ignores the answer.
 */
#include <errno.h>
#include <string.h>

#include "session/worker.h"

#define NOTE_AGE 64

/* ---- the request's side ---- */

bool sess_interrupted(fuse_req_t req)
{
	return atomic_load_explicit(&req_object(req)->interrupted, memory_order_acquire);
}

/* Also waits until a call of the function before has returned, unless it is
 * this call: the lock is recursive. */
void sess_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	struct sess_req *r = req_object(req);

	pthread_mutex_lock(&r->intr_lock);
	r->intr_func = func;
	r->intr_data = data;
	if (func && atomic_load(&r->interrupted))
		func(req, data);
	pthread_mutex_unlock(&r->intr_lock);
}

void req_interrupt(struct sess_req *r)
{
	/* The handle must be taken before the function may answer with it. */
	fuse_req_t h = req_handle(r);

	pthread_mutex_lock(&r->intr_lock);
	if (!atomic_exchange(&r->interrupted, true) && r->intr_func)
		r->intr_func(h, r->intr_data);
	pthread_mutex_unlock(&r->intr_lock);
}

/* ---- the interrupter's side ---- */

static bool interrupt_in_worker(struct sess_worker *w, uint64_t target)
{
	struct sess_chunk *chunk = atomic_load_explicit(&w->chunks, memory_order_acquire);

	for (; chunk; chunk = chunk->next) {
		for (int i = 0; i < REQ_CHUNK; i++) {
			struct sess_req *r = &chunk->reqs[i];

			if (!req_pin(r, target))
				continue;
			req_interrupt(r);
			req_unpin(r);
			return true;
		}
	}
	return false;
}

static bool interrupt_request(struct fuse_session *se, uint64_t target)
{
	struct sess_worker *w = atomic_load_explicit(&se->workers, memory_order_acquire);

	for (; w; w = w->next) {
		if (interrupt_in_worker(w, target))
			return true;
	}
	return false;
}

/* Asks the peer to send the interrupt again if its request still lives. */
static void answer_again(const struct sess_intr_note *note)
{
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -EAGAIN,
		.unique = note->intr_unique,
	};
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	note->chan->x->ops->send(note->chan, NULL, &iov, 1);
}

/* A copy of what fell out of the table, in *evicted; true if anything did. */
static bool note_add_locked(struct sess_intr_notes *n, const struct sess_intr_note *note,
			    struct sess_intr_note *evicted)
{
	unsigned int used = atomic_load_explicit(&n->count, memory_order_relaxed);
	bool full = used == SESS_INTR_NOTES;

	if (full) {
		*evicted = n->notes[0];
		memmove(&n->notes[0], &n->notes[1], (used - 1) * sizeof(n->notes[0]));
		used--;
	}
	n->notes[used] = *note;
	atomic_store(&n->count, used + 1);
	return full;
}

static bool note_take_locked(struct sess_intr_notes *n, uint64_t target, unsigned int *index)
{
	unsigned int used = atomic_load_explicit(&n->count, memory_order_relaxed);

	for (*index = 0; *index < used; ++*index) {
		if (n->notes[*index].target == target)
			return true;
	}
	return false;
}

static void note_remove_locked(struct sess_intr_notes *n, unsigned int index)
{
	unsigned int used = atomic_load_explicit(&n->count, memory_order_relaxed);

	memmove(&n->notes[index], &n->notes[index + 1], (used - index - 1) * sizeof(n->notes[0]));
	atomic_store(&n->count, used - 1);
}

static void remember(struct fuse_session *se, const struct sess_req *r, uint64_t target)
{
	struct sess_intr_note note = {
		.target = target,
		.intr_unique = r->wire_unique,
		.chan = r->chan,
		.age = 0,
	};
	struct sess_intr_note evicted;
	unsigned int index;
	bool again;

	pthread_mutex_lock(&se->intr.lock);
	again = note_add_locked(&se->intr, &note, &evicted);
	pthread_mutex_unlock(&se->intr.lock);
	if (again)
		answer_again(&evicted);

	if (!interrupt_request(se, target))
		return;
	pthread_mutex_lock(&se->intr.lock);
	if (note_take_locked(&se->intr, target, &index))
		note_remove_locked(&se->intr, index);
	pthread_mutex_unlock(&se->intr.lock);
}

void sess_handle_interrupt(struct sess_req *r)
{
	const struct fuse_interrupt_in *in = r->view.in;
	struct fuse_session *se = r->se;
	uint64_t target = in->unique & ~FUSE_UNIQUE_RESEND;
	struct iovec iov[1];

	if (se->no_interrupt) {
		/* The kernel remembers and stops sending them. */
		sess_reply(req_handle(r), PROTO_REPLY_EMPTY, -ENOSYS, iov, 1);
		return;
	}
	if (!interrupt_request(se, target))
		remember(se, r, target);
	sess_reply_none(req_handle(r));
}

/* Ages the notes by one request. True, with the note in *old, if the oldest
 * has had its time. */
static bool age_locked(struct sess_intr_notes *n, struct sess_intr_note *old)
{
	unsigned int used = atomic_load_explicit(&n->count, memory_order_relaxed);

	for (unsigned int i = 0; i < used; i++)
		n->notes[i].age++;
	if (!used || n->notes[0].age < NOTE_AGE)
		return false;
	*old = n->notes[0];
	note_remove_locked(n, 0);
	return true;
}

void sess_check_early_interrupt(struct sess_req *r)
{
	struct sess_intr_notes *n = &r->se->intr;
	uint64_t unique = r->wire_unique & ~FUSE_UNIQUE_RESEND;
	struct sess_intr_note old;
	unsigned int index;
	bool mine, expired;

	/* seq_cst, see the top of the file. */
	if (likely(atomic_load(&n->count) == 0))
		return;
	pthread_mutex_lock(&n->lock);
	mine = note_take_locked(n, unique, &index);
	if (mine)
		note_remove_locked(n, index);
	expired = age_locked(n, &old);
	pthread_mutex_unlock(&n->lock);
	if (expired)
		answer_again(&old);
	if (mine)
		req_interrupt(r);
}
