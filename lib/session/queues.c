/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/queues.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/affinity.h"
#include "session/drain.h"
#include "session/loop.h"
#include "session/pool.h"
#include "session/thread.h"
#include "session/worker.h"
#include "transport/rings.h"

/* Threads of a queue at the start: one at work, one that waits meanwhile. */
#define THREADS_A_QUEUE 2
/* Entries a queue under the single-threaded loop. */
#define SINGLE_DEPTH 8
/* Of all payload buffers; they become resident only as they are used. */
#define DEFAULT_MEMORY ((size_t)256 << 20)

enum phase { BUILDING, SERVING, ABANDONED };

struct queue {
	/* Threads waiting for a request; touched by this queue's threads. */
	_Atomic int waiting CACHE_ALIGNED;
	unsigned int threads; /* under sess_queues.lock */
	unsigned int blocked; /* scratch of a look */
};

struct queue_thread {
	struct sess_queues *queues;
	struct queue_thread *next;
	unsigned int index; /* of its queue */
	pthread_t id;
	struct sess_pin pin;
	unsigned int watched_calls;
	unsigned int own_calls;
	/* Written by the thread, read by the watch; odd while in a callback. */
	_Atomic unsigned int calls CACHE_ALIGNED;
};

struct sess_queues {
	struct fuse_session *se;
	unsigned int count;
	unsigned int max_threads; /* of a queue */
	struct queue *queue;	  /* count of them */
	struct sess_worker *single;

	pthread_mutex_t lock;
	pthread_cond_t change;
	enum phase phase;
	unsigned int built; /* threads that have reported */
	int error;	    /* of the first that failed */
	struct queue_thread *threads;
};

/* ---- a queue's thread ---- */

/* Reports how building went and waits for what the others say. */
static bool may_serve(struct sess_queues *q, int err)
{
	bool serve;

	pthread_mutex_lock(&q->lock);
	q->built++;
	if (err && !q->error)
		q->error = err;
	pthread_cond_broadcast(&q->change);
	while (q->phase == BUILDING)
		pthread_cond_wait(&q->change, &q->lock);
	serve = q->phase == SERVING && !err;
	pthread_mutex_unlock(&q->lock);
	return serve;
}

/* Where the kernel wakes it, the caller waits on the same CPU. A CPU that is
 * not there, or not for us, has no callers either: the thread may be anywhere. */
static int serve_one(struct queue_thread *t, struct sess_worker *w)
{
	struct fuse_session *se = t->queues->se;
	struct queue *queue = &t->queues->queue[t->index];
	struct xport_recv in;
	int err;

	sess_pin_wait(se, &t->pin, t->index);
	atomic_fetch_add(&queue->waiting, 1);
	err = sess_worker_receive(w, &in, true);
	if (atomic_fetch_sub(&queue->waiting, 1) == 1 && !err)
		sess_pool_wake_watch(se->pool);
	if (err)
		return err;
	atomic_store_explicit(&t->calls, t->own_calls + 1, memory_order_relaxed);
	sess_pin_call(&t->pin);
	sess_dispatch(w, &in, false);
	sess_pin_return(se, &t->pin);
	t->own_calls += 2;
	atomic_store_explicit(&t->calls, t->own_calls, memory_order_relaxed);
	return 0;
}

static void *queue_main(void *arg)
{
	struct queue_thread *t = arg;
	struct fuse_session *se = t->queues->se;
	struct sess_worker *w = NULL;
	int err;

	/* The ring is built here, because it belongs to the thread that does. */
	sess_pin_begin(se, &t->pin);
	err = sess_worker_new(se, se->rings, t->index, false, &w);
	if (may_serve(t->queues, err)) {
		sess_worker_publish(w);
		while (!atomic_load_explicit(&se->exited, memory_order_relaxed) &&
		       sess_loop_goes_on(se, serve_one(t, w)))
			;
		/* When the ring is gone nobody can answer any more, and who
		 * asked would wait until the device is closed. */
		sess_fail_owed(w);
		w->chan->x->ops->stop(w->chan);
	} else if (w) {
		sess_worker_free(w);
	}
	sess_pin_end(se, &t->pin);
	return NULL;
}

static int start_thread_locked(struct sess_queues *q, unsigned int index)
{
	struct queue_thread *t = aligned_alloc(_Alignof(struct queue_thread), sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	*t = (struct queue_thread){.queues = q, .index = index};
	err = sess_thread_create(&t->id, "fuse_queue", queue_main, t);
	if (err) {
		free(t);
		return err;
	}
	t->next = q->threads;
	q->threads = t;
	q->queue[index].threads++;
	return 0;
}

/* ---- building ---- */

static void set_phase(struct sess_queues *q, enum phase phase)
{
	pthread_mutex_lock(&q->lock);
	q->phase = phase;
	pthread_cond_broadcast(&q->change);
	pthread_mutex_unlock(&q->lock);
}

static void join_threads(struct sess_queues *q)
{
	struct queue_thread *t;

	while ((t = q->threads)) {
		q->threads = t->next;
		pthread_join(t->id, NULL);
		free(t);
	}
}

static void free_queues(struct fuse_session *se)
{
	struct sess_queues *q = se->queues;

	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->change);
	free(q->queue);
	free(q);
	se->queues = NULL;
}

static int start_threads(struct sess_queues *q, unsigned int each)
{
	unsigned int started = 0;
	int err = 0;

	pthread_mutex_lock(&q->lock);
	for (unsigned int i = 0; i < q->count * each && !err; i++) {
		err = start_thread_locked(q, i % q->count);
		started += !err;
	}
	while (q->built < started)
		pthread_cond_wait(&q->change, &q->lock);
	if (!err)
		err = q->error;
	pthread_mutex_unlock(&q->lock);
	if (err) {
		set_phase(q, ABANDONED);
		join_threads(q);
	}
	return err;
}

static struct sess_queues *queues_new(struct fuse_session *se, unsigned int count)
{
	struct sess_queues *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->se = se;
	q->count = count;
	q->queue = aligned_alloc(_Alignof(struct queue), count * sizeof(*q->queue));
	if (!q->queue) {
		free(q);
		return NULL;
	}
	for (unsigned int i = 0; i < count; i++)
		q->queue[i] = (struct queue){.threads = 0};
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->change, NULL);
	return q;
}

/* The memory wish bounds what is there from the start; threads that replace
 * stuck ones bring an entry each and are bounded by max_threads. */
static int build(struct fuse_session *se, const struct fuse_init_out *out)
{
	const struct sess_rings_wish *wish = &se->rings_wish;
	bool multi = se->loop_kind == SESS_LOOP_MULTI;
	unsigned int wanted = wish->depth ? wish->depth : multi ? THREADS_A_QUEUE : SINGLE_DEPTH;
	struct xport_rings_cfg cfg = {
		.queues = xport_rings_queues(),
		.payload = xport_rings_payload(out),
	};
	unsigned int depth;
	int err;

	depth = xport_rings_depth(cfg.queues, wanted, cfg.payload,
				  wish->memory ? wish->memory : DEFAULT_MEMORY);
	if (depth == 0)
		return -ENOBUFS;
	cfg.depth = multi ? 1 : depth;
	err = xport_rings_new(se->xport, &cfg, &se->rings);
	if (err)
		return err;
	se->queues = queues_new(se, cfg.queues);
	if (!se->queues)
		return -ENOMEM;
	if (multi) {
		se->queues->max_threads = sess_pool_max_threads(se->pool);
		if (depth > se->queues->max_threads)
			depth = se->queues->max_threads;
		return start_threads(se->queues, depth);
	}
	err = sess_worker_new(se, se->rings, XPORT_RINGS_ALL, false, &se->queues->single);
	if (!err)
		sess_worker_publish(se->queues->single);
	return err;
}

static bool wanted(const struct fuse_session *se, uint64_t offered)
{
	const char *why = NULL;

	if (se->rings_wish.mode == SESS_RINGS_OFF)
		return false;
	if (!(offered & FUSE_INIT_FLAG(OVER_IO_URING)))
		why = "the kernel does not offer it (module parameter fuse.enable_uring)";
	else if (!se->xport->takes_rings)
		why = "the connection is not /dev/fuse";
	else if (se->loop_kind == SESS_LOOP_NONE)
		why = "no loop of the library is running";
	if (why && se->rings_wish.mode == SESS_RINGS_ON)
		fuse_log(FUSE_LOG_WARNING, "fuse: no io_uring: %s; using /dev/fuse\n", why);
	return !why;
}

void sess_queues_prepare(struct fuse_session *se, uint64_t offered, struct fuse_init_out *out)
{
	const uint64_t flag = FUSE_INIT_FLAG(OVER_IO_URING);
	int err;

	out->flags2 &= ~(uint32_t)(flag >> 32);
	if (!wanted(se, offered))
		return;
	err = build(se, out);
	if (err) {
		fuse_log(FUSE_LOG_WARNING,
			 "fuse: no io_uring: set-up failed: %s; using /dev/fuse\n", strerror(-err));
		if (se->queues)
			free_queues(se);
		xport_free(se->rings);
		se->rings = NULL;
		return;
	}
	out->flags2 |= (uint32_t)(flag >> 32);
}

void sess_queues_go(struct fuse_session *se)
{
	if (se->queues)
		set_phase(se->queues, SERVING);
}

/* ---- serving ---- */

struct sess_worker *sess_queues_single(struct fuse_session *se, struct sess_worker *now)
{
	return se->queues && se->queues->single ? se->queues->single : now;
}

bool sess_queues_look(struct fuse_session *se, bool *crowded)
{
	struct sess_queues *q = se->queues;
	bool active = false;

	*crowded = false;
	/* Set before INIT is answered, by the thread whose request woke us. */
	if (!q || q->single)
		return false;
	pthread_mutex_lock(&q->lock);
	for (unsigned int i = 0; i < q->count; i++)
		q->queue[i].blocked = 0;
	for (struct queue_thread *t = q->threads; t; t = t->next) {
		unsigned int calls = atomic_load_explicit(&t->calls, memory_order_relaxed);

		active |= calls != t->watched_calls;
		if (calls == t->watched_calls)
			q->queue[t->index].blocked += calls & 1;
		t->watched_calls = calls;
	}
	for (unsigned int i = 0; i < q->count && q->phase == SERVING; i++) {
		active |= q->queue[i].blocked > 0;
		*crowded |= atomic_load_explicit(&q->queue[i].waiting, memory_order_relaxed) == 0;
		if (q->queue[i].blocked == q->queue[i].threads &&
		    q->queue[i].threads < q->max_threads)
			start_thread_locked(q, i);
	}
	pthread_mutex_unlock(&q->lock);
	return active;
}

void sess_queues_end(struct fuse_session *se)
{
	struct sess_queues *q = se->queues;

	if (!q)
		return;
	/* A loop that ended before INIT's answer was sent. */
	if (q->phase == BUILDING)
		set_phase(q, ABANDONED);
	join_threads(q);
	if (q->single) {
		sess_fail_owed(q->single);
		q->single->chan->x->ops->stop(q->single->chan);
	}
	free_queues(se);
}
