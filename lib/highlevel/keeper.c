/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread for what is to be done besides requests: forgetting what was
 * remembered long enough, keeping the table small, repeating signals, and
 * saying once that all workers are busy. It sleeps until somebody pokes it or
 * something it knows of is due. Most filesystems never have anything of that
 * kind, so the first poke starts it.
 */
#include "highlevel/hl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session/affinity.h"
#include "session/thread.h"

/* All workers in the same callbacks for so long are worth a line. */
#define BUSY_SECONDS 5
#define MAX_LISTED   512

/* When a program is to ask again for which nothing is due. */
#define CLEAN_AGAIN_SECONDS 60

struct hl_keeper {
	struct fuse *f;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned int users;
	bool running, stop, poked;
	pthread_t thread;

	unsigned int threads; /* that the loop may have; 0 without limit */
	_Atomic bool saturated;
	_Atomic bool complained;
	struct hl_doing *seen; /* when it was */
	size_t seen_count;
	time_t seen_at;
};

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

struct hl_keeper *hl_keeper_new(struct fuse *f)
{
	struct hl_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t attr;

	if (!k)
		return NULL;
	k->f = f;
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->wake, &attr);
	pthread_condattr_destroy(&attr);
	return k;
}

void hl_keeper_free(struct hl_keeper *k)
{
	if (!k)
		return;
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k->seen);
	free(k);
}

/* ---- busy workers ---- */

void hl_keeper_saturated(void *data)
{
	struct hl_keeper *k = data;

	if (atomic_load_explicit(&k->complained, memory_order_relaxed) ||
	    atomic_exchange_explicit(&k->saturated, true, memory_order_relaxed))
		return;
	hl_keeper_poke(k);
}

void hl_keeper_limit(struct hl_keeper *k, unsigned int threads)
{
	k->threads = threads;
}

/* How many of the operations seen then are still there; those stay in seen. */
static size_t still_there(struct hl_keeper *k, struct hl_doing *today, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < k->seen_count; i++) {
		for (size_t j = 0; j < n; j++) {
			if (k->seen[i].slot == today[j].slot && k->seen[i].seq == today[j].seq)
				k->seen[left++] = k->seen[i];
		}
	}
	return left;
}

/* "12 read, 4 getattr" */
static void describe(const struct hl_doing *d, size_t n, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++) {
		size_t same = 0, first = i;

		for (size_t j = 0; j < n; j++) {
			if (d[j].what == d[i].what) {
				same++;
				first = j < first ? j : first;
			}
		}
		if (first == i)
			len += (size_t)snprintf(text + len, size - len, "%s%zu %s", len ? ", " : "",
						same, d[i].what);
	}
}

static void complain(struct hl_keeper *k, size_t n)
{
	char text[512];

	describe(k->seen, n, text, sizeof(text));
	fuse_log(FUSE_LOG_WARNING,
		 "fuse: all %zu worker threads have been in the same callbacks for %d seconds, "
		 "others wait: %s (-o max_threads=N allows more)\n",
		 n, BUSY_SECONDS, text);
	atomic_store_explicit(&k->complained, true, memory_order_relaxed);
}

/* Seconds until it is to be looked at again, or 0. */
static unsigned int watch_workers(struct hl_keeper *k)
{
	struct hl_doing today[MAX_LISTED];
	size_t n, left;

	if (!atomic_load_explicit(&k->saturated, memory_order_relaxed))
		return 0;
	n = hl_table_doing(k->f->table, today, MAX_LISTED);
	if (!k->seen) {
		k->seen = malloc(sizeof(today));
		if (!k->seen)
			return 0;
		memcpy(k->seen, today, n * sizeof(today[0]));
		k->seen_count = n;
		k->seen_at = now();
		return BUSY_SECONDS;
	}
	if (now() - k->seen_at < BUSY_SECONDS)
		return 1;
	left = still_there(k, today, n);
	if (left && left >= k->threads)
		complain(k, left);
	free(k->seen);
	k->seen = NULL;
	atomic_store_explicit(&k->saturated, false, memory_order_relaxed);
	return 0;
}

/* ---- the thread ---- */

static void sooner(unsigned int *wait, unsigned int ms)
{
	if (ms && (!*wait || ms < *wait))
		*wait = ms;
}

/* Returns the milliseconds until there is more, 0 for never. */
static unsigned int work(struct hl_keeper *k)
{
	struct fuse *f = k->f;
	unsigned int wait = 0;

	/* init() may still change what there is to do; then it pokes. */
	if (!atomic_load(&f->started))
		return 0;
	sooner(&wait, hl_table_expire(f->table) * 1000);
	sooner(&wait, hl_intr_again(f) ? 1000 : 0);
	sooner(&wait, watch_workers(k) * 1000);
	sooner(&wait, hl_trim(f));
	return wait;
}

static void sleep_locked(struct hl_keeper *k, unsigned int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!k->stop && !k->poked) {
		if (!ms)
			pthread_cond_wait(&k->wake, &k->lock);
		else if (pthread_cond_timedwait(&k->wake, &k->lock, &until) == ETIMEDOUT)
			break;
	}
	k->poked = false;
}

static void *keep(void *arg)
{
	struct hl_keeper *k = arg;
	struct sess_pin pin = {.pinned = false};

	/* Not on the one CPU of the worker that started it. */
	sess_pin_begin(k->f->se, &pin);
	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		unsigned int ms;

		pthread_mutex_unlock(&k->lock);
		ms = work(k);
		pthread_mutex_lock(&k->lock);
		sleep_locked(k, ms);
	}
	pthread_mutex_unlock(&k->lock);
	sess_pin_end(k->f->se, &pin);
	return NULL;
}

/* If there is work, and somebody who ends it. */
static int run_locked(struct hl_keeper *k)
{
	int err;

	if (k->running || !k->users || !k->poked)
		return 0;
	k->stop = false;
	err = sess_thread_create(&k->thread, "fuse_keeper", keep, k);
	k->running = !err;
	return err;
}

/* Without a thread the next poke tries again. */
void hl_keeper_poke(struct hl_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->poked = true;
	run_locked(k);
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
}

int hl_keeper_start(struct hl_keeper *k)
{
	int err;

	pthread_mutex_lock(&k->lock);
	k->users++;
	err = run_locked(k);
	if (err)
		k->users--;
	pthread_mutex_unlock(&k->lock);
	return err;
}

void hl_keeper_stop(struct hl_keeper *k)
{
	bool last = false;

	pthread_mutex_lock(&k->lock);
	if (k->users && --k->users == 0 && k->running) {
		last = true;
		k->stop = true;
		pthread_cond_signal(&k->wake);
	}
	pthread_mutex_unlock(&k->lock);
	if (!last)
		return;
	pthread_join(k->thread, NULL);
	pthread_mutex_lock(&k->lock);
	k->running = false;
	pthread_mutex_unlock(&k->lock);
}

/* ---- public ---- */

PROFUSE_EXPORT int fuse_start_cleanup_thread(struct fuse *f)
{
	if (f->cfg.remember <= 0)
		return 0;
	if (!hl_keeper_start(f->keeper))
		return 0;
	fuse_log(FUSE_LOG_ERR, "fuse: cannot start the thread that forgets paths\n");
	return -1;
}

PROFUSE_EXPORT void fuse_stop_cleanup_thread(struct fuse *f)
{
	if (f->cfg.remember > 0)
		hl_keeper_stop(f->keeper);
}

PROFUSE_EXPORT int fuse_clean_cache(struct fuse *f)
{
	unsigned int wait = hl_table_expire(f->table);

	return wait ? (int)wait : CLEAN_AGAIN_SECONDS;
}
