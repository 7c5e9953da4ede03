/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem with one file, built against the distribution's own libfuse:
 * what users have installed already. It sends itself the signal in
 * $HELLO_SIGNAL when somebody reads the file "die".
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "hello from outside\n";

static int hello_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
	} else if (strcmp(path, "/hello") == 0 || strcmp(path, "/die") == 0) {
		st->st_mode = S_IFREG | 0444;
		st->st_nlink = 1;
		st->st_size = sizeof(text) - 1;
	} else {
		return -ENOENT;
	}
	st->st_uid = getuid();
	st->st_gid = getgid();
	return 0;
}

static int hello_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
			 struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	(void)path;
	(void)off;
	(void)fi;
	(void)flags;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	fill(buf, "hello", NULL, 0, 0);
	return 0;
}

static int hello_read(const char *path, char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	const char *sig = getenv("HELLO_SIGNAL");

	(void)fi;
	if (strcmp(path, "/die") == 0 && sig)
		kill(getpid(), atoi(sig));
	if (off >= (off_t)sizeof(text) - 1)
		return 0;
	if (size > sizeof(text) - 1 - (size_t)off)
		size = sizeof(text) - 1 - (size_t)off;
	memcpy(buf, text + off, size);
	return (int)size;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations ops = {
		.getattr = hello_getattr,
		.readdir = hello_readdir,
		.read = hello_read,
	};

	return fuse_main(argc, argv, &ops, NULL);
}
