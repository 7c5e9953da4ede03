/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which way to try first, and which one after a failure. Pure. */
#ifndef PROFUSE_MOUNT_PLAN_H
#define PROFUSE_MOUNT_PLAN_H

#include "mount/attempt.h"

#define MNT_FD_PREFIX "/dev/fd/"

/* What the decisions depend on beside the failure itself. */
struct mnt_circumstances {
	bool sys_admin;	     /* CAP_SYS_ADMIN is effective */
	bool userns_allowed; /* -o userns */
	bool in_userns;	     /* that tier has entered one already */
};

/* MNT_TIER_COUNT means: no further way, report. */
#define MNT_TIER_NONE MNT_TIER_COUNT

enum mnt_tier mnt_plan_first(const char *mountpoint);
enum mnt_tier mnt_plan_next(enum mnt_tier failed, enum mnt_stage stage, int err,
			    const struct mnt_circumstances *c);

bool mnt_has_sys_admin(void);

#endif
