/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call of mnt_mount() on its way through the tiers. */
#ifndef PROFUSE_MOUNT_ATTEMPT_H
#define PROFUSE_MOUNT_ATTEMPT_H

#include "mount/ident.h"
#include "mount/mount.h"
#include "mount/options.h"
#include "mount/text.h"

/* How far a tier came. What is tried next depends on it. */
enum mnt_stage {
	MNT_STAGE_DEVICE,  /* opening /dev/fuse */
	MNT_STAGE_START,   /* the first step that needs permission, or a helper */
	MNT_STAGE_OPTIONS, /* the kernel looks at each option */
	MNT_STAGE_CREATE,  /* the filesystem is made */
	MNT_STAGE_INIT,	   /* the filesystem's own answer to INIT */
	MNT_STAGE_ATTACH,  /* it is put at its place */
};

struct mnt_attempt {
	const char *mountpoint;
	const struct mnt_opts *opts;
	const struct mnt_hooks *hooks; /* or NULL */
	struct mnt_result *res;

	int target;	    /* the mountpoint, O_PATH */
	mode_t rootmode;    /* its file type */
	const char *device; /* /dev/fuse or what FUSE_KERN_DEVICE says */
	char helper[4096];  /* path of fusermount3 if one was found, else "" */
	char *helper_said;  /* its stderr, or NULL */
	struct mnt_text notes;

	/* Of the tier tried last, when it failed. */
	enum mnt_stage stage;
	struct mnt_text reason;
};

/* Each mounts and fills a->res, or returns -errno with stage and reason. */
PROFUSE_NODISCARD int mnt_tier_fd(struct mnt_attempt *a);
PROFUSE_NODISCARD int mnt_tier_fsopen(struct mnt_attempt *a);
PROFUSE_NODISCARD int mnt_tier_mount(struct mnt_attempt *a);
PROFUSE_NODISCARD int mnt_tier_helper(struct mnt_attempt *a);
PROFUSE_NODISCARD int mnt_tier_userns(struct mnt_attempt *a);

/* Records why the tier failed and returns err, a negative errno. */
int mnt_attempt_failed(struct mnt_attempt *a, enum mnt_stage stage, int err, const char *fmt, ...)
	PROFUSE_PRINTF(4, 5);

#endif
