/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transports over one descriptor that all workers share and whose reads do not
 * divide themselves among them: sockets and functions of the program. */
#ifndef PROFUSE_TRANSPORT_PACKET_H
#define PROFUSE_TRANSPORT_PACKET_H

#include <pthread.h>

#include "transport/transport.h"

struct xport_packet {
	struct xport x;
	/* One reader at a time waits and reads; the others queue here, and
	 * all leave when the connection is woken. */
	pthread_mutex_t read_lock;
	pthread_mutex_t write_lock;
};

int xport_packet_init(struct xport_packet *p, const struct xport_ops *ops, int fd);
void xport_packet_fini(struct xport_packet *p);

/* Channels that carry nothing but their number. */
int xport_packet_open_chan(struct xport *x, unsigned int index, bool clone,
			   struct xport_chan **out);
void xport_packet_close_chan(struct xport_chan *c);

/* The sum of what iov describes. */
size_t xport_iov_size(const struct iovec *iov, int count);

#endif
