/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a failure to what the user can do about it. */
#ifndef PROFUSE_MOUNT_HINT_H
#define PROFUSE_MOUNT_HINT_H

#include <sys/types.h>

#include "mount/attempt.h"

/* What a hint may depend on, so that tests can make it up. */
struct mnt_facts {
	uid_t uid;
	bool sys_admin;
	bool no_new_privs;
	const char *device;
	int device_err;		 /* of opening it, 0 or -errno */
	mode_t device_mode;	 /* permission bits, 0 if it cannot be looked at */
	const char *helper;	 /* path or "" */
	bool helper_setuid;	 /* owned by root with the bit, on a mount without nosuid */
	const char *helper_said; /* or NULL */
	int err;		 /* of the whole attempt */
	enum mnt_stage stage;
	bool blkdev;
};

/* Adds lines "hint: ..." for the mount that failed with err. */
void mnt_hint_mount(const struct mnt_attempt *a, int err, struct mnt_text *out);
void mnt_hint_from_facts(const struct mnt_facts *f, struct mnt_text *out);

void mnt_hint_mountpoint(const char *path, int err, struct mnt_text *out);

/* Why opening the device failed; nothing for errors that speak for themselves. */
void mnt_hint_device(const char *device, int err, mode_t mode, struct mnt_text *out);

/* Why this process cannot have a user namespace. proc_sys is /proc/sys, but
 * for tests. */
void mnt_hint_userns(const char *proc_sys, int err, struct mnt_text *out);

#endif
