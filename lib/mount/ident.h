/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which mount is which. Async-signal-safe throughout, because the watcher of
 * auto_unmount runs these after fork() in a threaded program: no allocation,
 * no stdio.
 */
#ifndef PROFUSE_MOUNT_IDENT_H
#define PROFUSE_MOUNT_IDENT_H

#include <stddef.h>

#include "mount/mount.h"

#define MNT_IDENT_NONE ((struct mnt_ident){.id = -1})

/* The mount that an open file lies on, without asking its filesystem: a dead
 * or silent daemon does not matter. Fields that cannot be known stay empty.
 * Returns 0 or -errno. */
PROFUSE_NODISCARD int mnt_ident_of_fd(int fd, struct mnt_ident *out);

/* What is on top at path, not following a symbolic link at its end. */
PROFUSE_NODISCARD int mnt_ident_of_path(const char *path, struct mnt_ident *out);

/* The st_dev of the filesystem that a /dev/fuse descriptor serves, as its
 * fdinfo says; 0 if the kernel does not say or nothing is attached. */
dev_t mnt_dev_of_connection(int fuse_fd);

/* The mount at path if it is that of this connection. Where the kernel does
 * not show the connection's number, what is on top there is taken for it;
 * where something else was quick to cover it, only dev is known. */
void mnt_ident_of_connection(int fuse_fd, const char *path, struct mnt_ident *out);

bool mnt_ident_same(const struct mnt_ident *a, const struct mnt_ident *b);

/*
 * Where the mount is now, in the caller's mount namespace. Returns 0 with the
 * path of its mountpoint, -ENOENT if there is no such mount any more,
 * -ENAMETOOLONG, or -errno if the kernel would not tell.
 */
PROFUSE_NODISCARD int mnt_locate(const struct mnt_ident *ident, char *path, size_t size);

#endif
