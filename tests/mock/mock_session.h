/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts a session of the library at the other end of a mock kernel. */
#ifndef PROFUSE_MOCK_SESSION_H
#define PROFUSE_MOCK_SESSION_H

#include "mock_kernel.h"

struct fuse_session;

/*
 * Connects se (new, not mounted) and runs its loop in a thread of its own:
 * fuse_session_loop for `threads` 0, else fuse_session_loop_mt with that many.
 * 0 or a negative errno. The session stays the caller's, who destroys it after
 * mock_finish or mock_unmount has joined the thread.
 */
int mock_serve(struct mock *m, struct fuse_session *se, unsigned int threads);

/* Ends the connection and waits for the loop, at most for the deadline: what
 * it returned, or -ETIMEDOUT. mock_finish does this itself. */
int mock_serve_join(struct mock *m);

/* Waits until the loop has returned without ending the connection. */
int mock_serve_wait(struct mock *m);

#endif
