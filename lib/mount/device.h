/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's device, and one descriptor of it for one attempt. */
#ifndef PROFUSE_MOUNT_DEVICE_H
#define PROFUSE_MOUNT_DEVICE_H

#include "mount/attempt.h"

#define MNT_DEVICE_DEFAULT "/dev/fuse"

/* The path to open: $FUSE_KERN_DEVICE where that is a character device under
 * /dev/, else /dev/fuse. Adds a note when the variable is ignored. */
const char *mnt_device_path(struct mnt_text *notes);

/* A failed mount burns its descriptor, so each attempt opens one of its own. */
struct mnt_device {
	int fd;
	bool armed;   /* attaching waits for INIT */
	bool started; /* hooks->start() was called for it */
};

PROFUSE_NODISCARD int mnt_device_open(struct mnt_attempt *a, struct mnt_device *dev);

/* Takes over a descriptor that a helper opened. */
void mnt_device_adopt(struct mnt_attempt *a, int fd, struct mnt_device *dev);

/* Right before what blocks until INIT is answered: calls hooks->start(). */
PROFUSE_NODISCARD int mnt_device_start(struct mnt_attempt *a, struct mnt_device *dev);

/* After a failure: ends the hooks' thread and closes. */
void mnt_device_drop(struct mnt_attempt *a, struct mnt_device *dev);

/* After success: moves the descriptor into the result. */
void mnt_device_keep(struct mnt_attempt *a, struct mnt_device *dev);

#endif
