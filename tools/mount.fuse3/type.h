/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filesystem types as the mount table has them. */
#ifndef PROFUSE_MOUNT_FUSE3_TYPE_H
#define PROFUSE_MOUNT_FUSE3_TYPE_H

#include <stdbool.h>

/* Whether it is FUSE's: fuse, fuseblk, or one of these with a subtype. */
bool type_is_fuse(const char *type);

#endif
