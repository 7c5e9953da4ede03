/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of the ring transport; see rings.h. */
#ifndef PROFUSE_TRANSPORT_RING_CHAN_H
#define PROFUSE_TRANSPORT_RING_CHAN_H

#include <liburing.h>
#include <pthread.h>

#include "transport/rings.h"
#include "transport/transport.h"

/* What the kernel fills and reads beside the payload (protocol: 288 bytes). */
struct ring_header {
	unsigned char in_out[128]; /* in header of a request, out header of an answer */
	unsigned char op_in[128];  /* the fixed argument */
	struct fuse_uring_ent_in_out entry;
};
static_assert(sizeof(struct ring_header) == 288, "layout of fuse_uring_req_header");

/* cmd_op of the command */
#define RING_CMD_REGISTER	  1
#define RING_CMD_COMMIT_AND_FETCH 2

struct ring_chan;

struct ring_entry {
	struct ring_chan *chan;
	struct ring_header *header;
	void *payload;
	struct iovec iov[2];
	uint64_t commit_id;
	uint16_t qid;
	bool data_in_payload;	 /* the request's data stands there */
	struct ring_entry *next; /* in chan->answered */
};

struct rings {
	struct xport x;
	struct xport *dev;
	struct xport_rings_cfg cfg;
	/* Kernels of the first ring releases do not like two threads to
	 * register their first entries at once. */
	pthread_mutex_t register_lock;
};

struct ring_chan {
	struct xport_chan chan;
	struct rings *rings;
	struct xport_chan *dev_chan; /* only of the channel that serves all */
	struct io_uring ring;
	bool ring_ready;
	bool registered;
	bool kick_armed, wake_armed, dev_armed;
	unsigned int count; /* entries */
	struct ring_entry *entries;
	void *memory;
	size_t memory_size;
	int kick_fd; /* eventfd: look at `answered` */

	/* Answers given by other threads. A pusher that finds the owner asleep
	 * kicks it; both sides use seq_cst, so that either the owner sees the
	 * entry before it sleeps or the pusher sees it asleep. */
	_Atomic(struct ring_entry *) answered;
	_Atomic bool asleep;
};

int xport_ring_recv(struct xport_chan *chan, struct xport_recv *r, bool wait);
int xport_ring_send(struct xport_chan *chan, void *slot, const struct iovec *iov, int count);
void *xport_ring_body(struct xport_chan *chan, void *slot, size_t *cap);
void xport_ring_done(struct xport_chan *chan, void *slot);
void xport_ring_flush(struct xport_chan *chan);
void xport_ring_stop(struct xport_chan *chan);

#endif
