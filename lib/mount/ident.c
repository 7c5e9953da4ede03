/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/ident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/kernel.h"
#include "mount/mountinfo.h"

int mnt_ident_of_fd(int fd, struct mnt_ident *out)
{
	struct mnt_statx sx = {0};
	/* A mask without basic statistics, and the wish not to be synced: the
	 * filesystem is not asked anything. The mount's id comes unasked; whoever
	 * may not look into a FUSE mount, root often, must not ask for more. */
	const int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;

	*out = MNT_IDENT_NONE;
	if (mnt_sys_statx(fd, "", flags, 0, &sx) < 0)
		return -errno;
	out->dev = makedev(sx.dev_major, sx.dev_minor);
	if (sx.mask & MNT_STATX_ID)
		out->id = (int)sx.mnt_id;
	if (mnt_sys_statx(fd, "", flags, MNT_STATX_ID_UNIQUE, &sx) == 0 &&
	    (sx.mask & MNT_STATX_ID_UNIQUE))
		out->unique = sx.mnt_id;
	return 0;
}

int mnt_ident_of_path(const char *path, struct mnt_ident *out)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	*out = MNT_IDENT_NONE;
	if (fd < 0)
		return -errno;
	return mnt_ident_of_fd(fd, out);
}

dev_t mnt_dev_of_connection(int fuse_fd)
{
	static const char key[] = "fuse_connection:";
	char path[40], info[512], *line;
	CLEANUP_CLOSE int fd = -1;
	ssize_t n;
	unsigned long dev;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fuse_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, info, sizeof(info) - 1);
	if (n <= 0)
		return 0;
	info[n] = '\0';
	line = strstr(info, key);
	if (!line)
		return 0;
	/* The kernel's own encoding of a device number, 20 bits of minor. */
	dev = strtoul(line + sizeof(key) - 1, NULL, 10);
	return makedev((unsigned int)(dev >> 20), (unsigned int)(dev & 0xfffff));
}

void mnt_ident_of_connection(int fuse_fd, const char *path, struct mnt_ident *out)
{
	dev_t dev = mnt_dev_of_connection(fuse_fd);

	if (mnt_ident_of_path(path, out) < 0 || (dev && dev != out->dev)) {
		*out = MNT_IDENT_NONE;
		out->dev = dev;
	}
}

bool mnt_ident_same(const struct mnt_ident *a, const struct mnt_ident *b)
{
	if (a->unique && b->unique)
		return a->unique == b->unique;
	return a->id >= 0 && a->id == b->id && a->dev == b->dev;
}

static int locate_by_statmount(uint64_t unique, char *path, size_t size)
{
	union {
		struct mnt_statmount sm;
		char room[sizeof(struct mnt_statmount) + 4096 + 512];
	} buf;
	const char *point;

	if (mnt_sys_statmount(unique, MNT_STATMOUNT_POINT, &buf.sm, sizeof(buf)) < 0)
		return errno == EOVERFLOW ? -ENAMETOOLONG : -errno;
	if (!(buf.sm.mask & MNT_STATMOUNT_POINT))
		return -ENOSYS;
	point = buf.sm.str + buf.sm.mnt_point;
	if (strlen(point) >= size)
		return -ENAMETOOLONG;
	strcpy(path, point);
	return 0;
}

static int locate_by_mountinfo(const struct mnt_ident *ident, char *path, size_t size)
{
	struct mnt_info_reader r;
	struct mnt_info_line line;
	int err;

	err = mnt_info_open(&r);
	if (err)
		return err;
	while ((err = mnt_info_next(&r, &line)) > 0) {
		if (line.id != ident->id || line.dev != ident->dev)
			continue;
		err = strlen(line.point) < size ? 0 : -ENAMETOOLONG;
		if (!err)
			strcpy(path, line.point);
		mnt_info_close(&r);
		return err;
	}
	mnt_info_close(&r);
	return err ? err : -ENOENT;
}

int mnt_locate(const struct mnt_ident *ident, char *path, size_t size)
{
	if (ident->unique) {
		int err = locate_by_statmount(ident->unique, path, size);

		if (err != -ENOSYS && err != -EPERM)
			return err;
	}
	return ident->id >= 0 ? locate_by_mountinfo(ident, path, size) : -ENOENT;
}
