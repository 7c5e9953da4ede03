/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The threads of fuse-over-io_uring; transport/rings.h says how they share the
 * entries.
 *
 * Under the multi-threaded loop every CPU that the program may use has a thread,
 * pinned to it, that serves the CPU's queue, because the kernel puts a request
 * into the queue of its caller's CPU and a caller is answered fastest from there.
 * More of them are started when the clerk has a request for which none stands by.
 * Queues of other CPUs, which may have callers too, begin with an entry of the
 * clerk's and no thread.
 *
 * A thread that is stuck in a callback is noticed by the same watch that
 * replaces the device's workers (pool_watch.c).
 *
 * Under the single-threaded loop one worker serves all queues and the device
 * over one ring.
 *
 * When a loop ends, so do its threads and rings. Requests then wait in the
 * kernel; another loop builds new ones and fetches them.
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

/* A loop begins: does nothing unless the connection uses rings already, by a loop
 * that ended or because one was to follow INIT. 0 or -errno. */
PROFUSE_NODISCARD int sess_queues_resume(struct fuse_session *se);

/* The program receives by itself, against what was expected. */
void sess_queues_withdraw(struct fuse_session *se);

/* For the single-threaded loop: the worker to step next. */
struct sess_worker *sess_queues_single(struct fuse_session *se, struct sess_worker *now);

/* A look at the queues, from the watch: helps those whose threads are stuck. True
 * if any is, or if any took a request since the last look. *crowded: there is a
 * queue where none waits for a request. */
bool sess_queues_look(struct fuse_session *se, bool *crowded);

/* Is a thread in a callback? Any thread. */
bool sess_queues_busy(struct fuse_session *se);

/* The loop ended: waits for the threads and gives up the rings. */
void sess_queues_end(struct fuse_session *se);

/* Do requests travel over rings? Any thread. */
bool sess_queues_used(struct fuse_session *se);

#endif
