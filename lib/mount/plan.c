/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/plan.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum mnt_tier mnt_plan_first(const char *mountpoint)
{
	if (strncmp(mountpoint, MNT_FD_PREFIX, strlen(MNT_FD_PREFIX)) == 0)
		return MNT_TIER_FD;
	return MNT_TIER_FSOPEN;
}

static bool is_permission(int err)
{
	return err == -EPERM || err == -EACCES;
}

/*
 * The idea: go on as long as another way may have more rights or knows an
 * older interface; stop where every way would meet the same refusal, so that
 * its reason stands at the end of the report.
 */
enum mnt_tier mnt_plan_next(enum mnt_tier failed, enum mnt_stage stage, int err,
			    const struct mnt_circumstances *c)
{
	/* The filesystem itself said no. */
	if (stage == MNT_STAGE_INIT)
		return MNT_TIER_NONE;

	switch (failed) {
	case MNT_TIER_FSOPEN:
		/* mount(2) needs the same device and the same capability. */
		if (stage != MNT_STAGE_DEVICE && (c->sys_admin || !is_permission(err)))
			return MNT_TIER_MOUNT;
		break;
	case MNT_TIER_MOUNT:
		if (stage != MNT_STAGE_DEVICE && !is_permission(err) && err != -ENOSYS)
			return MNT_TIER_NONE;
		break;
	case MNT_TIER_HELPER:
		return c->userns_allowed && !c->in_userns ? MNT_TIER_USERNS : MNT_TIER_NONE;
	default:
		return MNT_TIER_NONE;
	}
	/* Inside its own user namespace setuid means nothing. */
	return c->in_userns ? MNT_TIER_NONE : MNT_TIER_HELPER;
}

bool mnt_has_sys_admin(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (syscall(SYS_capget, &head, data) < 0)
		return geteuid() == 0;
	return data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}
