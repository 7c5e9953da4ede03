/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities. All return 0 or -1 with errno. */
#ifndef PROFUSE_MOUNT_FUSE3_PRIVILEGES_H
#define PROFUSE_MOUNT_FUSE3_PRIVILEGES_H

#include "base/compiler.h"

/* Makes every permitted capability effective. */
PROFUSE_NODISCARD int privileges_raise(void);

/*
 * Gives up every capability of this thread for good: no set has one left, and
 * neither uid 0 nor a setuid program nor file capabilities bring one back.
 * Needs CAP_SETPCAP, unless there is none to give up.
 */
PROFUSE_NODISCARD int privileges_drop(void);

#endif
