/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages to the kernel that no request asked for: sent at once (sess_notify,
 * in session.h), or through a queue with a thread of its own; and the answers
 * that retrievals bring.
 */
#ifndef PROFUSE_SESSION_NOTIFY_H
#define PROFUSE_SESSION_NOTIFY_H

#include "session/session.h"

/* A notification of the same form as sess_notify takes, to be sent as soon as
 * the kernel lets it. The body is copied. -EINVAL, -ENOSYS, -ENOTCONN,
 * -ENOMEM, -ENOBUFS if the queue is full. */
int sess_notifyq_add(struct fuse_session *se, enum fuse_notify_code code, struct iovec *iov,
		     int count);

/* Waits until what was added before has been sent. timeout_ms < 0: no limit.
 * -ETIMEDOUT, -ENOTCONN if the queue is ended meanwhile, -EDEADLK inside a
 * request of this session. */
int sess_notifyq_flush(struct fuse_session *se, int timeout_ms);

/* Bytes that may wait. */
void sess_notifyq_limit(struct fuse_session *se, size_t bytes);

/* Drops what waits and ends the thread. If the kernel holds it up with a
 * request that nobody serves any more, such requests are answered with an
 * error. To be called while the connection is still open and after the loops
 * have ended; later additions get -ENOTCONN. */
void sess_notifyq_stop(struct fuse_session *se);

struct sess_notifyq_counts {
	uint64_t sent;
	uint64_t merged;   /* into one that was waiting */
	uint64_t not_held; /* the kernel had nothing of it cached */
	uint64_t failed;
};
struct sess_notifyq_counts sess_notifyq_counts(struct fuse_session *se);

/* ---- retrievals ---- */

struct sess_retrieval {
	fuse_ino_t ino;
	void *cookie;
};

/* Notes a retrieval that is about to be asked for; *unique will be the id of
 * its answer. 0 or -ENOMEM. */
PROFUSE_NODISCARD int sess_retrieve_begin(struct fuse_session *se, fuse_ino_t ino, void *cookie,
					  uint64_t *unique);

/* Takes the note back out, for its answer or because asking failed. False if
 * there is none. */
bool sess_retrieve_take(struct fuse_session *se, uint64_t unique, struct sess_retrieval *out);

/* ---- for the files of this room ---- */

/* Would sending this from the calling thread wait for the request that the
 * thread is just serving? */
bool sess_would_deadlock(const struct fuse_session *se, enum fuse_notify_code code,
			 const struct iovec *iov, int count);

/* 0 if the peer knows this notification and listens; else as sess_notify. */
int sess_notify_check(struct fuse_session *se, enum fuse_notify_code code);

/* Sends without further questions. */
int sess_notify_send(struct fuse_session *se, enum fuse_notify_code code, struct iovec *iov,
		     int count);

void sess_notifyq_free(struct fuse_session *se);
void sess_retrievals_free(struct fuse_session *se);

#endif
