/* SPDX-License-Identifier: GPL-2.0-or-later */
/* setuid=USER: who the filesystem runs as. */
#ifndef PROFUSE_MOUNT_FUSE3_IDENTITY_H
#define PROFUSE_MOUNT_FUSE3_IDENTITY_H

#include <stdbool.h>

#include "base/compiler.h"

/*
 * Becomes the user, given by name or number, with their groups, and sets HOME,
 * USER and LOGNAME to theirs. keep_capabilities: those that the process has
 * survive, for what is still to be mounted. Returns -1, or an exit code after
 * saying what went wrong.
 */
PROFUSE_NODISCARD int identity_become(const char *user, bool keep_capabilities);

/* HOME is needed by many filesystems, and there is none at boot. */
void identity_ensure_home(void);

#endif
