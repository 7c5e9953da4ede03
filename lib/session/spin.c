/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sleeping or looking again; the idea stands in spin.h. */
#include "session/spin.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session/worker.h"

/* How long one looks. A caller that was just answered needs to wake up first,
 * which may take tens of microseconds. */
#define LOOK_NS 100000
/* Requests that are judged together, and those of a trial. */
#define BLOCK 64
#define TRIAL 16
/* Blocks between trials. So a trial of the worse way costs little: a sixtieth of
 * the requests, at twice or thrice the price. */
#define TRIAL_EVERY 16

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void begin_block(struct sess_spin *s, enum spin_way way, unsigned int requests)
{
	s->way = way;
	s->length = s->left = requests;
}

void sess_spin_begin(struct sess_spin *s, const struct xport *x)
{
	const char *text = getenv("PROFUSE_SPINNING");

	*s = (struct sess_spin){.allowed = x->cheap_look};
	if (text && (strcmp(text, "off") == 0 || strcmp(text, "0") == 0))
		s->allowed = false;
	begin_block(s, SPIN_SLEEP, TRIAL);
	s->cpu_from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void sess_spin_decide(struct sess_spin *s, uint64_t ns)
{
	enum spin_way other = s->way == SPIN_LOOK ? SPIN_SLEEP : SPIN_LOOK;
	enum spin_way better;

	s->cost[s->way] = ns;
	if (!s->cost[other] || s->blocks == 0) {
		s->blocks = TRIAL_EVERY;
		begin_block(s, other, TRIAL);
		return;
	}
	s->blocks--;
	better = s->cost[SPIN_LOOK] <= s->cost[SPIN_SLEEP] ? SPIN_LOOK : SPIN_SLEEP;
	begin_block(s, better, BLOCK);
}

static void note_request(struct sess_spin *s)
{
	uint64_t now;

	if (--s->left)
		return;
	now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	sess_spin_decide(s, (now - s->cpu_from) / s->length);
	s->cpu_from = now;
}

int sess_spin_step(struct sess_spin *s, struct sess_worker *w)
{
	uint64_t until;
	int err = -EAGAIN;

	if (!s->allowed)
		return sess_worker_step(w, true);
	if (s->way == SPIN_LOOK) {
		until = clock_ns(CLOCK_MONOTONIC) + LOOK_NS;
		/* Whoever was told to end takes no other request. */
		while (!atomic_load_explicit(&w->se->exited, memory_order_relaxed) &&
		       (err = sess_worker_step(w, false)) == -EAGAIN &&
		       clock_ns(CLOCK_MONOTONIC) < until)
			sched_yield();
	}
	if (err == -EAGAIN)
		err = sess_worker_step(w, true);
	if (!err)
		note_request(s);
	return err;
}
