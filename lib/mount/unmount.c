/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/unmount.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/helper.h"
#include "mount/text.h"

#define PATH_ROOM (PATH_MAX + 1)

int mnt_reachable(const struct mnt_ident *ident, char *path, size_t size)
{
	struct mnt_ident top;
	int err;

	err = mnt_locate(ident, path, size);
	if (err)
		return err;
	err = mnt_ident_of_path(path, &top);
	if (err)
		return err;
	return mnt_ident_same(ident, &top) ? 0 : -EBUSY;
}

static int unmount_by_helper(const char *path, struct mnt_text *why)
{
	CLEANUP_TEXT struct mnt_text looked = {0};
	struct mnt_helper_run run;
	char helper[PATH_ROOM];
	const char *argv[] = {"fusermount3", "-u", "-q", "-z", "--", path, NULL};
	int err;

	err = mnt_helper_find(helper, sizeof(helper), &looked);
	if (err) {
		mnt_text_add(why, "  helper: %s\n", looked.str ? looked.str : strerror(-err));
		return -EPERM;
	}
	err = mnt_helper_start(&run, helper, (char *const *)argv, false);
	if (!err) {
		mnt_helper_finish(&run);
		/* Where the status is not to be had, the mount's absence tells. */
		err = run.status > 0 ? -EPERM : 0;
	}
	if (err) {
		mnt_text_add(why, "  helper: %s ", helper);
		mnt_helper_verdict(&run, why);
		mnt_text_add(why, "\n");
	}
	mnt_helper_end(&run);
	return err;
}

static int unmount_ident(const struct mnt_ident *ident, bool via_helper, struct mnt_text *why)
{
	char path[PATH_ROOM];
	int err;

	err = mnt_reachable(ident, path, sizeof(path));
	if (err == -ENOENT)
		return 0;
	if (err == -EBUSY)
		mnt_text_add(why,
			     "  something else is mounted on top of it at %s; unmount that "
			     "first\n",
			     path);
	if (err)
		return err;
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	err = -errno;
	if (err == -EPERM || via_helper)
		return unmount_by_helper(path, why);
	mnt_text_add(why, "  umount2(%s): %s\n", path, strerror(-err));
	return err;
}

/* While the connection lives its superblock does, and st_dev is its alone;
 * afterwards the number may already name another filesystem. */
static bool is_connected(int fuse_fd)
{
	struct pollfd p = {.fd = fuse_fd};

	return poll(&p, 1, 0) == 0 || !(p.revents & (POLLERR | POLLNVAL));
}

/* The mount's id is not known, or belongs to a namespace that the process has
 * left. What is at the path is ours if it is the same filesystem. */
static int unmount_same_dev(const struct mnt_result *res, const char *mountpoint,
			    struct mnt_text *why)
{
	struct mnt_ident top;

	if (!res->ident.dev || mnt_ident_of_path(mountpoint, &top) < 0 || top.dev != res->ident.dev)
		return 0;
	return unmount_ident(&top, res->via_helper, why);
}

int mnt_unmount(struct mnt_result *res, const char *mountpoint, char **why)
{
	CLEANUP_TEXT struct mnt_text text = {0};
	bool ours = res->fd >= 0 && res->tier != MNT_TIER_FD;
	bool connected = ours && is_connected(res->fd);
	char path[PATH_ROOM];
	int err = 0;

	if (why)
		*why = NULL;
	/* First the connection: with nobody left to answer, whatever touches
	 * the mount from here on gets an error instead of waiting. */
	if (res->fd >= 0)
		close(res->fd);
	res->fd = -1;
	if (ours && mnt_locate(&res->ident, path, sizeof(path)) == 0)
		err = unmount_ident(&res->ident, res->via_helper, &text);
	else if (connected)
		err = unmount_same_dev(res, mountpoint, &text);
	if (err && why) {
		struct mnt_text full = {0};

		mnt_text_add(&full, "fuse: failed to unmount %s: %s\n%s", mountpoint,
			     strerror(-err), text.str ? text.str : "");
		*why = mnt_text_take(&full);
	}
	mnt_result_end(res);
	return err;
}
