/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking one certain mount away. */
#ifndef PROFUSE_MOUNT_UNMOUNT_H
#define PROFUSE_MOUNT_UNMOUNT_H

#include <stddef.h>

#include "mount/ident.h"

/*
 * Finds the mount and makes sure that unmounting its path would hit it and not
 * something on top. Async-signal-safe. Returns 0 with the path, -ENOENT if it
 * is gone, -EBUSY if it is covered, or -errno.
 */
PROFUSE_NODISCARD int mnt_reachable(const struct mnt_ident *ident, char *path, size_t size);

#endif
