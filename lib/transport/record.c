/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A transport around another one that writes down what passes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "transport/packet.h"
#include "transport/tape.h"

struct record {
	struct xport x;
	struct xport *inner;
	int tape;
	pthread_mutex_t lock; /* a record is written whole */
	_Atomic bool failed;  /* the tape is full or broken; it stays as it is */
};

struct record_chan {
	struct xport_chan chan;
	struct xport_chan *inner;
};

static struct record *record_of(struct xport *x)
{
	return container_of(x, struct record, x);
}

static struct xport_chan *inner_chan(struct xport_chan *c)
{
	return container_of(c, struct record_chan, chan)->inner;
}

/* Recording must not change what is recorded, so its failures end it and
 * nothing else. */
static void write_down(struct record *rec, enum tape_kind kind, const struct iovec *iov, int count)
{
	struct tape_record head = {.kind = kind, .len = (uint32_t)xport_iov_size(iov, count)};
	struct timespec now;
	bool ok;

	if (atomic_load_explicit(&rec->failed, memory_order_relaxed))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	head.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	pthread_mutex_lock(&rec->lock);
	ok = fd_write_full(rec->tape, &head, sizeof(head)) == (ssize_t)sizeof(head);
	for (int i = 0; ok && i < count; i++)
		ok = fd_write_full(rec->tape, iov[i].iov_base, iov[i].iov_len) ==
		     (ssize_t)iov[i].iov_len;
	if (!ok)
		atomic_store(&rec->failed, true);
	pthread_mutex_unlock(&rec->lock);
}

/* A message of a ring stands in two places; on the tape it is in one piece. */
static void write_down_request(struct record *rec, const struct proto_msg *m)
{
	struct iovec iov[3] = {
		{(void *)m->hdr, sizeof(*m->hdr)},
		{(void *)m->arg, m->arg_len},
		{(void *)m->rest, m->rest_len},
	};

	write_down(rec, TAPE_REQUEST, iov, m->split ? 3 : 2);
}

static int record_open_chan(struct xport *x, unsigned int index, bool clone,
			    struct xport_chan **out)
{
	struct xport *inner = record_of(x)->inner;
	CLEANUP_FREE struct record_chan *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	err = inner->ops->open_chan(inner, index, clone, &c->inner);
	if (err)
		return err;
	c->chan = (struct xport_chan){.x = x, .fd = c->inner->fd, .index = index};
	*out = &take(c)->chan;
	return 0;
}

static void record_close_chan(struct xport_chan *chan)
{
	struct record_chan *c = container_of(chan, struct record_chan, chan);

	c->inner->x->ops->close_chan(c->inner);
	free(c);
}

static int record_recv(struct xport_chan *c, struct xport_recv *r, bool wait)
{
	struct xport_chan *inner = inner_chan(c);
	int err = inner->x->ops->recv(inner, r, wait);

	if (!err)
		write_down_request(record_of(c->x), &r->msg);
	return err;
}

static int record_send(struct xport_chan *c, void *slot, const struct iovec *iov, int count)
{
	struct xport_chan *inner = inner_chan(c);

	write_down(record_of(c->x), TAPE_ANSWER, iov, count);
	return inner->x->ops->send(inner, slot, iov, count);
}

static int record_notify(struct xport *x, const struct iovec *iov, int count)
{
	struct record *rec = record_of(x);

	write_down(rec, TAPE_NOTIFY, iov, count);
	return rec->inner->ops->notify(rec->inner, iov, count);
}

static int record_loop_mode(struct xport *x, bool looping)
{
	struct xport *inner = record_of(x)->inner;

	return inner->ops->loop_mode ? inner->ops->loop_mode(inner, looping) : 0;
}

static void record_free(struct xport *x)
{
	struct record *rec = record_of(x);

	/* The descriptors are the inner transport's. */
	xport_free(rec->inner);
	close(rec->tape);
	pthread_mutex_destroy(&rec->lock);
	free(rec);
}

static const struct xport_ops record_ops = {
	.name = "record",
	.open_chan = record_open_chan,
	.close_chan = record_close_chan,
	.recv = record_recv,
	.send = record_send,
	.notify = record_notify,
	.loop_mode = record_loop_mode,
	.free = record_free,
};

int xport_record_new(struct xport *inner, const char *path, struct xport **out)
{
	struct tape_header head = {.magic = TAPE_MAGIC, .version = TAPE_VERSION};
	/* What passes may be private: readable by the owner alone. */
	CLEANUP_CLOSE int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, S_IRUSR | S_IWUSR);
	struct record *rec;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fd_write_full(fd, &head, sizeof(head));
	if (n < 0)
		return (int)n;
	rec = calloc(1, sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	rec->x = (struct xport){
		.ops = &record_ops,
		.fd = inner->fd,
		.borrowed = inner->borrowed,
		.wake_fd = inner->wake_fd,
	};
	rec->inner = inner;
	rec->tape = take_fd(&fd);
	pthread_mutex_init(&rec->lock, NULL);
	*out = &rec->x;
	return 0;
}
