/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * null FILE: a filesystem that is a single file. It reads as zeros, takes
 * whatever is written and forgets it. Mounted on a file, not on a directory: its
 * root is the file.
 */
#define FUSE_USE_VERSION 319

#include <fuse.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE ((off_t)4 << 30)

static int null_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (strcmp(path, "/"))
		return -ENOENT;
	st->st_mode = S_IFREG | 0644;
	st->st_nlink = 1;
	st->st_uid = getuid();
	st->st_gid = getgid();
	st->st_size = SIZE;
	st->st_mtime = time(NULL);
	return 0;
}

static int null_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	return 0;
}

static int null_open(const char *path, struct fuse_file_info *fi)
{
	return 0;
}

static int null_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	if (off >= SIZE)
		return 0;
	if ((off_t)size > SIZE - off)
		size = (size_t)(SIZE - off);
	memset(buf, 0, size);
	return (int)size;
}

static int null_write(const char *path, const char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	return (int)size;
}

static const struct fuse_operations operations = {
	.getattr = null_getattr,
	.truncate = null_truncate,
	.open = null_open,
	.read = null_read,
	.write = null_write,
};

int main(int argc, char *argv[])
{
	return fuse_main(argc, argv, &operations, NULL);
}
