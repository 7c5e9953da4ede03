/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/session.h"

void sess_notify_fini(struct fuse_session *se)
{
}
