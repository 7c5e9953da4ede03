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
 */
#ifndef PROFUSE_TRANSPORT_RINGS_H
#define PROFUSE_TRANSPORT_RINGS_H

#include "transport/transport.h"

struct xport_rings_cfg {
	unsigned int queues; /* possible CPUs; the kernel wants one each */
	unsigned int depth;  /* entries of a queue */
	size_t payload;	     /* bytes of an entry's payload buffer */
};

/* The number of queues that the kernel expects: CPUs that could ever be, not
 * those that are there. */
unsigned int xport_rings_queues(void);

/* The payload size that the kernel demands for these INIT values. */
size_t xport_rings_payload(const struct fuse_init_out *out);

/* A depth between 1 and `wanted` so that all queues together stay within `cap`
 * bytes; 0 if not even one entry each does. */
unsigned int xport_rings_depth(unsigned int queues, unsigned int wanted, size_t payload,
			       size_t cap);

/* Channel numbers for open_chan: a queue's, or this one, which serves all
 * queues and the device on one thread. */
#define XPORT_RINGS_ALL UINT32_MAX

/*
 * A transport over the rings of dev's connection. dev must outlive it.
 * open_chan builds the ring and the memory; its channel must be received from
 * by the thread that opened it, and registers with the first recv. Answers may
 * come from any thread.
 */
PROFUSE_NODISCARD int xport_rings_new(struct xport *dev, const struct xport_rings_cfg *cfg,
				      struct xport **out);

/* Bytes of memory that the queues take. */
size_t xport_rings_memory(const struct xport *x);

#endif
