/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After the unmounting: until the filesystem's processes are through. */
#ifndef PROFUSE_MOUNT_FUSE3_WAIT_H
#define PROFUSE_MOUNT_FUSE3_WAIT_H

#include <stdbool.h>

#include "patience.h"
#include "servers.h"
#include "target.h"

/*
 * Waits until each of them has ended, or, if it serves others too, has let go
 * of this one. Returns the exit code: EXIT_PARTLY if one is still at work at
 * the deadline.
 */
int wait_for_servers(struct patience *p, const struct target *t, struct servers *s, bool verbose);

/* The same message and code when err, -ETIMEDOUT or -EINTR, came before the end of
 * the unmounting: the mount is gone, but the kernel may still ask the filesystem. */
int wait_was_in_vain(const struct patience *p, const struct target *t, const struct servers *s,
		     int err);

#endif
