/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ioctl(2) and poll(2): what files have in common with devices. */
#include "lowlevel/ll.h"
#include "lowlevel/pollhandle.h"

#include <errno.h>
#include <stdlib.h>

LL_ADAPTER(ioctl)
{
	const struct fuse_ioctl_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh};
	void *arg = (void *)(uintptr_t)in->arg;

	/* Kernels ask for directories whether or not the program wants that. */
	if ((in->flags & FUSE_IOCTL_DIR) && !(ll->se->conn.flags & FUSE_INIT_FLAG(HAS_IOCTL_DIR))) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	ll->ops.ioctl(req, r->hdr->nodeid, in->cmd, arg, &fi, in->flags,
		      in->in_size ? r->data : NULL, in->in_size, in->out_size);
}

LL_ADAPTER(poll)
{
	const struct fuse_poll_in *in = r->in;
	struct fuse_file_info fi = {.fh = in->fh, .poll_events = in->events};
	struct fuse_pollhandle *ph = NULL;

	if (in->flags & FUSE_POLL_SCHEDULE_NOTIFY) {
		ph = malloc(sizeof(*ph));
		if (!ph) {
			fuse_reply_err(req, ENOMEM);
			return;
		}
		*ph = (struct fuse_pollhandle){.se = ll->se, .kh = in->kh};
	}
	ll->ops.poll(req, r->hdr->nodeid, &fi, ph);
}

PROFUSE_EXPORT void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
	free(ph);
}
