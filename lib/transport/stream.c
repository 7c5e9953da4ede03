/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connected socket. SOCK_SEQPACKET (and datagrams) keep message boundaries;
 * a byte stream is cut by the length in each header. The peer may be anybody,
 * so a length that cannot be ends the connection: after it nothing that
 * follows could be told apart.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "transport/packet.h"

/* Messages of so many pieces are sent without allocating. */
#define FEW_PIECES 16

struct stream {
	struct xport_packet p;
	bool bytes;	     /* a byte stream */
	_Atomic bool broken; /* a message was sent in part */
	/* Under read_lock: what a byte stream delivered of the next message.
	 * The bytes stand in `partial`, because the next call may come from
	 * another worker with another buffer. */
	size_t have;
	unsigned char *partial;
	size_t partial_cap;
};

static struct stream *stream_of(struct xport *x)
{
	return container_of(x, struct stream, p.x);
}

/* What recv's result means for the connection. */
static int receive_error(ssize_t n)
{
	if (n == 0)
		return -ENODEV; /* the peer closed */
	switch (errno) {
	case EAGAIN:
		return -EAGAIN;
	case EINTR:
		return -EINTR;
	case ECONNRESET:
	case EPIPE:
		return -ENODEV;
	default:
		return -errno;
	}
}

static int receive_packet(struct stream *s, struct xport_recv *r)
{
	struct iovec iov = {.iov_base = r->buf, .iov_len = r->cap};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(s->p.x.fd, &mh, MSG_DONTWAIT);

	if (n <= 0)
		return receive_error(n);
	if (mh.msg_flags & MSG_TRUNC)
		return -EPROTO;
	return proto_msg_flat(&r->msg, r->buf, (size_t)n) ? 0 : -EPROTO;
}

/* Reads until s->have reaches `want`. */
static int fill_partial(struct stream *s, size_t want)
{
	if (want > s->partial_cap) {
		unsigned char *grown = realloc(s->partial, want);

		if (!grown)
			return -ENOMEM;
		s->partial = grown;
		s->partial_cap = want;
	}
	while (s->have < want) {
		ssize_t n = recv(s->p.x.fd, s->partial + s->have, want - s->have, MSG_DONTWAIT);

		if (n <= 0)
			return receive_error(n);
		s->have += (size_t)n;
	}
	return 0;
}

static int receive_bytes(struct stream *s, struct xport_recv *r)
{
	uint32_t len;
	int err;

	if (atomic_load_explicit(&s->broken, memory_order_relaxed))
		return -ENODEV;
	err = fill_partial(s, sizeof(struct fuse_in_header));
	if (err)
		return err;
	memcpy(&len, s->partial, sizeof(len));
	if (len < sizeof(struct fuse_in_header) || len > r->cap)
		return -ENODEV;
	err = fill_partial(s, len);
	if (err)
		return err;
	memcpy(r->buf, s->partial, len);
	s->have = 0;
	return proto_msg_flat(&r->msg, r->buf, len) ? 0 : -EPROTO;
}

static int stream_recv(struct xport_chan *c, struct xport_recv *r, bool wait)
{
	struct stream *s = stream_of(c->x);
	int err;

	pthread_mutex_lock(&s->p.read_lock);
	do {
		err = wait ? xport_wait(c->x, c->fd) : 0;
		if (!err)
			err = s->bytes ? receive_bytes(s, r) : receive_packet(s, r);
	} while (err == -EAGAIN && wait);
	pthread_mutex_unlock(&s->p.read_lock);
	r->slot = NULL;
	return err;
}

static int send_error(void)
{
	return errno == EPIPE || errno == ECONNRESET ? -ENOENT : -errno;
}

/* The peer may read when it likes, or never. Who waits for it must be freed when
 * the session ends, and its message is lost then. */
static int wait_for_room(struct xport *x)
{
	struct pollfd p[2] = {
		{.fd = x->fd, .events = POLLOUT},
		{.fd = x->wake_fd, .events = POLLIN},
	};

	if (poll(p, 2, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	return p[1].revents && !p[0].revents ? -ENOENT : 0;
}

static ssize_t send_some(struct xport *x, struct iovec *iov, int count)
{
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = (size_t)count};

	for (;;) {
		ssize_t n = sendmsg(x->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		int err;

		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return send_error();
		err = wait_for_room(x);
		if (err)
			return err;
	}
}

static void skip(struct iovec **iov, int *count, size_t n)
{
	while (*count > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		++*iov;
		--*count;
	}
	if (*count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

/* A byte stream may take a message in parts. One of which only a part was sent
 * leaves nothing that could follow it. */
static int send_bytes_locked(struct stream *s, struct iovec *iov, int count)
{
	bool begun = false;

	if (atomic_load(&s->broken))
		return -ENOENT;
	while (count > 0) {
		ssize_t n = send_some(&s->p.x, iov, count);

		if (n < 0) {
			atomic_store(&s->broken, begun);
			return (int)n;
		}
		begun = true;
		skip(&iov, &count, (size_t)n);
	}
	return 0;
}

static int send_bytes(struct stream *s, const struct iovec *iov, int count)
{
	struct iovec few[FEW_PIECES], *copy = few;
	CLEANUP_FREE struct iovec *many = NULL;
	int err;

	if (count > FEW_PIECES) {
		copy = many = malloc((size_t)count * sizeof(*many));
		if (!many)
			return -ENOMEM;
	}
	memcpy(copy, iov, (size_t)count * sizeof(*copy));
	pthread_mutex_lock(&s->p.write_lock);
	err = send_bytes_locked(s, copy, count);
	pthread_mutex_unlock(&s->p.write_lock);
	return err;
}

static int stream_notify(struct xport *x, const struct iovec *iov, int count)
{
	struct stream *s = stream_of(x);
	ssize_t n;

	if (s->bytes)
		return send_bytes(s, iov, count);
	n = send_some(x, (struct iovec *)iov, count);
	return n < 0 ? (int)n : 0;
}

static int stream_send(struct xport_chan *c, void *slot, const struct iovec *iov, int count)
{
	return stream_notify(c->x, iov, count);
}

static void stream_free(struct xport *x)
{
	struct stream *s = stream_of(x);

	xport_packet_fini(&s->p);
	free(s->partial);
	free(s);
}

static const struct xport_ops stream_ops = {
	.name = "stream",
	.open_chan = xport_packet_open_chan,
	.close_chan = xport_packet_close_chan,
	.recv = stream_recv,
	.send = stream_send,
	.notify = stream_notify,
	.free = stream_free,
};

int xport_stream_new(int fd, bool borrow, struct xport **out)
{
	CLEANUP_FREE struct stream *s = calloc(1, sizeof(*s));
	int type, err;
	socklen_t len = sizeof(type);

	if (!s)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return -errno;
	s->bytes = type == SOCK_STREAM;
	err = xport_packet_init(&s->p, &stream_ops, fd);
	if (err)
		return err;
	s->p.x.borrowed = borrow;
	*out = &take(s)->p.x;
	return 0;
}
