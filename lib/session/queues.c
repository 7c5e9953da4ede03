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

/* Entries a queue at the start. */
#define MULTI_DEPTH  1
#define SINGLE_DEPTH 8
/* Threads of a queue that may have entries of their own. */
#define MAX_OWNERS 4
/* Of all payload buffers at the start; they become resident as they are used. */
#define DEFAULT_MEMORY ((size_t)512 << 20)

enum phase { BUILDING, SERVING, ABANDONED };

struct queue_thread {
	struct sess_queues *queues;
	struct queue_thread *next;
	struct sess_worker *worker;
	unsigned int chan;  /* its number for the transport */
	unsigned int index; /* of its queue */
	pthread_t id;
	bool serving; /* its worker is the session's */
	struct sess_pin pin;
	unsigned int watched_calls;
	unsigned int own_calls;
	/* Written by the thread, read by the watch; odd while in a callback. */
	_Atomic unsigned int calls CACHE_ALIGNED;
};

struct sess_queues {
	struct fuse_session *se;
	unsigned int count;
	unsigned int depth;
	unsigned int max_threads; /* of a queue */
	bool *stuck;		  /* queues; scratch of a look */
	struct sess_worker *single;

	pthread_mutex_t lock;
	pthread_cond_t change;
	enum phase phase;
	bool ending;
	unsigned int built; /* threads that have reported */
	int error;	    /* of the first that failed */
	struct queue_thread *threads;

	pthread_t clerk;
	bool has_clerk;
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

/* Started for a request that it has not taken yet. */
static bool is_on_its_way(const struct queue_thread *t)
{
	return atomic_load_explicit(&t->calls, memory_order_relaxed) == 0 &&
	       (t->chan & XPORT_RINGS_BARE);
}

/* Where the kernel wakes it, the caller waits on the same CPU. A CPU that is
 * not there, or not for us, has no callers either: the thread may be anywhere. */
static int serve_one(struct queue_thread *t)
{
	struct fuse_session *se = t->queues->se;
	struct sess_worker *w = t->worker;
	bool expected = is_on_its_way(t);
	struct xport_recv in;
	int err;

	sess_pin_wait(se, &t->pin, t->index);
	err = sess_worker_receive(w, &in, !expected);
	if (unlikely(expected && err == -EAGAIN)) {
		/* Another thread has taken the request. This one is free. */
		t->own_calls = 2;
		atomic_store(&t->calls, 2);
		return 0;
	}
	if (err)
		return err;
	atomic_store_explicit(&t->calls, t->own_calls + 1, memory_order_relaxed);
	/* For a callback that goes on after its answer, which is sent when it
	 * returns or when the watch sees it; and for the queue's last entry. */
	sess_pool_wake_watch(se->pool);
	sess_pin_call(&t->pin);
	sess_dispatch(w, &in, false);
	sess_pin_return(se, &t->pin);
	t->own_calls += 2;
	atomic_store_explicit(&t->calls, t->own_calls, memory_order_relaxed);
	return 0;
}

/* The callback ended the thread (pthread_exit, pthread_cancel). Who called must
 * not wait for ever, and others need a thread. */
static void fail_current(struct queue_thread *t)
{
	struct sess_req *r = t->worker->current;
	struct iovec iov[1];

	if (!r)
		return;
	t->worker->current = NULL;
	if (atomic_load(&r->state) & REQ_OWED)
		sess_reply(req_handle(r), PROTO_REPLY_EMPTY, -EIO, iov, 1);
	req_callback_done(t->worker, r);
}

static void thread_ends(void *arg)
{
	struct queue_thread *t = arg;
	struct fuse_session *se = t->queues->se;
	bool exited = atomic_load(&se->exited);

	if (t->serving) {
		fail_current(t);
		/* When the ring is gone nobody can answer any more, and who
		 * asked would wait until the device is closed. */
		if (exited)
			sess_fail_owed(t->worker);
		t->worker->chan->x->ops->stop(t->worker->chan);
		sess_worker_enter(NULL);
		if (!exited)
			xport_rings_rescue(se->rings, t->index);
	} else if (t->worker) {
		sess_worker_free(t->worker);
	}
	atomic_store(&t->calls, 2); /* neither busy nor stuck */
	sess_pin_end(se, &t->pin);
}

static void *queue_main(void *arg)
{
	struct queue_thread *t = arg;
	struct fuse_session *se = t->queues->se;
	int err;

	/* The ring is built here, because it belongs to the thread that does. */
	sess_pin_begin(se, &t->pin);
	pthread_cleanup_push(thread_ends, t);
	err = sess_worker_new(se, se->rings, t->chan, false, &t->worker);
	if (may_serve(t->queues, err)) {
		t->serving = true;
		sess_worker_publish(t->worker);
		while (!atomic_load_explicit(&se->exited, memory_order_relaxed) &&
		       sess_loop_goes_on(se, serve_one(t)))
			;
	}
	pthread_cleanup_pop(1);
	return NULL;
}

static int start_thread_locked(struct sess_queues *q, unsigned int index, bool bare)
{
	struct queue_thread *t = aligned_alloc(_Alignof(struct queue_thread), sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	*t = (struct queue_thread){
		.queues = q,
		.index = index,
		.chan = index | (bare ? XPORT_RINGS_BARE : 0),
	};
	err = sess_thread_create(&t->id, "fuse_queue", queue_main, t);
	if (err) {
		free(t);
		return err;
	}
	t->next = q->threads;
	q->threads = t;
	return 0;
}

/* ---- the clerk ---- */

static bool is_ours(const struct fuse_session *se, unsigned int cpu)
{
	return cpu < CPU_SETSIZE && CPU_ISSET(cpu, &se->cpus.mask);
}

static int lend_at_start(struct sess_queues *q, struct sess_worker *w)
{
	int err = 0;

	for (unsigned int i = 0; i < q->count && !err; i++) {
		unsigned int own = is_ours(q->se, i) ? 1 : 0;

		if (q->depth > own)
			err = xport_rings_lend(w->chan, i, q->depth - own);
	}
	return err;
}

static bool is_busy(const struct queue_thread *t)
{
	return (atomic_load(&t->calls) & 1) || is_on_its_way(t);
}

/* For a request that waits, unless as many are in callbacks as may be. Those that
 * are not have an entry to wait for, and cannot do both. */
static void start_another_locked(struct sess_queues *q, unsigned int index)
{
	unsigned int busy = 0;

	if (q->ending || q->phase != SERVING || atomic_load(&q->se->exited))
		return;
	for (const struct queue_thread *t = q->threads; t; t = t->next)
		busy += t->index == index && is_busy(t);
	if (busy < q->max_threads)
		start_thread_locked(q, index, true);
}

/* Failing that, the next thread that is free takes the request, or the watch
 * tries again. */
static void start_another(struct sess_queues *q, unsigned int index)
{
	pthread_mutex_lock(&q->lock);
	start_another_locked(q, index);
	pthread_mutex_unlock(&q->lock);
	sess_pool_wake_watch(q->se->pool);
}

static bool is_ending(struct sess_queues *q)
{
	bool ending;

	pthread_mutex_lock(&q->lock);
	ending = q->ending;
	pthread_mutex_unlock(&q->lock);
	return ending;
}

/* It serves until all threads have ended, so that their answers arrive. */
static void *clerk_main(void *arg)
{
	struct sess_queues *q = arg;
	struct fuse_session *se = q->se;
	struct sess_worker *w = NULL;
	struct sess_pin pin = {.pinned = false};
	unsigned int index;
	int err;

	sess_pin_begin(se, &pin);
	err = sess_worker_new(se, se->rings, XPORT_RINGS_CLERK, false, &w);
	if (!err)
		err = lend_at_start(q, w);
	if (may_serve(q, err)) {
		sess_worker_publish(w);
		while (!is_ending(q)) {
			err = xport_rings_clerk(w->chan, &index);
			if (!err)
				start_another(q, index);
			else
				sess_loop_goes_on(se, err);
		}
		w->chan->x->ops->stop(w->chan);
	} else if (w) {
		sess_worker_free(w);
	}
	sess_pin_end(se, &pin);
	return NULL;
}

/* ---- building ---- */

static void set_phase(struct sess_queues *q, enum phase phase)
{
	pthread_mutex_lock(&q->lock);
	q->phase = phase;
	pthread_cond_broadcast(&q->change);
	pthread_mutex_unlock(&q->lock);
}

/* First the threads, whose last answers the clerk may have to send. */
static void join_threads(struct sess_queues *q)
{
	struct queue_thread *t;

	pthread_mutex_lock(&q->lock);
	q->ending = true;
	while ((t = q->threads)) {
		q->threads = t->next;
		pthread_mutex_unlock(&q->lock);
		pthread_join(t->id, NULL);
		free(t);
		pthread_mutex_lock(&q->lock);
	}
	pthread_mutex_unlock(&q->lock);
	if (q->has_clerk) {
		xport_rings_end(q->se->rings);
		pthread_join(q->clerk, NULL);
		q->has_clerk = false;
	}
}

static void free_queues(struct fuse_session *se)
{
	struct sess_queues *q = se->queues;

	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->change);
	free(q->stuck);
	free(q);
	se->queues = NULL;
}

static int start_threads(struct sess_queues *q)
{
	unsigned int started = 0;
	int err;

	pthread_mutex_lock(&q->lock);
	err = sess_thread_create(&q->clerk, "fuse_clerk", clerk_main, q);
	if (!err) {
		q->has_clerk = true;
		started++;
	}
	for (unsigned int i = 0; i < q->count && !err; i++) {
		if (!is_ours(q->se, i))
			continue;
		err = start_thread_locked(q, i, false);
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

static struct sess_queues *queues_new(struct fuse_session *se, unsigned int count,
				      unsigned int depth)
{
	struct sess_queues *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->se = se;
	q->count = count;
	q->depth = depth;
	q->stuck = calloc(count, sizeof(*q->stuck));
	if (!q->stuck) {
		free(q);
		return NULL;
	}
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->change, NULL);
	return q;
}

static int build_single(struct sess_queues *q)
{
	struct fuse_session *se = q->se;
	int err = sess_worker_new(se, se->rings, XPORT_RINGS_ALL, false, &q->single);

	for (unsigned int i = 0; i < q->count && !err; i++)
		err = xport_rings_lend(q->single->chan, i, q->depth);
	if (!err)
		sess_worker_publish(q->single);
	else if (q->single)
		sess_worker_free(q->single);
	return err;
}

/* Threads and rings for se->rings. */
static int build_queues(struct fuse_session *se, unsigned int count, unsigned int depth)
{
	int err;

	se->queues = queues_new(se, count, depth);
	if (!se->queues)
		return -ENOMEM;
	if (se->loop_kind == SESS_LOOP_MULTI) {
		((struct sess_queues *)se->queues)->max_threads = sess_pool_max_threads(se->pool);
		err = start_threads(se->queues);
	} else {
		err = build_single(se->queues);
	}
	if (err)
		free_queues(se);
	return err;
}

static int build(struct fuse_session *se, const struct fuse_init_out *out)
{
	const struct sess_rings_wish *wish = &se->rings_wish;
	bool multi = se->loop_kind != SESS_LOOP_SINGLE;
	unsigned int wanted = wish->depth ? wish->depth : multi ? MULTI_DEPTH : SINGLE_DEPTH;
	struct xport_rings_cfg cfg = {
		.queues = xport_rings_queues(),
		.payload = xport_rings_payload(out),
		.owners = MAX_OWNERS,
	};
	int err;

	cfg.depth = xport_rings_depth(cfg.queues, wanted, cfg.payload,
				      wish->memory ? wish->memory : DEFAULT_MEMORY);
	if (cfg.depth == 0)
		return -ENOBUFS;
	err = xport_rings_new(se->xport, &cfg, &se->rings);
	if (err)
		return err;
	if (se->loop_kind == SESS_LOOP_NONE)
		err = xport_rings_promise(se->rings);
	else
		err = build_queues(se, cfg.queues, cfg.depth);
	if (err) {
		xport_free(se->rings);
		se->rings = NULL;
	}
	return err;
}

static void setup_failed(struct fuse_session *se, int err)
{
	se->rings_off = (struct sess_rings_off){SESS_RINGS_FAILED, err};
	fuse_log(FUSE_LOG_WARNING, "fuse: no io_uring: set-up failed: %s; using /dev/fuse\n",
		 strerror(-err));
}

static bool wanted(struct fuse_session *se, uint64_t offered)
{
	const char *why = NULL;

	if (se->rings_wish.mode == SESS_RINGS_OFF)
		return false;
	if (!(offered & FUSE_INIT_FLAG(OVER_IO_URING))) {
		se->rings_off.why = SESS_RINGS_NOT_OFFERED;
		why = "the kernel does not offer it (module parameter fuse.enable_uring)";
	} else if (!se->xport->takes_rings) {
		se->rings_off.why = SESS_RINGS_NO_DEVICE;
		why = "the connection is not /dev/fuse";
	} else if (se->loop_kind == SESS_LOOP_NONE && !se->loop_follows) {
		se->rings_off.why = SESS_RINGS_FAILED;
		why = "no loop of the library is running";
	}
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
		setup_failed(se, err);
		return;
	}
	out->flags2 |= (uint32_t)(flag >> 32);
}

void sess_queues_go(struct fuse_session *se)
{
	if (se->queues)
		set_phase(se->queues, SERVING);
}

int sess_queues_resume(struct fuse_session *se)
{
	const struct xport_rings_cfg *cfg;
	int err;

	if (!sess_queues_used(se) || se->queues)
		return 0;
	cfg = xport_rings_cfg(se->rings);
	err = build_queues(se, cfg->queues, cfg->depth);
	if (err && !xport_rings_served(se->rings)) {
		setup_failed(se, err);
		xport_rings_withdraw(se->rings);
		return 0;
	}
	if (err) {
		fuse_log(FUSE_LOG_ERR, "fuse: cannot serve the connection's rings again: %s\n",
			 strerror(-err));
		return err;
	}
	xport_rings_keep_promise(se->rings);
	sess_queues_go(se);
	for (unsigned int i = 0; i < cfg->queues && xport_rings_served(se->rings); i++)
		xport_rings_rescue(se->rings, i);
	return 0;
}

void sess_queues_withdraw(struct fuse_session *se)
{
	if (sess_queues_used(se) && !se->queues && !xport_rings_served(se->rings))
		xport_rings_withdraw(se->rings);
}

/* ---- serving ---- */

struct sess_worker *sess_queues_single(struct fuse_session *se, struct sess_worker *now)
{
	struct sess_queues *q = se->queues;

	return q && q->single ? q->single : now;
}

/* Marks the queues of which no thread comes back; an answer that one of these
 * has given already is sent. */
static bool look_at_threads_locked(struct sess_queues *q)
{
	bool active = false;

	memset(q->stuck, 0, q->count * sizeof(*q->stuck));
	for (struct queue_thread *t = q->threads; t; t = t->next) {
		unsigned int calls = atomic_load_explicit(&t->calls, memory_order_relaxed);

		if (calls != t->watched_calls) {
			active = true;
		} else if (calls & 1) {
			q->stuck[t->index] = true;
			xport_rings_hurry(t->worker->chan);
		}
		t->watched_calls = calls;
	}
	return active;
}

bool sess_queues_look(struct fuse_session *se, bool *crowded)
{
	struct sess_queues *q = se->queues;
	bool active;

	*crowded = false;
	/* Set before INIT is answered, by the thread whose request woke us. */
	if (!q || q->single)
		return false;
	pthread_mutex_lock(&q->lock);
	active = look_at_threads_locked(q);
	for (unsigned int i = 0; i < q->count && q->phase == SERVING && !q->ending; i++) {
		active |= q->stuck[i];
		*crowded |= xport_rings_ready(se->rings, i) == 0;
		if (q->stuck[i] && xport_rings_ready(se->rings, i) == 0)
			xport_rings_rescue(se->rings, i);
		/* A thread that could not be started before. */
		if (!xport_rings_backlog(se->rings, i))
			continue;
		active = true;
		start_another_locked(q, i);
	}
	pthread_mutex_unlock(&q->lock);
	return active;
}

bool sess_queues_busy(struct fuse_session *se)
{
	struct sess_queues *q = se->queues;
	bool busy = false;

	if (!q || q->single)
		return false;
	pthread_mutex_lock(&q->lock);
	for (const struct queue_thread *t = q->threads; t && !busy; t = t->next)
		busy = atomic_load_explicit(&t->calls, memory_order_relaxed) & 1;
	pthread_mutex_unlock(&q->lock);
	return busy;
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

bool sess_queues_used(struct fuse_session *se)
{
	return atomic_load(&se->state) == SESS_RUNNING && se->rings &&
	       !xport_rings_refused(se->rings);
}
