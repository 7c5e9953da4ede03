/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/affinity.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/worker.h"

/* One callback in so many is timed; a power of two. */
#define SAMPLE_EVERY 16
/* Callbacks slower than SLOW on average are not worth pinning for: the wake-up
 * that pinning saves costs 20 to 110 us. Below FAST they are again; the gap keeps
 * a worker from changing its mind with every sample. */
#define SLOW_NS 60000u
#define FAST_NS 30000u
/* Smoothing: each sample moves the average by an eighth. */
#define SMOOTH 8
/* How often one looks for threads that callbacks started; in callbacks. */
#define STRANGERS_EVERY 1024

void sess_cpus_get(struct sess_cpus *cpus)
{
	const char *wish = getenv("PROFUSE_PINNING");

	cpus->unpinned = wish && (strcmp(wish, "off") == 0 || strcmp(wish, "0") == 0);
	CPU_ZERO(&cpus->mask);
	cpus->count = 1;
	if (sched_getaffinity(0, sizeof(cpus->mask), &cpus->mask) == 0) {
		cpus->count = (unsigned int)CPU_COUNT(&cpus->mask);
	} else {
		/* A kernel for more than CPU_SETSIZE CPUs: nothing is pinned. */
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		if (online > 0)
			cpus->count = (unsigned int)online;
	}
}

unsigned int sess_cpus_nth(const struct sess_cpus *cpus, unsigned int n)
{
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &cpus->mask) && n-- == 0)
			return cpu;
	}
	return 0;
}

/* ---- our threads, and others ---- */

static bool is_ours_locked(const struct sess_threads *t, pid_t tid)
{
	for (unsigned int i = 0; i < t->count; i++) {
		if (t->tids[i] == tid)
			return true;
	}
	return false;
}

void sess_pin_begin(struct fuse_session *se, struct sess_pin *p)
{
	struct sess_threads *t = &se->threads;
	pid_t *grown;

	/* Who started this thread may have been pinned. */
	if (CPU_COUNT(&se->cpus.mask) > 1)
		sched_setaffinity(0, sizeof(se->cpus.mask), &se->cpus.mask);
	pthread_mutex_lock(&t->lock);
	grown = realloc(t->tids, (t->count + 1) * sizeof(*grown));
	if (grown) {
		t->tids = grown;
		t->tids[t->count++] = gettid();
	}
	pthread_mutex_unlock(&t->lock);
}

void sess_pin_end(struct fuse_session *se, struct sess_pin *p)
{
	struct sess_threads *t = &se->threads;
	pid_t tid = gettid();

	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < t->count; i++) {
		if (t->tids[i] == tid)
			t->tids[i] = t->tids[--t->count];
	}
	pthread_mutex_unlock(&t->lock);
}

/* A mask of one CPU on a thread that is not ours was inherited from a pinned
 * worker. (Or the program wants it so; then it finds its thread moved once.) */
static void release_strangers_locked(struct fuse_session *se)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *d;

	if (!dir)
		return;
	while ((d = readdir(dir))) {
		pid_t tid = (pid_t)strtol(d->d_name, NULL, 10);
		cpu_set_t mask;

		if (tid <= 0 || is_ours_locked(&se->threads, tid))
			continue;
		if (sched_getaffinity(tid, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) == 1)
			sched_setaffinity(tid, sizeof(se->cpus.mask), &se->cpus.mask);
	}
	closedir(dir);
}

/* The directory of a process's threads has a link for each. */
static void look_for_strangers(struct fuse_session *se)
{
	struct stat st;

	if (stat("/proc/self/task", &st) < 0)
		return;
	pthread_mutex_lock(&se->threads.lock);
	if (st.st_nlink > se->threads.seen) {
		release_strangers_locked(se);
	}
	se->threads.seen = st.st_nlink;
	pthread_mutex_unlock(&se->threads.lock);
}

/* ---- pinning ---- */

static void unpin(struct fuse_session *se, struct sess_pin *p)
{
	if (!p->pinned)
		return;
	sched_setaffinity(0, sizeof(se->cpus.mask), &se->cpus.mask);
	p->pinned = false;
}

void sess_pin_wait(struct fuse_session *se, struct sess_pin *p, unsigned int cpu)
{
	cpu_set_t mask;

	if (likely(p->pinned && p->cpu == cpu))
		return;
	p->cpu = cpu;
	/* One CPU leaves nothing to choose; a slow worker is left alone. */
	if (se->cpus.count < 2 || se->cpus.unpinned || p->average_ns > FAST_NS ||
	    cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &se->cpus.mask) ||
	    atomic_load_explicit(&se->state, memory_order_relaxed) != SESS_RUNNING)
		return;
	CPU_ZERO(&mask);
	CPU_SET(cpu, &mask);
	for (unsigned int left = p->width; left > 1 && ++cpu < CPU_SETSIZE;) {
		if (CPU_ISSET(cpu, &se->cpus.mask)) {
			CPU_SET(cpu, &mask);
			left--;
		}
	}
	p->pinned = sched_setaffinity(0, sizeof(mask), &mask) == 0;
}

void sess_pin_call(struct sess_pin *p)
{
	p->sampling = p->calls++ % SAMPLE_EVERY == 0;
	if (unlikely(p->sampling))
		clock_gettime(CLOCK_MONOTONIC, &p->from);
}

void sess_pin_return(struct fuse_session *se, struct sess_pin *p)
{
	struct timespec to;
	int64_t took, average = (int64_t)p->average_ns;

	if (likely(!p->sampling))
		return;
	clock_gettime(CLOCK_MONOTONIC, &to);
	took = (to.tv_sec - p->from.tv_sec) * 1000000000ll + (to.tv_nsec - p->from.tv_nsec);
	p->average_ns = (uint64_t)(average + (took - average) / SMOOTH);
	if (p->average_ns > SLOW_NS)
		unpin(se, p);
	if (p->calls % STRANGERS_EVERY == 1 && p->pinned)
		look_for_strangers(se);
}
