/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hello MOUNTPOINT: a read-only filesystem with one file, by path. */
#define FUSE_USE_VERSION 319

#include <fuse.h>

#include <errno.h>
#include <string.h>

static const char name[] = "hello";
static const char text[] = "Hello, world!\n";

static int hello_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (!strcmp(path, "/")) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
	} else if (!strcmp(path + 1, name)) {
		st->st_mode = S_IFREG | 0444;
		st->st_nlink = 1;
		st->st_size = sizeof(text) - 1;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int hello_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
			 struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	filler(buf, ".", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	filler(buf, "..", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	filler(buf, name, NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

static int hello_open(const char *path, struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) == O_RDONLY ? 0 : -EACCES;
}

static int hello_read(const char *path, char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	const size_t length = sizeof(text) - 1;

	if ((size_t)off >= length)
		return 0;
	if (size > length - (size_t)off)
		size = length - (size_t)off;
	memcpy(buf, text + off, size);
	return (int)size;
}

static const struct fuse_operations operations = {
	.getattr = hello_getattr,
	.readdir = hello_readdir,
	.open = hello_open,
	.read = hello_read,
};

int main(int argc, char *argv[])
{
	return fuse_main(argc, argv, &operations, NULL);
}
