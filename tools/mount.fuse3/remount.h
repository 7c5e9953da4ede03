/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mount -o remount: other flags for a filesystem that is mounted already. */
#ifndef PROFUSE_MOUNT_FUSE3_REMOUNT_H
#define PROFUSE_MOUNT_FUSE3_REMOUNT_H

#include "cmdline.h"

/* Sets the flags that the words have; the filesystem's own words cannot be
 * changed while it serves and do not count. Returns the exit code. */
int remount(const struct mount_request *req);

#endif
