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

/* Leaves a file where the test can see that it is time. */
static void never_return(void)
{
	FILE *f = fopen(getenv("MARKER"), "w");

	if (f)
		fclose(f);
	for (;;)
		pause();
}

static const char *how = "", *mountpoint;

static void *e_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	if (strcmp(how, "refuse") == 0)
		conn->want |= 1u << 2; /* which no capability has */
	if (strcmp(how, "exit") == 0)
		_exit(7);
	if (strcmp(how, "crash") == 0)
		abort();
	if (strcmp(how, "hang") == 0)
		never_return();
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
