/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of mount.fuse3, which mount(8) or a person writes. */
#ifndef PROFUSE_MOUNT_FUSE3_CMDLINE_H
#define PROFUSE_MOUNT_FUSE3_CMDLINE_H

#include <stdbool.h>

#include "words.h"

struct mount_request {
	char *type;	    /* the program; its memory */
	char *full_type;    /* as the mount table will show it: fuse.sshfs */
	const char *source; /* or NULL */
	const char *dir;
	const char *ns; /* the mount namespace of -N, or NULL */
	struct words words;
	bool block; /* the type began with fuseblk */
	bool fake;
	bool verbose;
};

/* Returns -1 with the request, or the exit code, everything having been said. */
PROFUSE_NODISCARD int cmdline_parse(int argc, char *argv[], struct mount_request *req);
void cmdline_free(struct mount_request *req);

/* What stands behind fuse., fuse3. or fuseblk., "" for one of these names
 * alone, the type itself if it is another; *block is set for fuseblk. */
const char *cmdline_subtype(const char *type, bool *block);

#endif
