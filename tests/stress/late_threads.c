/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that are started for a request come late, as on a machine that has much
 * else to do: often another thread has served it by then. By the linker's --wrap.
 */
#include <stdlib.h>
#include <unistd.h>

#include "session/worker.h"
#include "transport/rings.h"

#define LATE_US 2000

int __real_sess_worker_new(struct fuse_session *se, struct xport *x, long chan, bool clone,
			   struct sess_worker **out);
int __wrap_sess_worker_new(struct fuse_session *se, struct xport *x, long chan, bool clone,
			   struct sess_worker **out);
int __wrap_sess_worker_new(struct fuse_session *se, struct xport *x, long chan, bool clone,
			   struct sess_worker **out)
{
	static _Atomic unsigned int seed = 1;
	unsigned int own = seed++;

	if (chan >= XPORT_RINGS_BARE && chan < XPORT_RINGS_CLERK)
		usleep((useconds_t)rand_r(&own) % LATE_US);
	return __real_sess_worker_new(se, x, chan, clone, out);
}
