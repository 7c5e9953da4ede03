/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What umount.fuse3 is to unmount. Nothing here asks the filesystem itself. */
#ifndef PROFUSE_MOUNT_FUSE3_TARGET_H
#define PROFUSE_MOUNT_FUSE3_TARGET_H

#include <limits.h>

#include "mount/ident.h"
#include "patience.h"

struct target {
	struct mnt_ident ident;
	char path[PATH_MAX]; /* of the mountpoint, in full */
	char type[64];
};

/* Finds the mount on top at dir. Returns 0, -EINVAL if dir is no mountpoint,
 * or -errno. May wait for filesystems on the way to dir. */
PROFUSE_NODISCARD int target_find(struct patience *p, const char *dir, struct target *out);

enum target_flags {
	TARGET_LAZY = 1 << 0,
	TARGET_FORCE = 1 << 1,
};

/* How it went. */
struct target_outcome {
	int err;	 /* 0 or -errno */
	char text[2048]; /* lines for the user, or "" */
};

/* Unmounts it, or leaves it if something else is on top by now. Where root's
 * right is missing, fusermount3 and umount(8) are asked. Returns outcome->err. */
PROFUSE_NODISCARD int target_unmount(struct patience *p, const struct target *t, unsigned int flags,
				     struct target_outcome *outcome);

/* Whether it is no longer mounted anywhere in our namespace. */
bool target_is_gone(const struct target *t);

/* The -r of umount(8): no more writes through this mount. 0 or -errno. */
PROFUSE_NODISCARD int target_make_read_only(const struct target *t);

/* Whether the same filesystem is mounted elsewhere too, with one such place. */
bool target_elsewhere(const struct target *t, char *path, size_t size);

#endif
