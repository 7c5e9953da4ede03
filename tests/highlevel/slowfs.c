/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files /0 to /99 whose attributes take 10 ms to find out, as over a network. */
#define FUSE_USE_VERSION 319
#include <fuse.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int slow_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct timespec while_asking = {.tv_nsec = 10000000};
	int root = !strcmp(path, "/");
	char *end;

	if (!root && (strtoul(path + 1, &end, 10) > 99 || *end))
		return -ENOENT;
	if (!root)
		nanosleep(&while_asking, NULL);
	st->st_mode = root ? S_IFDIR | 0755 : S_IFREG | 0444;
	st->st_nlink = 1;
	return 0;
}

int main(int argc, char *argv[])
{
	static const struct fuse_operations ops = {.getattr = slow_getattr};

	return fuse_main(argc, argv, &ops, NULL);
}
