/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program may know about its rings. */
#include <profuse.h>

#include <string.h>

#include "lowlevel/ll.h"
#include "session/queues.h"
#include "transport/rings.h"

PROFUSE_EXPORT int profuse_session_uring(struct fuse_session *se, struct profuse_uring_info *info,
					 size_t size)
{
	const struct xport_rings_cfg *cfg;
	struct profuse_uring_info now;

	if (!sess_queues_used(se))
		return 0;
	if (!info)
		return 1;
	cfg = xport_rings_cfg(se->rings);
	now = (struct profuse_uring_info){
		.queues = cfg->queues,
		.threads = xport_rings_threads(se->rings),
		.entries = xport_rings_entries(se->rings),
		.payload_bytes = cfg->payload,
	};
	memset(info, 0, size);
	memcpy(info, &now, size < sizeof(now) ? size : sizeof(now));
	return 1;
}
