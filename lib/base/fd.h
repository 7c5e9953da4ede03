/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small helpers over file descriptors. All return negative errno on failure. */
#ifndef PROFUSE_BASE_FD_H
#define PROFUSE_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"

/* Opens /dev/null on every one of 0, 1, 2 that is closed, so that a file
 * opened later cannot land there and receive text meant for a human. */
PROFUSE_NODISCARD int fd_ensure_stdio(void);

/* Sets or clears O_NONBLOCK. Returns 1 if it was set before, 0 if not. */
int fd_set_nonblock(int fd, int on);

/* Reads or writes exactly len bytes, across short transfers and EINTR.
 * fd_read_full returns 0 at a clean end of file before the first byte, -EIO
 * at one in the middle, else len. */
PROFUSE_NODISCARD ssize_t fd_read_full(int fd, void *buf, size_t len);
PROFUSE_NODISCARD ssize_t fd_write_full(int fd, const void *buf, size_t len);

#endif
