/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting with a deadline, and saying so when it takes long. */
#ifndef PROFUSE_MOUNT_FUSE3_PATIENCE_H
#define PROFUSE_MOUNT_FUSE3_PATIENCE_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

struct patience {
	int64_t start;	  /* ms of CLOCK_MONOTONIC */
	int64_t deadline; /* INT64_MAX for none */
	int64_t speak;	  /* when to say something next */
};

/* seconds: how long from now, < 0 for ever. Also makes SIGINT and SIGTERM end
 * a wait instead of the process. */
void patience_start(struct patience *p, int seconds);

/* Seconds since the start. */
int patience_spent(const struct patience *p);

/*
 * poll(2) until the deadline, or for at most `slice` ms if that is not
 * negative. Says "what (N s)" after 2 s and then every 10 s. Returns the number
 * of ready descriptors, 0 for the end of a slice, -ETIMEDOUT at the deadline,
 * -EINTR after a signal, or another -errno.
 */
PROFUSE_NODISCARD int patience_poll(struct patience *p, struct pollfd *fds, nfds_t n, int slice,
				    const char *what);

/*
 * Calls fn(arg, result) in a child process, for what may block in the kernel
 * where no signal reaches, and copies the result back. A child that is late is
 * killed, or left to itself if it cannot be. Returns 0 or an error of
 * patience_poll(), or -ECHILD if the child ended without a result.
 */
PROFUSE_NODISCARD int patience_call(struct patience *p, void (*fn)(const void *arg, void *result),
				    const void *arg, void *result, size_t size, const char *what);

#endif
