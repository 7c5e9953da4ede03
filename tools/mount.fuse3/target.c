/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/helper.h"
#include "mount/kernel.h"
#include "mount/mountinfo.h"
#include "mount/unmount.h"
#include "type.h"

#define ATTR_MOUNT_ROOT 0x2000ULL /* STATX_ATTR_MOUNT_ROOT, Linux 5.8 */

struct search {
	const char *dir;
};

struct found {
	int err;
	struct target target;
};

/* Whether fd, opened with O_PATH, is the root of a mount. */
static bool is_mount_root(int fd)
{
	struct mnt_statx sx = {0};

	if (mnt_sys_statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &sx) < 0)
		return false;
	/* An older kernel does not say; then the mount table decides. */
	return (sx.attributes & ATTR_MOUNT_ROOT) || !(sx.attributes_mask & ATTR_MOUNT_ROOT);
}

static int type_of_mount(const struct mnt_ident *ident, char *type, size_t size)
{
	struct mnt_info_reader reader;
	struct mnt_info_line line;
	int err;

	err = mnt_info_open(&reader);
	if (err)
		return err;
	while ((err = mnt_info_next(&reader, &line)) > 0) {
		if (line.id != ident->id)
			continue;
		snprintf(type, size, "%s", line.type);
		err = 1;
		break;
	}
	mnt_info_close(&reader);
	if (err < 0)
		return err;
	return err ? 0 : -EINVAL;
}

static int find_with(const char *dir, int flags, struct target *t)
{
	CLEANUP_CLOSE int fd = open(dir, O_PATH | O_CLOEXEC | flags);
	int err;

	if (fd < 0)
		return -errno;
	err = mnt_ident_of_fd(fd, &t->ident);
	if (err)
		return err;
	if (!is_mount_root(fd))
		return -EINVAL;
	err = mnt_locate(&t->ident, t->path, sizeof(t->path));
	return err ? err : type_of_mount(&t->ident, t->type, sizeof(t->type));
}

static void find_in_child(const void *arg, void *result)
{
	const struct search *search = arg;
	struct found *found = result;

	/* The mount at this name; else the name may be a link to a mountpoint. */
	found->err = find_with(search->dir, O_NOFOLLOW, &found->target);
	if (found->err == -EINVAL)
		found->err = find_with(search->dir, 0, &found->target);
}

int target_find(struct patience *p, const char *dir, struct target *out)
{
	struct search search = {dir};
	static struct found found;
	int err;

	memset(&found, 0, sizeof(found));
	err = patience_call(p, find_in_child, &search, &found, sizeof(found),
			    "the path leads through a filesystem that does not answer");
	if (err)
		return err;
	*out = found.target;
	return found.err;
}

struct order {
	const struct target *target;
	unsigned int flags;
};

static void add_text(struct target_outcome *out, const char *s)
{
	size_t len = strlen(out->text);

	if (s)
		snprintf(out->text + len, sizeof(out->text) - len, "%s", s);
}

/* Runs a program that has the right that we lack. */
static int ask(const char *program, char *const argv[], struct target_outcome *out)
{
	CLEANUP_TEXT struct mnt_text text = {0};
	struct mnt_helper_run run;
	int err;

	err = mnt_helper_start(&run, program, argv, false);
	if (!err) {
		mnt_helper_finish(&run);
		err = run.status ? -EPERM : 0;
	}
	if (err) {
		mnt_text_add(&text, "  %s ", program);
		mnt_helper_verdict(&run, &text);
		mnt_text_add(&text, "\n");
		add_text(out, text.str);
	}
	mnt_helper_end(&run);
	return err;
}

/*
 * fusermount3 unmounts what the user mounted; umount(8) also what fstab lets
 * anybody unmount ("users"). umount(8) started us and gave its rights up
 * before; -i keeps it from coming back here.
 */
static int ask_others(const struct target *t, unsigned int flags, struct target_outcome *out)
{
	static const char *const umount_paths[] = {"/usr/bin/umount", "/bin/umount",
						   "/run/wrappers/bin/umount"};
	const bool lazy = flags & TARGET_LAZY;
	const char *fusermount[] = {"fusermount3", "-u", "--", t->path, NULL};
	const char *fusermount_lazy[] = {"fusermount3", "-u", "-z", "--", t->path, NULL};
	const char *umount[] = {"umount", "-i", "--", t->path, NULL};
	const char *umount_lazy[] = {"umount", "-i", "-l", "--", t->path, NULL};
	char helper[PATH_MAX];
	int err = -EPERM;

	if (mnt_helper_find(helper, sizeof(helper), NULL) == 0)
		err = ask(helper, (char *const *)(lazy ? fusermount_lazy : fusermount), out);
	for (size_t i = 0; err && i < ARRAY_SIZE(umount_paths); i++) {
		if (access(umount_paths[i], X_OK) == 0) {
			err = ask(umount_paths[i], (char *const *)(lazy ? umount_lazy : umount),
				  out);
			break;
		}
	}
	if (!err)
		out->text[0] = '\0';
	return err;
}

/* Those who waited for the filesystem wake up with an error when the connection
 * ends, and need a moment to leave. */
static int unmount_by_force(const char *path, int flags)
{
	const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < 50; i++) {
		if (umount2(path, flags) == 0)
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&moment, NULL);
	}
	return -1;
}

static void unmount_in_child(const void *arg, void *result)
{
	const struct order *order = arg;
	struct target_outcome *out = result;
	char path[PATH_MAX];
	int flags = UMOUNT_NOFOLLOW;

	out->err = mnt_reachable(&order->target->ident, path, sizeof(path));
	if (out->err == -EBUSY)
		add_text(out, "  something else has been mounted on top of it\n");
	if (out->err)
		return;
	flags |= order->flags & TARGET_LAZY ? MNT_DETACH : 0;
	if (order->flags & TARGET_FORCE) {
		if (unmount_by_force(path, flags | MNT_FORCE) == 0)
			return;
	} else if (umount2(path, flags) == 0) {
		return;
	}
	out->err = -errno;
	if (out->err == -EPERM)
		out->err = ask_others(order->target, order->flags, out);
}

int target_unmount(struct patience *p, const struct target *t, unsigned int flags,
		   struct target_outcome *outcome)
{
	struct order order = {t, flags};
	int err;

	memset(outcome, 0, sizeof(*outcome));
	err = patience_call(p, unmount_in_child, &order, outcome, sizeof(*outcome),
			    "unmounting; the kernel waits for the filesystem");
	if (err)
		outcome->err = err;
	return outcome->err;
}

bool target_is_gone(const struct target *t)
{
	char path[PATH_MAX];

	return mnt_locate(&t->ident, path, sizeof(path)) == -ENOENT;
}

int target_make_read_only(const struct target *t)
{
	/* mount_setattr(2); a remount would forget nosuid and the like. */
	struct {
		uint64_t set, clear, propagation, userns_fd;
	} attr = {.set = MNT_ATTR_RDONLY};

	return syscall(MNT_NR(442), AT_FDCWD, t->path, AT_SYMLINK_NOFOLLOW, &attr, sizeof(attr)) < 0
		       ? -errno
		       : 0;
}

bool target_elsewhere(const struct target *t, char *path, size_t size)
{
	struct mnt_info_reader reader;
	struct mnt_info_line line;
	bool found = false;

	if (mnt_info_open(&reader) < 0)
		return false;
	while (!found && mnt_info_next(&reader, &line) > 0) {
		if (line.dev != t->ident.dev || !type_is_fuse(line.type))
			continue;
		snprintf(path, size, "%s", line.point);
		found = true;
	}
	mnt_info_close(&reader);
	return found;
}
