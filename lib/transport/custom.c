/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions of the program in place of read and writev on the device. Their
 * contract: one read returns one request, one writev takes one answer. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "transport/packet.h"

struct custom {
	struct xport_packet p;
	struct xport_custom_io io;
	void *userdata;
};

struct custom_chan {
	struct xport_chan chan;
	bool cloned;
};

static struct custom *custom_of(struct xport *x)
{
	return container_of(x, struct custom, p.x);
}

static int custom_open_chan(struct xport *x, unsigned int index, bool clone,
			    struct xport_chan **out)
{
	struct custom *cu = custom_of(x);
	CLEANUP_FREE struct custom_chan *c = calloc(1, sizeof(*c));
	int fd;

	if (!c)
		return -ENOMEM;
	c->chan = (struct xport_chan){.x = x, .fd = x->fd, .index = index};
	if (clone && index > 0 && cu->io.clone_fd) {
		fd = cu->io.clone_fd(x->fd);
		if (fd < 0)
			return fd < -1 ? fd : -EIO;
		c->chan.fd = fd;
		c->cloned = true;
	}
	*out = &take(c)->chan;
	return 0;
}

static void custom_close_chan(struct xport_chan *chan)
{
	struct custom_chan *c = container_of(chan, struct custom_chan, chan);

	if (c->cloned)
		close(chan->fd);
	free(c);
}

/* The program's read may be one that waits. */
static int is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 0 ? -EAGAIN : 0;
}

static int custom_recv(struct xport_chan *c, struct xport_recv *r, bool wait)
{
	struct custom *cu = custom_of(c->x);
	ssize_t n = 0;
	int err;

	pthread_mutex_lock(&cu->p.read_lock);
	err = wait ? xport_wait(c->x, c->fd) : is_readable(c->fd);
	if (!err) {
		/* Programs return -1 with errno or the negative errno itself. */
		errno = 0;
		n = cu->io.read(c->fd, r->buf, r->cap, cu->userdata);
		if (n < 0)
			err = errno ? -errno : (int)n;
		else if (n == 0)
			err = -ENODEV;
	}
	pthread_mutex_unlock(&cu->p.read_lock);
	if (err == -EAGAIN && wait)
		return -EINTR;
	if (err)
		return err == -ECONNABORTED || err == -ECONNRESET ? -ENODEV : err;
	r->slot = NULL;
	if ((size_t)n > r->cap)
		return -EPROTO;
	return proto_msg_flat(&r->msg, r->buf, (size_t)n) ? 0 : -EPROTO;
}

static int custom_write(struct custom *cu, int fd, const struct iovec *iov, int count)
{
	ssize_t n;

	errno = 0;
	n = cu->io.writev(fd, (struct iovec *)iov, count, cu->userdata);
	if (n < 0)
		return errno ? -errno : (int)n;
	return (size_t)n == xport_iov_size(iov, count) ? 0 : -EIO;
}

static int custom_send(struct xport_chan *c, void *slot, const struct iovec *iov, int count)
{
	return custom_write(custom_of(c->x), c->fd, iov, count);
}

static int custom_notify(struct xport *x, const struct iovec *iov, int count)
{
	return custom_write(custom_of(x), x->fd, iov, count);
}

static void custom_free(struct xport *x)
{
	struct custom *cu = custom_of(x);

	xport_packet_fini(&cu->p);
	free(cu);
}

static const struct xport_ops custom_ops = {
	.name = "custom",
	.open_chan = custom_open_chan,
	.close_chan = custom_close_chan,
	.recv = custom_recv,
	.send = custom_send,
	.notify = custom_notify,
	.free = custom_free,
};

int xport_custom_new(int fd, const struct xport_custom_io *io, void *userdata, struct xport **out)
{
	CLEANUP_FREE struct custom *cu = calloc(1, sizeof(*cu));
	int err;

	if (!cu)
		return -ENOMEM;
	cu->io = *io;
	cu->userdata = userdata;
	err = xport_packet_init(&cu->p, &custom_ops, fd);
	if (err)
		return err;
	cu->p.x.borrowed = true;
	*out = &take(cu)->p.x;
	return 0;
}
