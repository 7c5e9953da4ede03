/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The threads of the multi-threaded loop: places, parking, beginning and end.
 * How it is meant stands in pool.h. */
#include "session/pool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "session/loop.h"
#include "session/queues.h"
#include "session/thread.h"
#include "session/worker.h"

/* Parked longer than this, a thread above max_idle_threads ends. */
#define IDLE_SECONDS 10

static int start_thread_locked(struct sess_pool *p);

/* ---- waiting and parking ---- */

/* Its own place if it is free, else any. */
static bool start_waiting(struct sess_pool *p, struct pool_thread *t)
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
	t->pin.width = sess_place_width(p->se->cpus.count, p->place_count, place);
	sess_pin_wait(p->se, &t->pin, p->place_cpu[place]);
	return true;
}

/* Until called: true, or false if the thread shall end. */
static bool park(struct sess_pool *p)
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
		} else if (pthread_cond_timedwait(&p->call, &p->lock, &until) == ETIMEDOUT &&
			   !p->calls) {
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

bool sess_pool_call_locked(struct sess_pool *p)
{
	if (p->stop)
		return true;
	if (p->parked > p->calls) {
		p->calls++;
		pthread_cond_signal(&p->call);
		return true;
	}
	if (p->alive < p->cfg.max_threads && start_thread_locked(p) == 0)
		return true;
	if (p->se->saturated)
		p->se->saturated(p->se->saturated_data);
	return false;
}

void sess_pool_wake_watch(struct sess_pool *p)
{
	uint64_t one = 1;

	/* seq_cst, see sess_pool_watch(). */
	if (atomic_load(&p->watched) || atomic_exchange(&p->watched, true))
		return;
	if (write(p->watch_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: it is readable */
	}
}

unsigned int sess_pool_max_threads(const struct sess_pool *p)
{
	return p->cfg.max_threads;
}

/* The calling worker left all places empty. */
static void places_are_empty(struct sess_pool *p)
{
	if (atomic_load_explicit(&p->slow, memory_order_relaxed)) {
		pthread_mutex_lock(&p->lock);
		sess_pool_call_locked(p);
		pthread_mutex_unlock(&p->lock);
	}
	sess_pool_wake_watch(p);
}

/* After INIT, when requests may come from every CPU. */
static void fill_places(struct sess_pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (!p->stop && p->alive < p->place_count && p->alive < p->cfg.max_threads &&
	       start_thread_locked(p) == 0)
		;
	pthread_mutex_unlock(&p->lock);
}

/* ---- the threads ---- */

static bool is_quick(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_INIT;
}

static int take_one(struct sess_pool *p, struct pool_thread *t)
{
	struct xport_recv in;
	uint64_t mine = 1ull << t->place, left;
	uint32_t opcode;
	int err;

	err = sess_worker_receive(t->worker, &in, true);
	left = atomic_fetch_and(&p->places, ~mine) & ~mine;
	if (err)
		return err;
	opcode = in.msg.hdr->opcode;
	atomic_store_explicit(&t->opcode, opcode, memory_order_relaxed);
	atomic_store_explicit(&t->calls, t->own_calls + 1, memory_order_relaxed);
	if (left == 0 && !is_quick(opcode))
		places_are_empty(p);
	sess_pin_call(&t->pin);
	sess_dispatch(t->worker, &in, false);
	sess_pin_return(p->se, &t->pin);
	t->own_calls += 2;
	atomic_store_explicit(&t->calls, t->own_calls, memory_order_relaxed);
	if (unlikely(opcode == FUSE_INIT))
		fill_places(p);
	return 0;
}

static void *thread_main(void *arg)
{
	struct pool_thread *t = arg;
	struct sess_pool *p = t->pool;
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

static void join_ended_locked(struct sess_pool *p)
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

static int start_thread_locked(struct sess_pool *p)
{
	struct pool_thread *t;
	int err;

	join_ended_locked(p);
	t = aligned_alloc(_Alignof(struct pool_thread), sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct pool_thread){.pool = p};
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

static void stop_threads(struct sess_pool *p)
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

static int pool_init(struct sess_pool *p, struct fuse_session *se,
		     const struct sess_loop_params *cfg)
{
	pthread_condattr_t attr;

	*p = (struct sess_pool){.se = se, .cfg = *cfg};
	if (p->cfg.max_threads == 0)
		p->cfg.max_threads = 1;
	p->watch_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->watch_fd < 0)
		return -errno;
	sess_cpus_get(&se->cpus);
	p->place_count = se->cpus.count < POOL_MAX_PLACES ? se->cpus.count : POOL_MAX_PLACES;
	for (unsigned int i = 0; i < p->place_count; i++)
		p->place_cpu[i] = sess_cpus_nth(
			&se->cpus, sess_place_first(se->cpus.count, p->place_count, i));
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->call, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

static void pool_fini(struct sess_pool *p)
{
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->call);
	close(p->watch_fd);
}

static int run(struct sess_pool *p)
{
	int err;

	pthread_mutex_lock(&p->lock);
	err = start_thread_locked(p);
	pthread_mutex_unlock(&p->lock);
	if (err)
		return err;
	/* A loop that is entered again, after the handshake. */
	if (atomic_load(&p->se->state) == SESS_RUNNING) {
		fill_places(p);
		err = sess_queues_resume(p->se);
		if (err)
			sess_exit(p->se, err);
	}
	sess_pool_watch(p);
	stop_threads(p);
	sess_queues_end(p->se);
	return atomic_load(&p->se->error);
}

int sess_loop_mt(struct fuse_session *se, const struct sess_loop_params *cfg)
{
	struct sess_pool *p;
	int err = sess_loop_begin(se);

	if (err)
		return err;
	p = aligned_alloc(_Alignof(struct sess_pool), sizeof(*p));
	err = p ? pool_init(p, se, cfg) : -ENOMEM;
	if (!err) {
		se->loop_kind = SESS_LOOP_MULTI;
		se->pool = p;
		err = run(p);
		se->loop_kind = SESS_LOOP_NONE;
		se->pool = NULL;
		pool_fini(p);
	}
	free(p);
	sess_loop_end(se);
	return err;
}
