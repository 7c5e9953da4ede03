/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes that serve a filesystem: those that hold its /dev/fuse. */
#ifndef PROFUSE_MOUNT_FUSE3_SERVERS_H
#define PROFUSE_MOUNT_FUSE3_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"

struct server {
	pid_t pid;
	int pidfd;
	int fd;	  /* the number of the device in that process */
	int copy; /* of that descriptor, or -1 where we may not have one */
	/* It serves other filesystems as well, or is init, which keeps
	 * descriptors for services: that it ends is not to be expected. */
	bool stays;
	/* It waits for us, so waiting for it would take for ever. */
	bool ancestor;
	char name[32];
};

struct servers {
	struct server *list;
	size_t count;
};

/*
 * Finds the processes that hold the connection of the filesystem with this
 * device number. Returns 0, also if none can be seen, or -ENOMEM. Where the
 * kernel does not tell whose a descriptor is (before fdinfo had
 * fuse_connection), every live one counts until servers_settle().
 */
PROFUSE_NODISCARD int servers_find(dev_t dev, struct servers *out);

/* The way for old kernels alone, for tests. */
PROFUSE_NODISCARD int servers_find_all(struct servers *out);

enum servers_state {
	SERVERS_UNKNOWN, /* nobody to be seen */
	SERVERS_LIVE,	 /* the connection goes on: mounted or in use elsewhere */
	SERVERS_ENDED,
};

/* After the unmounting: drops those whose connection goes on, unless all do,
 * and gives the copies back, so that the connection can be released. */
enum servers_state servers_settle(struct servers *s);

/* Whether the process still has the descriptor. */
bool server_holds(const struct server *s, dev_t dev);

/* The state in /proc/PID/stat, '?' if it cannot be read. */
char server_run_state(const struct server *s);

void servers_free(struct servers *s);

#endif
