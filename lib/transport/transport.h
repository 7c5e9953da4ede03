/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How messages arrive and leave. A transport belongs to one connection; a
 * channel is one worker's endpoint on it. Transports move buffers and do not
 * read opcodes.
 *
 * A received message is described by a proto_msg; `slot` names the place its
 * answer must go (a ring entry), and is opaque and NULL where answers find
 * their request by its unique alone. An answer may be sent from any thread,
 * through the channel that received the request: the kernel looks a request
 * up only on the descriptor that read it.
 */
#ifndef PROFUSE_TRANSPORT_TRANSPORT_H
#define PROFUSE_TRANSPORT_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/compiler.h"
#include "protocol/decode.h"

struct xport;
struct xport_chan;

struct xport_recv {
	/* In: where a message may be put; 8-byte aligned. Transports with
	 * memory of their own leave it alone. */
	void *buf;
	size_t cap;

	/* Out. */
	struct proto_msg msg;
	void *slot;
};

struct xport_ops {
	const char *name;

	/* A channel for worker number `index`; 0 is always opened first and
	 * may share the connection's own descriptor. With `clone` the worker
	 * gets a descriptor of its own if the transport can do that. */
	int (*open_chan)(struct xport *x, unsigned int index, bool clone, struct xport_chan **out);
	void (*close_chan)(struct xport_chan *c);

	/*
	 * Receives one message.
	 *   0           r->msg and r->slot are set
	 *   -EAGAIN     nothing there (only without `wait`)
	 *   -ECANCELED  xport_wake() was called
	 *   -EINTR      a signal arrived
	 *   -ENODEV     the connection is over
	 *   -EPROTO     a message that is not one was received and dropped
	 *   other       -errno, fatal
	 */
	int (*recv)(struct xport_chan *c, struct xport_recv *r, bool wait);

	/*
	 * Sends the answer to the request received as (c, slot). iov[0] is the
	 * fuse_out_header. 0, or -errno as the kernel gave it: -ENOENT when the
	 * request is gone, -EINVAL when it refused the answer.
	 */
	int (*send)(struct xport_chan *c, void *slot, const struct iovec *iov, int count);

	/* Memory into which an answer's body may be built so that send() need
	 * not copy it (send recognises it by address), or NULL. */
	void *(*body)(struct xport_chan *c, void *slot, size_t *cap);

	/* The request received as (c, slot) gets no answer. Optional; for
	 * transports whose slots must be given back. */
	void (*done)(struct xport_chan *c, void *slot);

	/* Sees to it that answers given by this thread are on their way.
	 * Optional; for transports that hold them until the next recv. */
	void (*flush)(struct xport_chan *c);

	/* No recv will follow on this channel: lets go of what keeps the
	 * connection alive. Answers may still come and go nowhere. Optional. */
	void (*stop)(struct xport_chan *c);

	/* Sends a notification; iov[0] is the fuse_out_header. Any thread. */
	int (*notify)(struct xport *x, const struct iovec *iov, int count);

	/* Called with true when a loop of the library starts to receive, with
	 * false when the last one ended. Returns the mode before, or -errno.
	 * Optional. */
	int (*loop_mode)(struct xport *x, bool looping);

	void (*free)(struct xport *x);
};

/* Embedded first in every transport's own structure. */
struct xport {
	const struct xport_ops *ops;
	int fd;		  /* pollable; -1 if there is none. Owned unless `borrowed` */
	bool borrowed;	  /* fd belongs to the program */
	bool takes_rings; /* fuse-over-io_uring is possible beside it */
	bool cheap_look;  /* recv without `wait` is one system call that never blocks */
	int wake_fd;	  /* eventfd, readable while the connection is woken */
	_Atomic bool woken;
};

/* Embedded first in every transport's own channel. */
struct xport_chan {
	struct xport *x;
	int fd;
	unsigned int index;
};

/* Makes every recv with `wait`, now and later, return -ECANCELED until
 * xport_rearm(). Safe in a signal handler and from any thread. */
void xport_wake(struct xport *x);
void xport_rearm(struct xport *x);

/* Waits until fd is readable, the connection is woken, or a signal arrives:
 * 0, -ECANCELED, -EINTR. An error condition on fd counts as readable; what it
 * is shows when reading. */
int xport_wait(struct xport *x, int fd);

/* Fields common to all transports; -errno if no eventfd can be had. */
PROFUSE_NODISCARD int xport_init(struct xport *x, const struct xport_ops *ops, int fd);
void xport_fini(struct xport *x);

static inline void xport_free(struct xport *x)
{
	if (x)
		x->ops->free(x);
}

/* ---- the transports ---- */

/* /dev/fuse. Takes ownership of fd. */
PROFUSE_NODISCARD int xport_dev_new(int fd, struct xport **out);

/* A connected socket: SOCK_SEQPACKET carries a message a packet, a byte stream
 * is cut by the header's length. Takes ownership of fd unless `borrow`. */
PROFUSE_NODISCARD int xport_stream_new(int fd, bool borrow, struct xport **out);

/* Functions of the program in place of read and writev. fd is handed to them
 * and polled, and stays the program's. */
struct xport_custom_io {
	ssize_t (*writev)(int fd, struct iovec *iov, int count, void *userdata);
	ssize_t (*read)(int fd, void *buf, size_t len, void *userdata);
	int (*clone_fd)(int master_fd);
};
PROFUSE_NODISCARD int xport_custom_new(int fd, const struct xport_custom_io *io, void *userdata,
				       struct xport **out);

/* A tape: the requests of a recording in their order, answers discarded. Ends with
 * -ENODEV. `path` names a file written by a recorder. */
PROFUSE_NODISCARD int xport_tape_new(const char *path, struct xport **out);

/* Wraps a transport so that everything that passes is also written to `path`,
 * which must not exist. Takes ownership of inner on success. Format:
 * lib/transport/tape.h. */
PROFUSE_NODISCARD int xport_record_new(struct xport *inner, const char *path, struct xport **out);

#endif
