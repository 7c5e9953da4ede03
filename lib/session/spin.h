/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the single-threaded loop waits.
 *
 * A loop of one thread nearly always waits on another CPU than its callers run
 * on. To go to sleep there and to be woken again costs, on a virtual machine, up
 * to 100 us of both sides' CPU time; to look again and again until the next
 * request is there costs only the time that it takes to come. Which is less
 * depends on the machine and on the callers, so both are measured: the thread's
 * own CPU clock is read once in a block of requests, a short trial of the other
 * way is made from time to time, and looking again is kept up only while it
 * does not cost more CPU than sleeping. It is given up after a moment without
 * a request, so an idle loop uses no CPU, and it yields, so a caller on the
 * same CPU is not held up.
 */
#ifndef PROFUSE_SESSION_SPIN_H
#define PROFUSE_SESSION_SPIN_H

#include "session/session.h"

enum spin_way { SPIN_SLEEP, SPIN_LOOK };

/* The loop's notes; see sess_spin_begin(). */
struct sess_spin {
	bool allowed;
	enum spin_way way;   /* of this block */
	unsigned int length; /* requests in it */
	unsigned int left;   /* of them, still to come */
	unsigned int blocks; /* until the other way is tried */
	uint64_t cpu_from;   /* the thread's clock when it began */
	uint64_t cost[2];    /* ns of CPU a request, 0 while unknown */
};

void sess_spin_begin(struct sess_spin *s, const struct xport *x);

/* Receives and handles one message, as sess_worker_step(w, true). */
int sess_spin_step(struct sess_spin *s, struct sess_worker *w);

/* For tests: what follows a block whose requests cost `ns` each. */
void sess_spin_decide(struct sess_spin *s, uint64_t ns);

#endif
