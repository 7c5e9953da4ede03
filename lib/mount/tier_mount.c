/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mount(2), for kernels before 5.2 and filters that know no newer call. */
#include "mount/attempt.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mount/device.h"
#include "mount/optstr.h"

static int mount_once(struct mnt_attempt *a, const struct mnt_device *dev, bool with_subtype)
{
	struct mnt_owner owner = {dev->fd, a->rootmode, getuid(), getgid()};
	CLEANUP_TEXT struct mnt_text type = {0}, source = {0}, data = {0};
	int err;

	mnt_fs_type(a->opts, with_subtype, &type);
	mnt_fs_source(a->opts, with_subtype, a->device, &source);
	err = mnt_kernel_data(a->opts, &owner, &data);
	if (!err && (type.failed || source.failed))
		err = -ENOMEM;
	if (err)
		return mnt_attempt_failed(a, MNT_STAGE_OPTIONS, err, "options: %s",
					  err == -E2BIG ? "longer than a page" : strerror(-err));
	if (mount(source.str, a->mountpoint, type.str, a->opts->flags, data.str) < 0) {
		err = -errno;
		return mnt_attempt_failed(
			a, err == -ENOTCONN && dev->started ? MNT_STAGE_INIT : MNT_STAGE_CREATE,
			err, "%s", strerror(-err));
	}
	return 0;
}

int mnt_tier_mount(struct mnt_attempt *a)
{
	struct mnt_device dev;
	int err;

	err = mnt_device_open(a, &dev);
	if (err)
		return err;
	err = mnt_device_start(a, &dev);
	if (!err)
		err = mount_once(a, &dev, true);
	if (err == -ENODEV && a->opts->value[MNT_OPT_SUBTYPE]) {
		/* A kernel that knows no subtypes refuses before it looks at the
		 * descriptor, so this one is still good. */
		err = mount_once(a, &dev, false);
	}
	if (err) {
		mnt_device_drop(a, &dev);
		return err;
	}
	mnt_device_keep(a, &dev);
	mnt_ident_of_connection(a->res->fd, a->mountpoint, &a->res->ident);
	return 0;
}
