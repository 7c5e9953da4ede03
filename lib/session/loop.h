/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the single- and the multi-threaded loop share. */
#ifndef PROFUSE_SESSION_LOOP_H
#define PROFUSE_SESSION_LOOP_H

#include "session/session.h"

/* Brings the transport into the mode of loops, and back after the last. */
PROFUSE_NODISCARD int sess_loop_begin(struct fuse_session *se);
void sess_loop_end(struct fuse_session *se);

/* What a result of sess_worker_step means for the loop: false if it must end.
 * Notes the reason in the session. */
bool sess_loop_goes_on(struct fuse_session *se, int err);

#endif
