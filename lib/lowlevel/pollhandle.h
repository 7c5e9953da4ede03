/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody waits in poll(2): how the kernel names them. */
#ifndef PROFUSE_LOWLEVEL_POLLHANDLE_H
#define PROFUSE_LOWLEVEL_POLLHANDLE_H

#include <stdint.h>

struct fuse_pollhandle {
	struct fuse_session *se;
	uint64_t kh;
};

#endif
