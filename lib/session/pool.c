/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The multi-threaded loop.
 *
 * A few workers wait for requests; the others are parked. A worker that takes a
 * request and leaves nobody waiting calls a parked one, or starts a thread while
 * there may be more, so that a callback that blocks holds up nothing. Waiting
 * in small numbers keeps one request from waking a crowd, and parking instead
 * of ending keeps a burst from creating threads that the next lull ends.
 *
 * `waiting` is the only word that workers share on the way of a request; the
 * lock is taken only to park, to call and to start.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "session/affinity.h"
#include "session/loop.h"
#include "session/queues.h"
#include "session/thread.h"
#include "session/worker.h"

/* Parked longer than this, a thread above max_idle_threads ends. */
#define IDLE_SECONDS 10
#define MAX_PLACES   8

struct pool_thread {
	struct pool *pool;
	struct pool_thread *next; /* in pool->threads or pool->ended */
	struct sess_worker *worker;
	pthread_t id;
	unsigned int place; /* where it waited last */
	struct sess_pin pin;
};

struct pool {
	struct fuse_session *se;
	struct sess_loop_params cfg;
	unsigned int place_count;
	unsigned int place_cpu[MAX_PLACES];
	_Atomic uint64_t places CACHE_ALIGNED; /* a bit a place: taken */

	pthread_mutex_t lock CACHE_ALIGNED;
	pthread_cond_t call;
	unsigned int calls; /* parked workers that shall come */
	unsigned int parked;
	unsigned int alive; /* threads that have not decided to end */
	bool stop;
	struct pool_thread *threads; /* running */
	struct pool_thread *ended;   /* to be joined */
};

static int start_thread_locked(struct pool *p);

/* ---- waiting and parking ---- */

/* Its own place if it is free, else any. */
static bool start_waiting(struct pool *p, struct pool_thread *t)
{
	uint64_t taken = atomic_load_explicit(&p->places, memory_order_relaxed);
	unsigned int place = t->place;

	do {
		if (taken & (1ull << place)) {
			place = (unsigned int)__builtin_ctzll(~taken);
			if (place >= p->place_count)
				return false;
		}
	} while (!atomic_compare_exchange_weak(&p->places, &taken, taken | 1ull << place));
	t->place = place;
	sess_pin_wait(p->se, &t->pin, p->place_cpu[place]);
	return true;
}

/* Until called: true, or false if the thread shall end. */
static bool park(struct pool *p)
{
	struct timespec until;
	bool called = false;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	pthread_mutex_lock(&p->lock);
	p->parked++;
	for (;;) {
		if (p->stop)
			break;
		if (p->calls) {
			p->calls--;
			called = true;
			break;
		}
		/* Without a limit nobody needs to wake up to look. */
		if (p->cfg.max_idle_threads == UINT_MAX) {
			pthread_cond_wait(&p->call, &p->lock);
		} else if (pthread_cond_timedwait(&p->call, &p->lock, &until) == ETIMEDOUT) {
			if (p->parked > p->cfg.max_idle_threads && p->alive > 1)
				break;
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_sec += IDLE_SECONDS;
		}
	}
	p->parked--;
	if (!called)
		p->alive--;
	pthread_mutex_unlock(&p->lock);
	return called;
}

/* The caller took the last waiter's place: somebody must follow it. */
static void call_another(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	if (!p->stop) {
		if (p->parked > p->calls) {
			p->calls++;
			pthread_cond_signal(&p->call);
		} else if (p->alive < p->cfg.max_threads) {
			start_thread_locked(p);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

/* ---- the threads ---- */

/* Receives one message and handles it. Until INIT is answered one worker is
 * enough: the peer sends nothing else. */
static int take_one(struct pool *p, struct pool_thread *t)
{
	struct sess_worker *w = t->worker;
	struct xport_recv in;
	bool quick;
	uint64_t left;
	int err;

	err = sess_worker_receive(w, &in, true);
	left = atomic_fetch_and(&p->places, ~(1ull << t->place)) & ~(1ull << t->place);
	if (err)
		return err;
	quick = in.msg.hdr->opcode == FUSE_FORGET || in.msg.hdr->opcode == FUSE_BATCH_FORGET ||
		atomic_load_explicit(&p->se->state, memory_order_relaxed) == SESS_NEW;
	if (left == 0 && !quick)
		call_another(p);
	sess_pin_call(&t->pin);
	sess_dispatch(w, &in, false);
	sess_pin_return(p->se, &t->pin);
	return 0;
}

static void *thread_main(void *arg)
{
	struct pool_thread *t = arg;
	struct pool *p = t->pool;
	struct fuse_session *se = p->se;
	struct pool_thread **link;
	bool parked_out = false;

	sess_pin_begin(se, &t->pin);
	while (!atomic_load_explicit(&se->exited, memory_order_relaxed)) {
		if (!start_waiting(p, t)) {
			if (park(p))
				continue;
			parked_out = true;
			break;
		}
		if (!sess_loop_goes_on(se, take_one(p, t)))
			break;
	}
	sess_pin_end(se, &t->pin);
	pthread_mutex_lock(&p->lock);
	if (!parked_out)
		p->alive--;
	for (link = &p->threads; *link != t; link = &(*link)->next)
		;
	*link = t->next;
	t->next = p->ended;
	p->ended = t;
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void join_ended_locked(struct pool *p)
{
	struct pool_thread *t;

	while ((t = p->ended)) {
		p->ended = t->next;
		/* It has left the lock for good; joining does not wait. */
		pthread_join(t->id, NULL);
		sess_worker_release(t->worker);
		free(t);
	}
}

static int start_thread_locked(struct pool *p)
{
	struct pool_thread *t;
	int err;

	join_ended_locked(p);
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->pool = p;
	t->place = p->alive % p->place_count;
	err = sess_worker_lease(p->se, p->cfg.clone_fd, &t->worker);
	if (err) {
		free(t);
		return err;
	}
	t->next = p->threads;
	p->threads = t;
	p->alive++;
	err = sess_thread_create(&t->id, "fuse_worker", thread_main, t);
	if (err) {
		fuse_log(FUSE_LOG_ERR, "fuse: cannot start a worker thread (error %d)\n", -err);
		p->threads = t->next;
		p->alive--;
		sess_worker_release(t->worker);
		free(t);
	}
	return err;
}

/* ---- the calling thread ---- */

static void wait_for_exit(struct fuse_session *se)
{
	struct pollfd p = {.fd = se->xport->wake_fd, .events = POLLIN};

	while (!atomic_load(&se->exited))
		poll(&p, 1, -1);
}

static void stop_threads(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->call);
	while (p->threads) {
		struct pool_thread *t = p->threads;
		pthread_t id = t->id;

		/* A thread moves itself to `ended` under the lock, so it must
		 * be waited for without it; it is freed only here. */
		pthread_mutex_unlock(&p->lock);
		pthread_join(id, NULL);
		pthread_mutex_lock(&p->lock);
		for (struct pool_thread **l = &p->ended; *l; l = &(*l)->next) {
			if (*l == t) {
				*l = t->next;
				break;
			}
		}
		sess_worker_release(t->worker);
		free(t);
	}
	join_ended_locked(p);
	pthread_mutex_unlock(&p->lock);
}

static void pool_init(struct pool *p, struct fuse_session *se, const struct sess_loop_params *cfg)
{
	pthread_condattr_t attr;

	*p = (struct pool){.se = se, .cfg = *cfg};
	if (p->cfg.max_threads == 0)
		p->cfg.max_threads = 1;
	/* One waiter a CPU finds the request's caller on its own CPU; more
	 * only wake each other. */
	sess_cpus_get(&se->cpus);
	p->place_count = se->cpus.count < MAX_PLACES ? se->cpus.count : MAX_PLACES;
	for (unsigned int i = 0; i < p->place_count; i++)
		p->place_cpu[i] = sess_cpus_nth(&se->cpus, i);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->call, &attr);
	pthread_condattr_destroy(&attr);
}

int sess_loop_mt(struct fuse_session *se, const struct sess_loop_params *cfg)
{
	struct pool *p;
	int err = sess_loop_begin(se);

	if (err)
		return err;
	p = aligned_alloc(_Alignof(struct pool), sizeof(*p));
	if (!p) {
		sess_loop_end(se);
		return -ENOMEM;
	}
	se->loop_kind = SESS_LOOP_MULTI;
	pool_init(p, se, cfg);
	pthread_mutex_lock(&p->lock);
	err = start_thread_locked(p);
	pthread_mutex_unlock(&p->lock);
	if (!err) {
		wait_for_exit(se);
		stop_threads(p);
		sess_queues_end(se);
		err = atomic_load(&se->error);
	}
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->call);
	free(p);
	se->loop_kind = SESS_LOOP_NONE;
	sess_loop_end(se);
	return err;
}
