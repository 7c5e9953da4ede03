/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all transports share: the wake-up descriptor and waiting with it. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transport/transport.h"

int xport_init(struct xport *x, const struct xport_ops *ops, int fd)
{
	x->ops = ops;
	x->fd = fd;
	x->borrowed = false;
	atomic_init(&x->woken, false);
	x->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return x->wake_fd < 0 ? -errno : 0;
}

void xport_fini(struct xport *x)
{
	if (x->fd >= 0 && !x->borrowed)
		close(x->fd);
	if (x->wake_fd >= 0)
		close(x->wake_fd);
}

void xport_wake(struct xport *x)
{
	int saved = errno;
	uint64_t one = 1;

	/* The flag first: a waiter that sees the descriptor readable must find
	 * it set. The descriptor stays readable, so one write wakes everybody,
	 * also who comes to wait later. EAGAIN means that it is readable. */
	atomic_store(&x->woken, true);
	if (write(x->wake_fd, &one, sizeof(one)) < 0) {
		/* nothing a signal handler could do about it */
	}
	errno = saved;
}

void xport_rearm(struct xport *x)
{
	uint64_t drained;

	atomic_store(&x->woken, false);
	if (read(x->wake_fd, &drained, sizeof(drained)) < 0) {
		/* EAGAIN: nobody had woken it */
	}
}

int xport_wait(struct xport *x, int fd)
{
	struct pollfd p[2] = {
		{.fd = fd, .events = POLLIN},
		{.fd = x->wake_fd, .events = POLLIN},
	};

	if (unlikely(atomic_load_explicit(&x->woken, memory_order_relaxed)))
		return -ECANCELED;
	if (poll(p, 2, -1) < 0)
		return errno == EINTR ? -EINTR : -errno;
	/* Whoever was told to end does not take another request. */
	if (unlikely(p[1].revents))
		return -ECANCELED;
	return 0;
}
