/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/kernel.h"

const char *mnt_device_path(struct mnt_text *notes)
{
	const char *path = secure_getenv("FUSE_KERN_DEVICE");
	struct stat st;

	if (!path || !*path)
		return MNT_DEVICE_DEFAULT;
	if (strncmp(path, "/dev/", 5) == 0 && stat(path, &st) == 0 && S_ISCHR(st.st_mode))
		return path;
	mnt_text_add(notes,
		     "fuse: FUSE_KERN_DEVICE=%s ignored: not a character device under /dev/\n",
		     path);
	return MNT_DEVICE_DEFAULT;
}

static void arm(struct mnt_attempt *a, struct mnt_device *dev)
{
	/* Kernels without it answer ENOTTY; INIT is then queued as ever. */
	dev->armed = a->hooks && ioctl(dev->fd, MNT_DEV_IOC_SYNC_INIT) == 0;
}

int mnt_device_open(struct mnt_attempt *a, struct mnt_device *dev)
{
	*dev = (struct mnt_device){.fd = open(a->device, O_RDWR | O_CLOEXEC)};
	if (dev->fd < 0) {
		int err = -errno;

		return mnt_attempt_failed(a, MNT_STAGE_DEVICE, err, "failed to open %s: %s",
					  a->device, strerror(-err));
	}
	arm(a, dev);
	return 0;
}

void mnt_device_adopt(struct mnt_attempt *a, int fd, struct mnt_device *dev)
{
	*dev = (struct mnt_device){.fd = fd};
	arm(a, dev);
}

int mnt_device_start(struct mnt_attempt *a, struct mnt_device *dev)
{
	int err;

	if (!dev->armed)
		return 0;
	err = a->hooks->start(a->hooks->data, dev->fd);
	if (err)
		return mnt_attempt_failed(a, MNT_STAGE_INIT, err,
					  "could not begin to serve requests: %s", strerror(-err));
	dev->started = true;
	return 0;
}

void mnt_device_drop(struct mnt_attempt *a, struct mnt_device *dev)
{
	if (dev->started)
		a->hooks->stop(a->hooks->data, dev->fd);
	if (dev->fd >= 0)
		close(dev->fd);
	*dev = (struct mnt_device){.fd = -1};
}

void mnt_device_keep(struct mnt_attempt *a, struct mnt_device *dev)
{
	a->res->fd = dev->fd;
	a->res->init_done = dev->started;
	*dev = (struct mnt_device){.fd = -1};
}
