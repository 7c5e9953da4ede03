/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filesystem's program: finding it, its arguments, becoming it. */
#ifndef PROFUSE_MOUNT_FUSE3_PROGRAM_H
#define PROFUSE_MOUNT_FUSE3_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "cmdline.h"

/*
 * Looks for `name` in the directories of PATH; a name with a slash is taken as
 * it is. As root, directories that are not absolute do not count, or a `mount`
 * called in somebody's home directory would run what lies there. Returns 0
 * with the path, to be freed, -ENOENT, -EACCES or -ENOMEM; *looked, to be
 * freed too, says where it looked and what was wrong there.
 */
PROFUSE_NODISCARD int program_find(const char *name, char **path, char **looked);

/* The same, and says what went wrong. Returns -1 or an exit code. */
PROFUSE_NODISCARD int program_require(const struct mount_request *req, char **path);

/* What the filesystem is called with. */
struct program_args {
	char *argv[8];
	char *dir;     /* memory of argv */
	char *options; /* the same */
};

/*
 * SOURCE DIR -o OPTIONS, and the other way round with "--" where the source
 * could be taken for an option. Returns 0 or -ENOMEM.
 */
PROFUSE_NODISCARD int program_arguments(const struct mount_request *req, const char *dir,
					bool may_grant, struct program_args *out);
void program_arguments_free(struct program_args *args);

/* Returns only if it failed, with an exit code, having said why. */
int program_become(const char *path, char *const argv[]);

#endif
