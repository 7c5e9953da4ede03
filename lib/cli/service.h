/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem that runs as a service: what the files of it share. */
#ifndef PROFUSE_CLI_SERVICE_H
#define PROFUSE_CLI_SERVICE_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/compiler.h"

struct fuse_args;

struct fuse_service {
	int sock;	/* to who mounts; -1 once released */
	int args_fd;	/* the file of arguments, or -1 */
	int device;	/* /dev/fuse, -1 once the session has it */
	uint32_t flags; /* SERVICE_CAN_* */
	mode_t format;	/* of the mountpoint; 0: any */
};

/* Sends head, and the string with its NUL if there is one. 0 or -errno. */
PROFUSE_NODISCARD int cli_service_send(const struct fuse_service *sf, const void *head, size_t size,
				       const char *string);

/*
 * Receives one message of at most size bytes. *fd, if not NULL, becomes the
 * descriptor that came with it, or -1. Returns its length, -ECONNRESET if the
 * other side has hung up, -EBADMSG for a longer message or more descriptors.
 */
PROFUSE_NODISCARD ssize_t cli_service_receive(int sock, void *buf, size_t size, int *fd);

/* Adds the arguments that a file of `size` bytes holds, but the first, which is
 * the name of who mounts. 0, -EBADMSG or -ENOMEM. */
PROFUSE_NODISCARD int cli_service_add_args(const char *file, size_t size, struct fuse_args *args);

#endif
