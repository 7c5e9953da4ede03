/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuse-over-io_uring: beside the device, which stays for INIT, forgets,
 * interrupts and notifications, the kernel puts requests of a CPU into entries
 * of that CPU's queue. An entry has a place for the header and the argument and
 * one for the payload; the answer is written into the same place, and one
 * command both hands it over and asks for the entry's next request.
 *
 * Accepting the flag at INIT blocks every request until each queue has an entry
 * registered. Therefore all that can fail (rings, memory, threads) is done
 * before INIT is answered, and registering after.
 *
 * An entry that waits is bound to a thread: only there does the kernel fill it,
 * and only while the thread is inside its ring. A request in the entry of a
 * thread that is busy in a callback would wait for that callback. Therefore:
 *
 * - A queue's thread has at most one entry waiting, and none while it runs a
 *   callback. Requests that come meanwhile wait in the kernel, and the thread's
 *   answer fetches the next of them.
 * - A request that is still unanswered when its callback returns keeps its
 *   entry. Its thread then stands by without one.
 * - What a queue needs beyond its threads' entries the clerk lends: a thread
 *   that runs no callbacks and thus always takes what comes. It gives requests
 *   to threads that stand by, or has new ones started, and they keep the entry
 *   unless enough of them have one. Which queues need it shows when no entry is left and the last
 * request is not answered at once.
 */
#ifndef PROFUSE_TRANSPORT_RINGS_H
#define PROFUSE_TRANSPORT_RINGS_H

#include "transport/transport.h"

struct xport_rings_cfg {
	unsigned int queues; /* possible CPUs; the kernel wants one each */
	unsigned int depth;  /* entries of a queue at the start */
	size_t payload;	     /* bytes of an entry's payload buffer */
	/* Threads of a queue that keep the entry of a request which they were
	 * given; others give it back to the clerk and stand by again. */
	unsigned int owners;
};

/* The number of queues that the kernel expects: CPUs that could ever be, not
 * those that are there. */
unsigned int xport_rings_queues(void);

/* The same from the kernel's list of them, as "0-3,8"; 0 if it is none. */
unsigned int xport_rings_count(const char *list);

/* The payload size that the kernel demands for these INIT values. */
size_t xport_rings_payload(const struct fuse_init_out *out);

/* A depth between 1 and `wanted` so that all queues together stay within `cap`
 * bytes; 0 if not even one entry each does. */
unsigned int xport_rings_depth(unsigned int queues, unsigned int wanted, size_t payload,
			       size_t cap);

/*
 * Channel numbers for open_chan: a queue's, with an entry of its own or (plus
 * BARE) one that begins by standing by; the clerk; or one that serves all
 * queues and the device on one thread. The clerk or ALL comes first.
 */
#define XPORT_RINGS_BARE  0x10000u
#define XPORT_RINGS_CLERK 0x20000u
#define XPORT_RINGS_ALL	  0x30000u

/*
 * A transport over the rings of dev's connection. dev must outlive it.
 * open_chan builds the ring and the memory; its channel must be received from
 * by the thread that opened it, and registers with the first recv. Answers may
 * come from any thread.
 */
PROFUSE_NODISCARD int xport_rings_new(struct xport *dev, const struct xport_rings_cfg *cfg,
				      struct xport **out);

/* Before the first recv of the clerk or ALL: it shall lend this queue so many
 * entries from the beginning. 0 or -ENOMEM. */
PROFUSE_NODISCARD int xport_rings_lend(struct xport_chan *lender, unsigned int queue,
				       unsigned int count);

/*
 * For a flag that is accepted before there are threads: what is needed to take it
 * back. After withdrawing the kernel uses the device; possible until a request
 * came over a ring. 0 or -errno.
 */
PROFUSE_NODISCARD int xport_rings_promise(struct xport *x);
void xport_rings_withdraw(struct xport *x);
void xport_rings_keep_promise(struct xport *x);

/* Have requests come over the rings yet? */
bool xport_rings_served(const struct xport *x);

/* The clerk's life. Returns 0 when a request of queue *queue waits for a thread
 * and none stands by, or as recv. */
int xport_rings_clerk(struct xport_chan *clerk, unsigned int *queue);

/* Makes the clerk return -ECANCELED. It does not heed xport_wake(), so that it
 * can send the last answers. Any thread. */
void xport_rings_end(struct xport *x);

/* A thread's callback goes on for long: if it has answered its request, the
 * answer is sent now. Any thread. */
bool xport_rings_hurry(struct xport_chan *thread);

/* Entries of the queue that wait for a request. */
int xport_rings_ready(const struct xport *x, unsigned int queue);

/* Does a request of the queue wait for a thread? */
bool xport_rings_backlog(const struct xport *x, unsigned int queue);

/* This queue's threads are stuck, or a loop begins on a connection that had one
 * before: it shall get an entry, and requests that wait in the kernel shall be
 * fetched. Any thread. */
void xport_rings_rescue(struct xport *x, unsigned int queue);

const struct xport_rings_cfg *xport_rings_cfg(const struct xport *x);

/* Threads of queues, and entries, at present; and whether the kernel refused them after all and
 * sends requests to the device. */
unsigned int xport_rings_threads(const struct xport *x);
unsigned int xport_rings_entries(const struct xport *x);
bool xport_rings_refused(const struct xport *x);

#endif
