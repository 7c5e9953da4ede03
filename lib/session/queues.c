/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/queues.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/affinity.h"
#include "session/loop.h"
#include "session/thread.h"
#include "session/worker.h"
#include "transport/rings.h"

#define DEFAULT_DEPTH  8
#define DEFAULT_MEMORY ((size_t)256 << 20)

enum phase { BUILDING, SERVING, ABANDONED };

struct queue_thread {
	struct sess_queues *queues;
	unsigned int index;
	pthread_t id;
	bool started;
	struct sess_worker *worker;
	struct sess_pin pin;
};

struct sess_queues {
	struct fuse_session *se;
	pthread_mutex_t lock;
	pthread_cond_t change;
	enum phase phase;
	unsigned int built; /* threads that have reported */
	int error;	    /* of the first that failed */
	unsigned int count; /* threads; 0 under the single-threaded loop */
	struct queue_thread *threads;
	struct sess_worker *single;
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
	serve = q->phase == SERVING;
	pthread_mutex_unlock(&q->lock);
	return serve;
}

/* Where the kernel wakes it, the caller waits on the same CPU. A CPU that is
 * not there, or not for us, has no callers either: the thread may be anywhere. */
static int serve_one(struct queue_thread *t, struct sess_worker *w)
{
	struct xport_recv in;
	int err = sess_worker_receive(w, &in, true);

	if (err)
		return err;
	sess_pin_call(&t->pin);
	sess_dispatch(w, &in, false);
	sess_pin_return(t->queues->se, &t->pin);
	sess_pin_wait(t->queues->se, &t->pin, t->index);
	return 0;
}

static void *queue_main(void *arg)
{
	struct queue_thread *t = arg;
	struct fuse_session *se = t->queues->se;
	struct sess_worker *w = NULL;
	int err;

	/* The ring is built here, because it belongs to the thread that does. */
	err = sess_worker_new(se, se->rings, t->index, false, &w);
	if (!may_serve(t->queues, err)) {
		if (w)
			sess_worker_free(w);
		return NULL;
	}
	t->worker = w;
	sess_worker_publish(w);
	sess_pin_begin(se, &t->pin);
	sess_pin_wait(se, &t->pin, t->index);
	while (!atomic_load_explicit(&se->exited, memory_order_relaxed) &&
	       sess_loop_goes_on(se, serve_one(t, w)))
		;
	sess_pin_end(se, &t->pin);
	w->chan->x->ops->stop(w->chan);
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

static void join_threads(struct sess_queues *q)
{
	for (unsigned int i = 0; i < q->count; i++) {
		if (q->threads[i].started)
			pthread_join(q->threads[i].id, NULL);
	}
}

static void free_queues(struct fuse_session *se)
{
	struct sess_queues *q = se->queues;

	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->change);
	free(q->threads);
	free(q);
	se->queues = NULL;
}

static int start_threads(struct sess_queues *q, unsigned int count)
{
	unsigned int started = 0;
	int err = 0;

	q->threads = calloc(count, sizeof(*q->threads));
	if (!q->threads)
		return -ENOMEM;
	q->count = count;
	for (unsigned int i = 0; i < count && !err; i++) {
		struct queue_thread *t = &q->threads[i];

		*t = (struct queue_thread){.queues = q, .index = i};
		err = sess_thread_create(&t->id, "fuse_queue", queue_main, t);
		t->started = !err;
		started += t->started;
	}
	pthread_mutex_lock(&q->lock);
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

static int build(struct fuse_session *se, const struct fuse_init_out *out)
{
	const struct sess_rings_wish *wish = &se->rings_wish;
	struct xport_rings_cfg cfg = {
		.queues = xport_rings_queues(),
		.payload = xport_rings_payload(out),
	};
	struct sess_queues *q;
	int err;

	cfg.depth = xport_rings_depth(cfg.queues, wish->depth ? wish->depth : DEFAULT_DEPTH,
				      cfg.payload, wish->memory ? wish->memory : DEFAULT_MEMORY);
	if (cfg.depth == 0)
		return -ENOBUFS;
	err = xport_rings_new(se->xport, &cfg, &se->rings);
	if (err)
		return err;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->se = se;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->change, NULL);
	se->queues = q;
	if (se->loop_kind == SESS_LOOP_MULTI)
		return start_threads(q, cfg.queues);
	err = sess_worker_new(se, se->rings, XPORT_RINGS_ALL, false, &q->single);
	if (!err)
		sess_worker_publish(q->single);
	return err;
}

static bool wanted(const struct fuse_session *se, uint64_t offered, bool *say)
{
	const char *why = NULL;

	*say = se->rings_wish.mode == SESS_RINGS_ON;
	if (se->rings_wish.mode == SESS_RINGS_OFF)
		return false;
	if (!(offered & FUSE_INIT_FLAG(OVER_IO_URING)))
		why = "the kernel does not offer it (module parameter fuse.enable_uring)";
	else if (!se->xport->takes_rings)
		why = "the connection is not /dev/fuse";
	else if (se->loop_kind == SESS_LOOP_NONE)
		why = "no loop of the library is running";
	if (why && *say)
		fuse_log(FUSE_LOG_WARNING, "fuse: no io_uring: %s; using /dev/fuse\n", why);
	return !why;
}

void sess_queues_prepare(struct fuse_session *se, uint64_t offered, struct fuse_init_out *out)
{
	const uint64_t flag = FUSE_INIT_FLAG(OVER_IO_URING);
	bool say;
	int err;

	out->flags2 &= ~(uint32_t)(flag >> 32);
	if (!wanted(se, offered, &say))
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

struct sess_worker *sess_queues_single(struct fuse_session *se, struct sess_worker *now)
{
	return se->queues && se->queues->single ? se->queues->single : now;
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
	if (q->single)
		q->single->chan->x->ops->stop(q->single->chan);
	free_queues(se);
}
