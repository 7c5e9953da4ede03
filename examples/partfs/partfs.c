/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * partfs IMAGE DIR: the partitions of a disk image, each as a file. Runs as an
 * ordinary program, or as a service that nobody has to trust: then it cannot open
 * anything, and whoever mounts opens the image for it.
 */
#define FUSE_USE_VERSION 319

#include <fuse.h>
#include <fuse_service.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table.h"

struct partfs {
	char *image; /* the path */
	int read_only;
	int fd;
	struct stat st;
	struct table table;
};

static struct partfs *self(void)
{
	return fuse_get_context()->private_data;
}

/* ---- callbacks ---- */

static const struct partition *find(const char *path)
{
	const struct table *table = &self()->table;

	for (unsigned int i = 0; i < table->count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/%u", table->at[i].number);
		if (strcmp(path, name) == 0)
			return &table->at[i];
	}
	return NULL;
}

static void fill_stat(const struct partition *part, struct stat *st)
{
	const struct stat *image = &self()->st;

	st->st_mode = S_IFREG | (self()->read_only ? 0444 : 0644);
	st->st_nlink = 1;
	st->st_uid = image->st_uid;
	st->st_gid = image->st_gid;
	st->st_size = part->size;
	st->st_blocks = part->size / 512;
	st->st_mtim = image->st_mtim;
	st->st_ctim = image->st_ctim;
}

static int partfs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct partition *part;

	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		st->st_mtim = self()->st.st_mtim;
		return 0;
	}
	part = find(path);
	if (!part)
		return -ENOENT;
	fill_stat(part, st);
	return 0;
}

static int partfs_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
			  struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	const struct table *table = &self()->table;

	filler(buf, ".", NULL, 0, 0);
	filler(buf, "..", NULL, 0, 0);
	for (unsigned int i = 0; i < table->count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", table->at[i].number);
		filler(buf, name, NULL, 0, 0);
	}
	return 0;
}

static int partfs_open(const char *path, struct fuse_file_info *fi)
{
	if (!find(path))
		return -ENOENT;
	return self()->read_only && (fi->flags & O_ACCMODE) != O_RDONLY ? -EROFS : 0;
}

/* A partition can neither grow nor shrink; writing over it begins like this. */
static int partfs_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	return find(path) ? 0 : -ENOENT;
}

static size_t within(const struct partition *part, off_t off, size_t size)
{
	if (off >= part->size)
		return 0;
	return (off_t)size > part->size - off ? (size_t)(part->size - off) : size;
}

static int partfs_read(const char *path, char *buf, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	const struct partition *part = find(path);
	ssize_t n = pread(self()->fd, buf, within(part, off, size), part->start + off);

	return n < 0 ? -errno : (int)n;
}

static int partfs_write(const char *path, const char *buf, size_t size, off_t off,
			struct fuse_file_info *fi)
{
	const struct partition *part = find(path);
	ssize_t n;

	size = within(part, off, size);
	if (!size)
		return -ENOSPC;
	n = pwrite(self()->fd, buf, size, part->start + off);
	return n < 0 ? -errno : (int)n;
}

static int partfs_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	return fdatasync(self()->fd) < 0 ? -errno : 0;
}

static const struct fuse_operations operations = {
	.getattr = partfs_getattr,
	.readdir = partfs_readdir,
	.open = partfs_open,
	.truncate = partfs_truncate,
	.read = partfs_read,
	.write = partfs_write,
	.fsync = partfs_fsync,
};

/* ---- the image ---- */

static int open_image(struct fuse_service *service, const char *path, int flags)
{
	int fd = -EIO, err;

	if (!fuse_service_accepted(service)) {
		fd = open(path, flags | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	err = fuse_service_request_file(service, path, flags, 0, FUSE_SERVICE_REQUEST_FILE_QUIET);
	if (!err)
		err = fuse_service_receive_file(service, path, &fd);
	return err ? err : fd;
}

/* For writing if that is possible. */
static int load(struct partfs *fs, struct fuse_service *service)
{
	off_t size;
	int err;

	fs->fd = fs->read_only ? -EROFS : open_image(service, fs->image, O_RDWR);
	if (fs->fd == -EROFS || fs->fd == -EACCES || fs->fd == -EPERM) {
		fs->read_only = 1;
		fs->fd = open_image(service, fs->image, O_RDONLY);
	}
	if (fs->fd < 0) {
		fprintf(stderr, "partfs: cannot open %s: %s\n", fs->image, strerror(-fs->fd));
		return -1;
	}
	/* Of a block device stat(2) does not tell the size. */
	size = lseek(fs->fd, 0, SEEK_END);
	err = size < 0 || fstat(fs->fd, &fs->st) < 0 ? -errno
						     : table_read(fs->fd, size, &fs->table);
	if (err)
		fprintf(stderr, "partfs: no partition table in %s: %s\n", fs->image,
			strerror(-err));
	return err;
}

/* ---- the command line ---- */

static const struct fuse_opt options[] = {
	{"ro", offsetof(struct partfs, read_only), 1},
	FUSE_OPT_KEY("ro", FUSE_OPT_KEY_KEEP),
	FUSE_OPT_END,
};

/* The first argument is the image, the second the mountpoint. */
static int take_image(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct partfs *fs = data;

	if (key != FUSE_OPT_KEY_NONOPT || fs->image)
		return 1;
	fs->image = strdup(arg);
	return fs->image ? 0 : -1;
}

static int run(struct partfs *fs, struct fuse_service *service, struct fuse_args *args)
{
	if (fuse_service_accepted(service) && fuse_service_append_args(service, args))
		return 1;
	if (fuse_opt_parse(args, fs, options, take_image))
		return 1;
	/* Without an image it can only be --help or a mistake. */
	if (fs->image && load(fs, service))
		return 1;
	if (!fuse_service_accepted(service))
		return fuse_main(args->argc, args->argv, &operations, fs);
	fuse_service_finish_file_requests(service);
	fuse_service_expect_mount_format(service, S_IFDIR);
	return fuse_service_main(service, args, &operations, fs);
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct partfs fs = {.fd = -1};
	struct fuse_service *service;
	int ret;

	if (fuse_service_accept(&service))
		return 1;
	ret = run(&fs, service, &args);
	if (fuse_service_accepted(service)) {
		fuse_service_send_goodbye(service, ret);
		fuse_service_destroy(&service);
		ret = fuse_service_exit(ret);
	}
	if (fs.fd >= 0)
		close(fs.fd);
	free(fs.image);
	fuse_opt_free_args(&args);
	return ret;
}
