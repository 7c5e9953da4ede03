/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Last resort, on request: mount where only we and our children see it. */
#include "mount/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mount/plan.h"
#include "mount/userns.h"

/* The mountpoint was opened in the old namespace; nothing can be attached
 * there from the new one. */
static int reopen_target(struct mnt_attempt *a)
{
	int fd = open(a->mountpoint, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return mnt_attempt_failed(a, MNT_STAGE_ATTACH, -errno, "%s: %s", a->mountpoint,
					  strerror(errno));
	close(a->target);
	a->target = fd;
	return 0;
}

int mnt_tier_userns(struct mnt_attempt *a)
{
	const struct mnt_circumstances c = {.sys_admin = true, .in_userns = true};
	CLEANUP_TEXT struct mnt_text why = {0};
	int err;

	err = mnt_userns_enter(false, &why);
	if (err) {
		/* Its text ends in a newline, the report's lines end themselves. */
		return mnt_attempt_failed(a, MNT_STAGE_START, err, "%.*s",
					  why.len ? (int)why.len - 1 : 0, why.str ? why.str : "");
	}
	err = reopen_target(a);
	if (!err)
		err = mnt_tier_fsopen(a);
	if (err && mnt_plan_next(MNT_TIER_FSOPEN, a->stage, err, &c) == MNT_TIER_MOUNT)
		err = mnt_tier_mount(a);
	if (err)
		return err;
	mnt_text_add(&a->notes,
		     "fuse: mounted in a user namespace; from outside it is at "
		     "/proc/%d/root%s\n",
		     (int)getpid(), a->mountpoint);
	return 0;
}
