/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * auto_unmount. fusermount3 can do it too, but then a process of root waits
 * for each filesystem of each user, it goes by the path, and several versions
 * fail where root may not look into the mount. Ours runs as the user, goes by
 * the mount's id, and works with any helper or none.
 */
#ifndef PROFUSE_MOUNT_WATCH_H
#define PROFUSE_MOUNT_WATCH_H

#include "mount/mount.h"

/*
 * Starts a small process, nobody's child, that unmounts res->ident once every
 * copy of res->keep_fd, which this sets, is closed - also by SIGKILL - unless
 * somebody else keeps the connection alive. Where it has not the right itself
 * it runs the helper, a path or "". Returns 0 or -errno.
 */
PROFUSE_NODISCARD int mnt_watch_start(struct mnt_result *res, const char *helper);

#endif
