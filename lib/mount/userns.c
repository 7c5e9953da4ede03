/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/hint.h"

static int failed(struct mnt_text *why, const char *step, int err)
{
	mnt_text_add(why, "%s: %s\n", step, strerror(-err));
	mnt_hint_userns("/proc/sys", err, why);
	return err;
}

static int write_file(const char *path, const char *text)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int write_map(const char *path, unsigned int inside, unsigned int outside)
{
	char line[48];

	snprintf(line, sizeof(line), "%u %u 1\n", inside, outside);
	return write_file(path, line);
}

static int detach_mounts(struct mnt_text *why)
{
	/* Slaves: news from outside come in, none go out. */
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return failed(why, "making mounts private", -errno);
	return 0;
}

int mnt_userns_enter(bool as_root, struct mnt_text *why)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return failed(why, "new user namespace", -errno);
	/* Without a privileged helper a group may be mapped only once nobody
	 * can drop groups any more. Kernels before 3.19 have no such file. */
	err = write_file("/proc/self/setgroups", "deny");
	if (err && err != -ENOENT)
		return failed(why, "/proc/self/setgroups", err);
	err = write_map("/proc/self/uid_map", as_root ? 0 : uid, uid);
	if (err)
		return failed(why, "/proc/self/uid_map", err);
	err = write_map("/proc/self/gid_map", as_root ? 0 : gid, gid);
	if (err)
		return failed(why, "/proc/self/gid_map", err);
	return detach_mounts(why);
}

int mnt_mountns_enter(struct mnt_text *why)
{
	if (unshare(CLONE_NEWNS) < 0)
		return failed(why, "new mount namespace", -errno);
	return detach_mounts(why);
}
