/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An empty filesystem of the path API. The variable HOW says what goes wrong:
 *
 *	refuse	init() asks for what the kernel does not have
 *	exit	init() ends the process with status 7
 *	crash	init() aborts
 *	hang	init() does not return
 *	vanish	the mountpoint is removed before it is mounted on; needs -d
 *
 * Compiled with the headers of either generation.
 */
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ends.h"

static const char *how = "", *mountpoint;

static void *e_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	end_in_init(how, conn);
	return NULL;
}

static int e_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (strcmp(path, "/") != 0)
		return -ENOENT;
	st->st_mode = S_IFDIR | 0751;
	st->st_nlink = 2;
	return 0;
}

static const struct fuse_operations ops = {.init = e_init, .getattr = e_getattr};

/* Debug mode's first words come after the command line and before the mount. */
static void log_and_remove(enum fuse_log_level level, const char *fmt, va_list ap)
{
	rmdir(mountpoint);
	vfprintf(stderr, fmt, ap);
}

int main(int argc, char *argv[])
{
	if (getenv("HOW"))
		how = getenv("HOW");
	mountpoint = argv[argc - 1];
	if (strcmp(how, "vanish") == 0)
		fuse_set_log_func(log_and_remove);
	return fuse_main(argc, argv, &ops, NULL);
}
