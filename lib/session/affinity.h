/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which CPU a worker runs on.
 *
 * Half of a request's time is waking the other side, and waking a thread on
 * the caller's own CPU is several times cheaper than waking one elsewhere. So
 * workers wait pinned, one a CPU. Three rules keep that from doing harm:
 *
 * - Nothing is pinned before INIT is answered: init() is where filesystems
 *   start threads, which inherit the mask of their creator.
 * - A worker whose callbacks take long (they compute, or wait for a disk, a
 *   network, a child) is not pinned: then the scheduler's choice is worth more
 *   than the wake-up, and what the callback starts may run anywhere.
 * - A thread that a callback started nevertheless while pinned gets the
 *   program's mask back, soon after it appears.
 */
#ifndef PROFUSE_SESSION_AFFINITY_H
#define PROFUSE_SESSION_AFFINITY_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "session/session.h"

/* A thread's part; zero at first. */
struct sess_pin {
	bool pinned;
	unsigned int cpu;     /* that it wants, or is pinned to */
	unsigned int width;   /* this one and so many - 1 that follow; 0 is 1 */
	unsigned int calls;   /* callbacks, counted for sampling */
	uint64_t average_ns;  /* of the sampled ones, smoothed */
	struct timespec from; /* start of the one being sampled */
	bool sampling;
};

/* The calling thread's mask, which all workers inherit, and whether the user wants
 * them pinned (PROFUSE_PINNING=off says no). */
void sess_cpus_get(struct sess_cpus *cpus);

/* The number of the n-th CPU of the mask (n < count). */
unsigned int sess_cpus_nth(const struct sess_cpus *cpus, unsigned int n);

/* Where there are more CPUs than places, a place has several, neighbours, which
 * mostly share a cache: from the first on, `width` many. Places differ in width by
 * one at most and cover all CPUs. */
static inline unsigned int sess_place_first(unsigned int cpus, unsigned int places,
					    unsigned int place)
{
	return (unsigned int)((uint64_t)cpus * place / places);
}

static inline unsigned int sess_place_width(unsigned int cpus, unsigned int places,
					    unsigned int place)
{
	return sess_place_first(cpus, places, place + 1) - sess_place_first(cpus, places, place);
}

/* The calling thread is a worker of this session and may be pinned. Its tid is
 * remembered until sess_pin_end(). */
void sess_pin_begin(struct fuse_session *se, struct sess_pin *p);
void sess_pin_end(struct fuse_session *se, struct sess_pin *p);

/* Before waiting for a request on `cpu`. */
void sess_pin_wait(struct fuse_session *se, struct sess_pin *p, unsigned int cpu);

/* Around a callback. */
void sess_pin_call(struct sess_pin *p);
void sess_pin_return(struct fuse_session *se, struct sess_pin *p);

#endif
