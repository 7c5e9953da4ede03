/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user namespace with a mount namespace, for mounting without any help. */
#ifndef PROFUSE_MOUNT_USERNS_H
#define PROFUSE_MOUNT_USERNS_H

#include <stdbool.h>

#include "mount/text.h"

/*
 * Moves the calling process, which must have one thread, into a new user and
 * mount namespace. Its user and group keep their numbers, or become 0 inside
 * with as_root; nobody else is mapped. It has every capability there until it
 * executes something. Mounts made outside later still appear inside; what is
 * mounted inside stays inside.
 *
 * Returns 0, or -errno with the step that failed and a hint in *why. After
 * some failures the process is in the new namespaces all the same.
 */
PROFUSE_NODISCARD int mnt_userns_enter(bool as_root, struct mnt_text *why);

/* The mount namespace alone, for who has CAP_SYS_ADMIN already. */
PROFUSE_NODISCARD int mnt_mountns_enter(struct mnt_text *why);

#endif
