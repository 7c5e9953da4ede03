/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The multi-threaded loop.
 *
 * There are as many places to wait for requests as there are CPUs, or
 * POOL_MAX_PLACES with several CPUs each, and a worker in a place is pinned to the
 * place's. A worker that took a request comes
 * back to a place, its own if nobody took it; who finds all of them taken
 * parks.
 *
 * Callbacks that block leave places empty, and somebody has to fill them. To
 * notice at every request would have workers wake each other in vain, for most
 * callbacks are over before a replacement arrives. So the thread that called
 * the loop watches, at times when all places are empty (pool_watch.c): a worker
 * that is still in the callback it was in a tick before is replaced. Where
 * callbacks are known to be slow, whoever takes the last place calls a
 * replacement at once.
 *
 * Parking instead of ending keeps a burst from creating threads that the next
 * lull ends.
 */
#ifndef PROFUSE_SESSION_POOL_H
#define PROFUSE_SESSION_POOL_H

#include "session/affinity.h"
#include "session/session.h"

/* More waiters than this wake each other more than they help. */
#define POOL_MAX_PLACES 8

struct pool_thread {
	struct sess_pool *pool;
	struct pool_thread *next; /* in pool->threads or pool->ended */
	struct sess_worker *worker;
	pthread_t id;
	unsigned int place; /* where it waited last */
	struct sess_pin pin;
	unsigned int own_calls;	    /* as below, by the thread itself */
	unsigned int watched_calls; /* pool_watch.c: as last seen */

	/* Written by the thread, read by the watcher. */
	_Atomic unsigned int calls CACHE_ALIGNED; /* odd while in a callback */
	_Atomic uint32_t opcode;		  /* of the last one */
};

struct sess_pool {
	struct fuse_session *se;
	struct sess_loop_params cfg;
	unsigned int place_count;
	unsigned int place_cpu[POOL_MAX_PLACES];
	int watch_fd; /* eventfd: look */

	_Atomic uint64_t places CACHE_ALIGNED; /* a bit a place: taken */

	/* Read at every request that empties the places, written rarely. */
	_Atomic bool watched CACHE_ALIGNED; /* the watcher is awake */
	_Atomic bool slow;		    /* callbacks block here */

	pthread_mutex_t lock CACHE_ALIGNED;
	pthread_cond_t call;
	unsigned int calls; /* parked workers that shall come */
	unsigned int parked;
	unsigned int alive; /* threads that have not decided to end */
	bool stop;
	struct pool_thread *threads; /* running */
	struct pool_thread *ended;   /* to be joined */
};

/* Brings a parked worker back, or starts a thread if there may be more. False
 * if neither is possible. */
bool sess_pool_call_locked(struct sess_pool *p);

/* A worker left nobody waiting: the watch shall have a look. Cheap while it is
 * awake. Any thread. */
void sess_pool_wake_watch(struct sess_pool *p);

unsigned int sess_pool_max_threads(const struct sess_pool *p);

/* Watches until the session exits; on the thread that called the loop. */
void sess_pool_watch(struct sess_pool *p);

#endif
