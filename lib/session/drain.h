/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turning away what nobody serves any more. */
#ifndef PROFUSE_SESSION_DRAIN_H
#define PROFUSE_SESSION_DRAIN_H

#include "session/session.h"

struct sess_worker;

/* Answers every request of this worker that the handler still owes as the kernel
 * does when a connection ends, with ECONNABORTED. When the handler answers
 * them, it is told that there is no connection. */
void sess_fail_owed(struct sess_worker *w);

/* The same for all workers and for every request that waits to be received.
 * After the loops. Does not wait. */
void sess_drain(struct fuse_session *se);

/* Asks the kernel to abort the connection, as writing to its `abort` file does:
 * for requests that are out of reach, because another process read them. Works
 * where fusectl is mounted and the mount is ours. 0 or -errno. */
int sess_abort(struct fuse_session *se);

#endif
