/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening files for a service. */
#ifndef PROFUSE_MOUNT_FUSE3_SERVICE_FILE_H
#define PROFUSE_MOUNT_FUSE3_SERVICE_FILE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "mount/service_wire.h"

/*
 * Opens a file that the user named with flags that service_may_open() allowed.
 * Only regular files and block devices are opened, and with `device` only those.
 * Returns a descriptor, CLOEXEC, or -errno.
 */
PROFUSE_NODISCARD int service_file_open(const char *path, const struct service_open *how, int flags,
					bool device);

/* The file of arguments: argv, ended by NULL. A descriptor or -errno. */
PROFUSE_NODISCARD int service_file_of_args(char *const argv[]);

#endif
