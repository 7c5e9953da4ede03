/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount that is made for a service, and what becomes of it. */
#ifndef PROFUSE_MOUNT_FUSE3_SERVICE_MOUNT_H
#define PROFUSE_MOUNT_FUSE3_SERVICE_MOUNT_H

#include <sys/types.h>

#include "cmdline.h"
#include "mount/mount.h"

struct service_plan {
	const struct mount_request *req;
	int device; /* the service has a copy, which the mount is tied to */

	/* What the service said, as far as it may. */
	bool block;
	bool placed;
	char *source;  /* or NULL */
	char *options; /* or NULL */

	bool mounted;
	struct mnt_result res;
};

/* Opens the device. 0 or -errno; to be ended in either case. */
PROFUSE_NODISCARD int service_plan_start(struct service_plan *plan,
					 const struct mount_request *req);

/* The mountpoint as the service knows it, and the type that it must have. 0 or
 * -errno. */
PROFUSE_NODISCARD int service_plan_place(struct service_plan *plan, const char *dir,
					 const char *named, uint32_t format);

/* Mounts. 0 or -errno, having said why. */
PROFUSE_NODISCARD int service_plan_mount(struct service_plan *plan, uint32_t flags);

/* keep: the mount stays, if there is one. */
void service_plan_end(struct service_plan *plan, bool keep);

#endif
