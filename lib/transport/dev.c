/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /dev/fuse: one read is one request, one writev is one answer.
 *
 * Waiting is done in poll, never in read, so that a wake-up reaches every
 * worker; while a loop runs, the descriptor is therefore non-blocking. Outside
 * of loops it keeps the mode that the program gave it, because a program that
 * reads requests itself relies on that mode.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "transport/transport.h"

struct dev_chan {
	struct xport_chan chan;
	bool cloned;
};

static int clone_device(int fd)
{
	CLEANUP_CLOSE int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	uint32_t source = (uint32_t)fd;

	if (clone < 0)
		return -errno;
	if (ioctl(clone, FUSE_DEV_IOC_CLONE, &source) < 0)
		return -errno;
	return take_fd(&clone);
}

static int dev_open_chan(struct xport *x, unsigned int index, bool clone, struct xport_chan **out)
{
	CLEANUP_FREE struct dev_chan *c = calloc(1, sizeof(*c));
	int fd;

	if (!c)
		return -ENOMEM;
	c->chan = (struct xport_chan){.x = x, .fd = x->fd, .index = index};
	if (clone && index > 0) {
		fd = clone_device(x->fd);
		if (fd < 0)
			return fd;
		c->chan.fd = fd;
		c->cloned = true;
	}
	*out = &take(c)->chan;
	return 0;
}

static void dev_close_chan(struct xport_chan *chan)
{
	struct dev_chan *c = container_of(chan, struct dev_chan, chan);

	/* Closing a clone ends the requests read through it, so the session
	 * closes channels only when their requests are answered. */
	if (c->cloned)
		close(c->chan.fd);
	free(c);
}

static int dev_read(int fd, struct xport_recv *r)
{
	ssize_t n = read(fd, r->buf, r->cap);

	if (likely(n > 0)) {
		r->slot = NULL;
		return proto_msg_flat(&r->msg, r->buf, (size_t)n) ? 0 : -EPROTO;
	}
	if (n == 0) /* what stands in its place after an unmount */
		return -ENODEV;
	switch (errno) {
	case EAGAIN:
		return -EAGAIN;
	case EINTR:
		return -EINTR;
	case ENOENT: /* the request went away while it was copied */
		return -EAGAIN;
	case ENODEV:
	case ECONNABORTED:
		return -ENODEV;
	default:
		return -errno;
	}
}

static int dev_recv(struct xport_chan *c, struct xport_recv *r, bool wait)
{
	for (;;) {
		int err = wait ? xport_wait(c->x, c->fd) : 0;

		if (err)
			return err;
		err = dev_read(c->fd, r);
		if (err != -EAGAIN || !wait)
			return err;
		/* Another worker took it. */
	}
}

static int dev_send(struct xport_chan *c, void *slot, const struct iovec *iov, int count)
{
	return writev(c->fd, iov, count) < 0 ? -errno : 0;
}

static int dev_notify(struct xport *x, const struct iovec *iov, int count)
{
	return writev(x->fd, iov, count) < 0 ? -errno : 0;
}

static int dev_loop_mode(struct xport *x, bool looping)
{
	return fd_set_nonblock(x->fd, looping);
}

static void dev_free(struct xport *x)
{
	xport_fini(x);
	free(x);
}

static const struct xport_ops dev_ops = {
	.name = "dev",
	.open_chan = dev_open_chan,
	.close_chan = dev_close_chan,
	.recv = dev_recv,
	.send = dev_send,
	.notify = dev_notify,
	.loop_mode = dev_loop_mode,
	.free = dev_free,
};

int xport_dev_new(int fd, struct xport **out)
{
	CLEANUP_FREE struct xport *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	err = xport_init(x, &dev_ops, fd);
	if (err)
		return err;
	x->takes_rings = true;
	x->cheap_look = true;
	*out = take(x);
	return 0;
}
