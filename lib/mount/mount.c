/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The planner's loop: try a tier, write down why it failed, try the next. */
#include "mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "mount/attempt.h"
#include "mount/device.h"
#include "mount/hint.h"
#include "mount/plan.h"
#include "mount/watch.h"

static const struct {
	const char *name;
	int (*run)(struct mnt_attempt *a);
} tiers[MNT_TIER_COUNT] = {
	[MNT_TIER_FD] = {"passed descriptor", mnt_tier_fd},
	[MNT_TIER_FSOPEN] = {"new mount API", mnt_tier_fsopen},
	[MNT_TIER_MOUNT] = {"mount(2)", mnt_tier_mount},
	[MNT_TIER_HELPER] = {"helper", mnt_tier_helper},
	[MNT_TIER_USERNS] = {"user namespace", mnt_tier_userns},
};

const char *mnt_tier_name(enum mnt_tier tier)
{
	return (unsigned int)tier < MNT_TIER_COUNT ? tiers[tier].name : "none";
}

int mnt_attempt_failed(struct mnt_attempt *a, enum mnt_stage stage, int err, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	a->stage = stage;
	mnt_text_free(&a->reason);
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) >= 0)
		mnt_text_add(&a->reason, "%s", text);
	va_end(ap);
	free(text);
	return err;
}

static void blank_result(struct mnt_result *res)
{
	*res = (struct mnt_result){.fd = -1, .keep_fd = -1, .ident = MNT_IDENT_NONE};
}

static int open_target(struct mnt_attempt *a)
{
	struct stat st;

	a->target = open(a->mountpoint, O_PATH | O_CLOEXEC);
	if (a->target < 0 || fstat(a->target, &st) < 0)
		return -errno;
	a->rootmode = st.st_mode & S_IFMT;
	return 0;
}

/*
 * Runs the tiers. The error returned is that of the first way that got as far
 * as asking the kernel: the helper only ever says "1".
 */
static int run_plan(struct mnt_attempt *a, struct mnt_text *report)
{
	struct mnt_circumstances c = {
		.sys_admin = mnt_has_sys_admin(),
		.userns_allowed = a->opts->given[MNT_OPT_USERNS],
	};
	enum mnt_tier tier = mnt_plan_first(a->mountpoint);
	int err, told = 0;

	do {
		a->res->tier = tier;
		err = tiers[tier].run(a);
		if (!err)
			return 0;
		if (!told || tier == MNT_TIER_MOUNT)
			told = err;
		mnt_text_add(report, "  %s: %s\n", mnt_tier_name(tier),
			     a->reason.str ? a->reason.str : strerror(-err));
		tier = mnt_plan_next(tier, a->stage, err, &c);
	} while (tier != MNT_TIER_NONE);
	mnt_hint_mount(a, told, report);
	return told;
}

/* auto_unmount, for the ways that leave a mount behind: a user namespace ends
 * with its processes anyhow. */
static int watch_mount(struct mnt_attempt *a, struct mnt_text *ways)
{
	struct mnt_result *res = a->res;
	int err;

	if (!a->opts->given[MNT_OPT_AUTO_UNMOUNT] || res->tier == MNT_TIER_FD ||
	    res->tier == MNT_TIER_USERNS)
		return 0;
	err = mnt_watch_start(res, a->helper);
	if (!err)
		return 0;
	if (res->init_done)
		a->hooks->stop(a->hooks->data, res->fd);
	mnt_unmount(res, a->mountpoint, NULL);
	mnt_text_add(ways, "  auto_unmount: no process to watch: %s\n", strerror(-err));
	return err;
}

static int mount_somewhere(struct mnt_attempt *a, struct mnt_text *report)
{
	CLEANUP_TEXT struct mnt_text ways = {0};
	bool passed = mnt_plan_first(a->mountpoint) == MNT_TIER_FD;
	int err = passed ? 0 : open_target(a);

	if (err) {
		mnt_text_add(report, "fuse: bad mount point `%s': %s\n", a->mountpoint,
			     strerror(-err));
		mnt_hint_mountpoint(a->mountpoint, err, report);
		return err;
	}
	a->device = mnt_device_path(&a->notes);
	err = run_plan(a, &ways);
	if (!err)
		err = watch_mount(a, &ways);
	if (err)
		mnt_text_add(report, "fuse: mount failed: %s\n  on %s\n%s", strerror(-err),
			     a->mountpoint, ways.str ? ways.str : "");
	return err;
}

static void add_notes(struct mnt_attempt *a)
{
	if (a->opts->given[MNT_OPT_ALLOW_OTHER] && !a->opts->given[MNT_OPT_DEFAULT_PERM] &&
	    a->res->tier != MNT_TIER_FD)
		mnt_text_add(&a->notes,
			     "fuse: allow_other without default_permissions: the kernel may grant "
			     "one user what the filesystem granted another\n");
}

int mnt_mount(const char *mountpoint, const struct mnt_opts *opts, const struct mnt_hooks *hooks,
	      struct mnt_result *res)
{
	struct mnt_attempt a = {
		.mountpoint = mountpoint,
		.opts = opts,
		.hooks = hooks,
		.res = res,
		.target = -1,
	};
	CLEANUP_TEXT struct mnt_text report = {0};
	int err;

	blank_result(res);
	err = fd_ensure_stdio();
	if (err)
		mnt_text_add(&report, "fuse: mount failed: cannot open /dev/null: %s\n",
			     strerror(-err));
	else
		err = mount_somewhere(&a, &report);
	if (err) {
		blank_result(res);
		res->report = mnt_text_take(&report);
	} else {
		add_notes(&a);
	}
	res->notes = mnt_text_take(&a.notes);
	mnt_text_free(&a.reason);
	free(a.helper_said);
	if (a.target >= 0)
		close(a.target);
	return err;
}

void mnt_result_end(struct mnt_result *res)
{
	if (res->fd >= 0)
		close(res->fd);
	if (res->keep_fd >= 0)
		close(res->keep_fd);
	free(res->report);
	free(res->notes);
	blank_result(res);
}
