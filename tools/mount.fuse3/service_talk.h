/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket to a service: packets with a deadline. */
#ifndef PROFUSE_MOUNT_FUSE3_SERVICE_TALK_H
#define PROFUSE_MOUNT_FUSE3_SERVICE_TALK_H

#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "mount/service_wire.h"
#include "patience.h"

/* A socket connected to path, or -errno. */
PROFUSE_NODISCARD int talk_connect(const char *path);

/*
 * Receives one message; descriptors that come with it are not taken. Returns its
 * length, 0 if the service has hung up, -EMSGSIZE for one that is longer, -ETIMEDOUT,
 * -EINTR, or another -errno.
 */
PROFUSE_NODISCARD ssize_t talk_receive(int sock, struct patience *p, char *buf, size_t size,
				       const char *what);

/* The beginning: versions. 0 or -errno. */
PROFUSE_NODISCARD int talk_greet(int sock, struct patience *p, uint32_t flags, const char *what);

/* The answer to a command; err is 0 or -errno. Returns 0 or -errno. */
PROFUSE_NODISCARD int talk_reply(int sock, struct patience *p, int err);

/* The answer to a request for path: a descriptor, or -errno in its place. */
PROFUSE_NODISCARD int talk_send_file(int sock, struct patience *p, const char *path, int fd);

#endif
