/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transport/packet.h"

#include <errno.h>
#include <stdlib.h>

int xport_packet_init(struct xport_packet *p, const struct xport_ops *ops, int fd)
{
	int err = xport_init(&p->x, ops, fd);

	if (err)
		return err;
	pthread_mutex_init(&p->read_lock, NULL);
	pthread_mutex_init(&p->write_lock, NULL);
	return 0;
}

void xport_packet_fini(struct xport_packet *p)
{
	pthread_mutex_destroy(&p->read_lock);
	pthread_mutex_destroy(&p->write_lock);
	xport_fini(&p->x);
}

int xport_packet_open_chan(struct xport *x, unsigned int index, bool clone, struct xport_chan **out)
{
	struct xport_chan *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct xport_chan){.x = x, .fd = x->fd, .index = index};
	*out = c;
	return 0;
}

void xport_packet_close_chan(struct xport_chan *c)
{
	free(c);
}

size_t xport_iov_size(const struct iovec *iov, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += iov[i].iov_len;
	return size;
}
