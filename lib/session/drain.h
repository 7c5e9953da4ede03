/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turning away what nobody serves any more. */
#ifndef PROFUSE_SESSION_DRAIN_H
#define PROFUSE_SESSION_DRAIN_H

#include "session/session.h"

/* Answers every request that the handler still owes, and every one that waits
 * to be received, with ENOTCONN. After the loops. Does not wait. */
void sess_drain(struct fuse_session *se);

#endif
