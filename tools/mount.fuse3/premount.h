/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drop_privileges: we mount, the filesystem serves without any privilege. */
#ifndef PROFUSE_MOUNT_FUSE3_PREMOUNT_H
#define PROFUSE_MOUNT_FUSE3_PREMOUNT_H

#include "cmdline.h"

/*
 * Mounts, and runs the program at path with /dev/fd/N in place of the
 * directory. Waits until it has ended or gone into the background; if it
 * fails, the mount is taken away again, so that no dead one is left. Returns
 * the exit code.
 */
int premount_and_run(const struct mount_request *req, const char *path, bool may_grant);

#endif
