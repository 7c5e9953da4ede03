/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The benchmark filesystem without a library: from the request's bytes to the
 * answer's. What the bare loops have in common. */
#ifndef PROFUSE_BENCH_BARE_FS_H
#define PROFUSE_BENCH_BARE_FS_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/wire.h"

struct bare_answer {
	int error;	  /* 0 or negative errno */
	bool none;	  /* no answer */
	size_t len;	  /* of the body */
	const void *data; /* the body, where it is not in the buffer given */
};

/* arg: the fixed argument; tail: what follows it. body: at least 1 MiB. */
struct bare_answer bare_serve(const struct fuse_in_header *h, const void *arg, const void *tail,
			      void *body);

/* Opens /dev/fuse and mounts it (root). -1 with a message on failure. */
int bare_mount(const char *mountpoint, int open_flags);

/* --backing=FILE */
extern int bare_backing;
/* -p: the device, by which the kernel is told to read and write that file by itself; or -1. */
extern int bare_passthrough;

#endif
