/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ioctl MOUNTPOINT: a file "memory" that keeps what is written to it, and whose
 * size and bytes can be had by ioctl(2) too. The library brings the argument's
 * bytes in and out, as many as the command number says.
 */
#define FUSE_USE_VERSION 319

#include <fuse.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ioctl.h"

#define LIMIT (1 << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *memory;
static size_t length;

/* New bytes are zeros. */
static int resize(uint64_t size)
{
	char *p;

	if (size > LIMIT)
		return -EFBIG;
	p = realloc(memory, size ? size : 1);
	if (!p)
		return -ENOMEM;
	memory = p;
	if (size > length)
		memset(memory + length, 0, size - length);
	length = size;
	return 0;
}

static int io_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (!strcmp(path, "/")) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
	} else if (!strcmp(path, "/memory")) {
		st->st_mode = S_IFREG | 0644;
		st->st_nlink = 1;
		pthread_mutex_lock(&lock);
		st->st_size = (off_t)length;
		pthread_mutex_unlock(&lock);
	} else {
		return -ENOENT;
	}
	return 0;
}

static int io_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	filler(buf, "memory", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

/* The size may change without the kernel: it must not guess. */
static int io_open(const char *path, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	return 0;
}

static int io_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	int err;

	pthread_mutex_lock(&lock);
	err = resize((uint64_t)size);
	pthread_mutex_unlock(&lock);
	return err;
}

static int io_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	pthread_mutex_lock(&lock);
	if ((size_t)off >= length)
		size = 0;
	else if (size > length - (size_t)off)
		size = length - (size_t)off;
	memcpy(buf, memory + (size ? off : 0), size);
	pthread_mutex_unlock(&lock);
	return (int)size;
}

static int io_write(const char *path, const char *buf, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	if ((uint64_t)off + size > length)
		err = resize((uint64_t)off + size);
	if (!err)
		memcpy(memory + off, buf, size);
	pthread_mutex_unlock(&lock);
	return err ? err : (int)size;
}

static int swap(struct example_swap *s)
{
	uint8_t old;

	if (s->position >= length)
		return -EINVAL;
	old = (uint8_t)memory[s->position];
	memory[s->position] = (char)s->byte;
	s->byte = old;
	return 0;
}

static int io_ioctl(const char *path, unsigned int cmd, void *arg, struct fuse_file_info *fi,
		    unsigned int flags, void *data)
{
	uint64_t size;
	int res = -ENOTTY;

	/* Directories too get here; and 32-bit callers with another layout. */
	if (!path || strcmp(path, "/memory") || (flags & FUSE_IOCTL_COMPAT))
		return -ENOTTY;
	pthread_mutex_lock(&lock);
	switch (cmd) {
	case EXAMPLE_GET_SIZE:
		size = length;
		memcpy(data, &size, sizeof(size));
		res = 0;
		break;
	case EXAMPLE_SET_SIZE:
		memcpy(&size, data, sizeof(size));
		res = resize(size);
		break;
	case EXAMPLE_SWAP_BYTE:
		res = swap(data);
		break;
	}
	pthread_mutex_unlock(&lock);
	return res;
}

static const struct fuse_operations operations = {
	.getattr = io_getattr,
	.readdir = io_readdir,
	.open = io_open,
	.truncate = io_truncate,
	.read = io_read,
	.write = io_write,
	.ioctl = io_ioctl,
};

int main(int argc, char *argv[])
{
	return fuse_main(argc, argv, &operations, NULL);
}
