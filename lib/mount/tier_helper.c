/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fusermount3 opens the device and mounts; we get the descriptor. */
#include "mount/attempt.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "mount/device.h"
#include "mount/helper.h"
#include "mount/optstr.h"
#include "mount/plan.h"

/* Ends the run as a failure; its own words are the reason. */
static int helper_failed(struct mnt_attempt *a, struct mnt_helper_run *run, int err)
{
	CLEANUP_TEXT struct mnt_text verdict = {0};

	mnt_helper_finish(run);
	mnt_helper_verdict(run, &verdict);
	free(a->helper_said);
	a->helper_said = run->said.str ? strdup(run->said.str) : NULL;
	return mnt_attempt_failed(a, MNT_STAGE_CREATE, err, "%s %s", a->helper,
				  verdict.str ? verdict.str : "failed");
}

static int start(struct mnt_attempt *a, struct mnt_helper_run *run, const char *options, bool sync)
{
	const char *name = strrchr(a->helper, '/');
	const char *argv[8];
	size_t n = 0;
	int err;

	/* Its messages start with argv[0], and users know the bare name. */
	argv[n++] = name ? name + 1 : a->helper;
	if (sync)
		argv[n++] = "--sync-init";
	if (options) {
		argv[n++] = "-o";
		argv[n++] = options;
	}
	argv[n++] = "--";
	argv[n++] = a->mountpoint;
	argv[n] = NULL;
	err = mnt_helper_start(run, a->helper, (char *const *)argv, true);
	if (err)
		return mnt_attempt_failed(a, MNT_STAGE_START, err, "failed to exec %s: %s",
					  a->helper, strerror(-err));
	return 0;
}

/*
 * The helper has opened the device and waits for a byte before it mounts, so
 * that INIT can be answered meanwhile. Returns 0, or -errno with the device
 * dropped.
 */
static int go_synchronously(struct mnt_attempt *a, struct mnt_helper_run *run,
			    struct mnt_device *dev)
{
	int32_t status = -EPROTO;
	int err;

	err = mnt_device_start(a, dev);
	if (err)
		return err;
	if (fd_write_full(run->comm, "", 1) < 0)
		return helper_failed(a, run, -EPROTO);
	if (fd_read_full(run->comm, &status, sizeof(status)) != (ssize_t)sizeof(status))
		return helper_failed(a, run, -EPROTO);
	if (status) {
		err = helper_failed(a, run, status < 0 ? status : -EPROTO);
		if (status == -ENOTCONN && dev->started)
			a->stage = MNT_STAGE_INIT;
		return err;
	}
	return 0;
}

static void keep(struct mnt_attempt *a, struct mnt_helper_run *run, struct mnt_device *dev)
{
	mnt_device_keep(a, dev);
	a->res->via_helper = true;
	mnt_helper_finish(run);
	if (run->said.str)
		mnt_text_add(&a->notes, "%s", run->said.str);
	mnt_ident_of_connection(a->res->fd, a->mountpoint, &a->res->ident);
}

/* One run, synchronous or not. *unknown says that the helper is too old for
 * the synchronous kind. */
static int run_once(struct mnt_attempt *a, const char *options, bool sync, bool *unknown)
{
	struct mnt_helper_run run;
	struct mnt_device dev = {.fd = -1};
	int err;

	*unknown = false;
	err = start(a, &run, options, sync);
	if (!err) {
		int fd = mnt_helper_receive(&run);

		if (fd < 0) {
			err = helper_failed(a, &run, -EPERM);
			*unknown = sync && run.said.str && strstr(run.said.str, "sync-init");
		} else if (sync) {
			mnt_device_adopt(a, fd, &dev);
			err = go_synchronously(a, &run, &dev);
		} else {
			dev.fd = fd;
		}
	}
	if (err)
		mnt_device_drop(a, &dev);
	else
		keep(a, &run, &dev);
	mnt_helper_end(&run);
	return err;
}

int mnt_tier_helper(struct mnt_attempt *a)
{
	CLEANUP_TEXT struct mnt_text options = {0}, left_out = {0}, looked = {0};
	bool unknown = false;
	int err;

	err = mnt_helper_find(a->helper, sizeof(a->helper), &looked);
	if (err)
		return mnt_attempt_failed(a, MNT_STAGE_START, err, "%s",
					  looked.str ? looked.str : strerror(-err));
	mnt_helper_options(a->opts, &options, &left_out);
	if (options.failed)
		return mnt_attempt_failed(a, MNT_STAGE_START, -ENOMEM, "%s", strerror(ENOMEM));
	if (a->hooks)
		err = run_once(a, options.str, true, &unknown);
	if (!a->hooks || unknown)
		err = run_once(a, options.str, false, &unknown);
	if (!err && left_out.str)
		mnt_text_add(&a->notes, "fuse: %s has no way to pass on: %s\n", a->helper,
			     left_out.str);
	return err;
}
