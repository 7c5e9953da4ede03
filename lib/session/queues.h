/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The workers of fuse-over-io_uring.
 *
 * Under the multi-threaded loop every queue has a few threads, pinned to the
 * queue's CPU, because the kernel puts a request into the queue of its caller's
 * CPU and a caller is answered fastest from there. Each thread has a ring of its
 * own with a single entry. So a request is only ever given to a thread that is
 * waiting for one: a callback that blocks for ever holds up its own request and
 * no other. Threads that are stuck are replaced by the same watch that replaces
 * the device's (pool_watch.c).
 *
 * Under the single-threaded loop one worker serves all queues and the device
 * over one ring.
 */
#ifndef PROFUSE_SESSION_QUEUES_H
#define PROFUSE_SESSION_QUEUES_H

#include "session/session.h"

/*
 * While INIT is handled, before its answer: if the peer offers rings, the
 * program wants them and a loop is running that can serve them, builds
 * everything and sets the flag in *out. If anything fails, the flag stays off,
 * one line says why, and the session goes on over the device.
 */
void sess_queues_prepare(struct fuse_session *se, uint64_t offered, struct fuse_init_out *out);

/* After the answer: the threads register and serve. */
void sess_queues_go(struct fuse_session *se);

/* For the single-threaded loop: the worker to step next. */
struct sess_worker *sess_queues_single(struct fuse_session *se, struct sess_worker *now);

/* A look at the queues, from the watch: starts threads where all of a queue's
 * are blocked. True if any is, or if any took a request since the last look.
 * *crowded: there is a queue where none waits for a request. */
bool sess_queues_look(struct fuse_session *se, bool *crowded);

/* The loop ended: waits for the threads and gives up the rings. */
void sess_queues_end(struct fuse_session *se);

#endif
