/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recording a session and serving a recording. */
#include <profuse.h>

#include <errno.h>

#include "session/session.h"

PROFUSE_EXPORT int profuse_session_record(struct fuse_session *se, const char *path)
{
	struct xport *recorder;
	int err;

	if (!se->xport)
		return -ENOTCONN;
	if (atomic_load(&se->workers))
		return -EBUSY; /* workers hold channels of the bare transport */
	err = xport_record_new(se->xport, path, &recorder);
	if (err)
		return err;
	se->xport = recorder;
	return 0;
}

PROFUSE_EXPORT int profuse_session_replay(struct fuse_session *se, const char *path)
{
	struct xport *x;
	int err;

	if (se->xport)
		return -EBUSY;
	err = xport_tape_new(path, &x);
	if (err)
		return err;
	err = sess_attach(se, x);
	if (err)
		xport_free(x);
	return err;
}
