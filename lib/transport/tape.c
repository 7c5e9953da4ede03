/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replay: the requests of a tape in their order, as fast as they are taken.
 * Answers and notifications go nowhere. */
#include "transport/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "transport/packet.h"

struct tape {
	struct xport_packet p;
};

/* The next request into r, whatever stands between. */
static int next_request(int fd, struct xport_recv *r)
{
	struct tape_record head;

	for (;;) {
		if (fd_read_full(fd, &head, sizeof(head)) != (ssize_t)sizeof(head))
			return -ENODEV;
		if (head.len > TAPE_MAX_MESSAGE)
			return -ENODEV;
		if (head.kind == TAPE_REQUEST && head.len <= r->cap)
			break;
		if (lseek(fd, head.len, SEEK_CUR) < 0)
			return -ENODEV;
		if (head.kind == TAPE_REQUEST)
			return -EPROTO;
	}
	if (fd_read_full(fd, r->buf, head.len) != (ssize_t)head.len)
		return -ENODEV;
	return proto_msg_flat(&r->msg, r->buf, head.len) ? 0 : -EPROTO;
}

static int tape_recv(struct xport_chan *c, struct xport_recv *r, bool wait)
{
	struct tape *t = container_of(c->x, struct tape, p.x);
	int err;

	if (atomic_load(&c->x->woken))
		return -ECANCELED;
	pthread_mutex_lock(&t->p.read_lock);
	err = next_request(c->fd, r);
	pthread_mutex_unlock(&t->p.read_lock);
	r->slot = NULL;
	return err;
}

static int tape_send(struct xport_chan *c, void *slot, const struct iovec *iov, int count)
{
	return 0;
}

static int tape_notify(struct xport *x, const struct iovec *iov, int count)
{
	return 0;
}

static void tape_free(struct xport *x)
{
	struct tape *t = container_of(x, struct tape, p.x);

	xport_packet_fini(&t->p);
	free(t);
}

static const struct xport_ops tape_ops = {
	.name = "tape",
	.open_chan = xport_packet_open_chan,
	.close_chan = xport_packet_close_chan,
	.recv = tape_recv,
	.send = tape_send,
	.notify = tape_notify,
	.free = tape_free,
};

int xport_tape_new(const char *path, struct xport **out)
{
	static const char magic[16] = TAPE_MAGIC;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE struct tape *t = NULL;
	struct tape_header head;
	int err;

	if (fd < 0)
		return -errno;
	if (fd_read_full(fd, &head, sizeof(head)) != (ssize_t)sizeof(head) ||
	    memcmp(head.magic, magic, sizeof(magic)) != 0 || head.version != TAPE_VERSION)
		return -EBADMSG;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	err = xport_packet_init(&t->p, &tape_ops, fd);
	if (err)
		return err;
	take_fd(&fd);
	*out = &take(t)->p.x;
	return 0;
}
