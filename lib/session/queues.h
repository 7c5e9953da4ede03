/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The workers of fuse-over-io_uring: a thread a queue under the multi-threaded
 * loop, pinned to the queue's CPU, because the kernel puts a request into the
 * queue of its caller's CPU and a caller is answered fastest from there. Under
 * the single-threaded loop one worker serves all queues and the device.
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

/* The loop ended: waits for the threads and gives up the rings. */
void sess_queues_end(struct fuse_session *se);

#endif
