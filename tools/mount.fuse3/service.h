/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filesystems that run as a service: we connect to the socket of their type, open
 * files for them, and mount. The service may be anybody's: what it can make us
 * do is in service_policy.c.
 */
#ifndef PROFUSE_MOUNT_FUSE3_SERVICE_H
#define PROFUSE_MOUNT_FUSE3_SERVICE_H

#include "cmdline.h"

/*
 * The socket of a filesystem type. Returns 0 with the path in the buffer of
 * SERVICE_PATH_SIZE bytes, if the caller may connect to it, else -errno: -EINVAL
 * for a type that no socket can have, -EPERM for a directory that is not root's
 * alone.
 */
#define SERVICE_PATH_SIZE 108 /* of sun_path */
PROFUSE_NODISCARD int service_find(const char *type, char *path);

/* Asks the service to mount. Returns -1, with the reason in *err, if there is none
 * to be asked; else the exit code. */
PROFUSE_NODISCARD int service_mount(const struct mount_request *req, int *err);

#endif
