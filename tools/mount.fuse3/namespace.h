/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -N: work in another mount namespace. */
#ifndef PROFUSE_MOUNT_FUSE3_NAMESPACE_H
#define PROFUSE_MOUNT_FUSE3_NAMESPACE_H

#include "base/compiler.h"

/* ns is a file like /proc/PID/ns/mnt, or a process id. Returns -1, or an exit
 * code after saying what went wrong. */
PROFUSE_NODISCARD int namespace_enter(const char *ns);

#endif
