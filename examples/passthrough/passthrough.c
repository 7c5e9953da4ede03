/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * passthrough SOURCE MOUNTPOINT: shows a directory somewhere else, using the
 * path of every callback. The simplest form of a complete filesystem: what it
 * does with paths is in ../common/mirror.c, what it does with open files here.
 *
 * A file that is removed while it is open is kept by the library under a name of
 * its own until it is closed, because the paths are all that this filesystem
 * has. passthrough_fh does better.
 */
#include "../common/mirror.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void *pt_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	mirror_wishes(conn, cfg);
	return NULL;
}

/* ---- files ---- */

static int pt_open(const char *path, struct fuse_file_info *fi)
{
	int fd = mirror_open_file(path, fi->flags);

	if (fd < 0)
		return fd;
	fi->fh = (uint64_t)fd;
	return 0;
}

static int pt_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	int fd = mirror_make_file(path, fi->flags, mode);

	if (fd < 0)
		return fd;
	fi->fh = (uint64_t)fd;
	return 0;
}

static int pt_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	return mirror_result(pread((int)fi->fh, buf, size, off));
}

static int pt_write(const char *path, const char *buf, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	int res = mirror_result(pwrite((int)fi->fh, buf, size, off));

	if (res > 0)
		mirror_written((int)fi->fh);
	return res;
}

/* Errors of writing that come late (a full disk, NFS) are told to close(2). */
static int pt_flush(const char *path, struct fuse_file_info *fi)
{
	return mirror_result(close(dup((int)fi->fh)));
}

static int pt_release(const char *path, struct fuse_file_info *fi)
{
	return mirror_result(close((int)fi->fh));
}

static int pt_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	return mirror_result(datasync ? fdatasync((int)fi->fh) : fsync((int)fi->fh));
}

static int pt_fallocate(const char *path, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
	return mirror_result(fallocate((int)fi->fh, mode, off, len));
}

static ssize_t pt_copy_file_range(const char *path_in, struct fuse_file_info *fi_in, off_t off_in,
				  const char *path_out, struct fuse_file_info *fi_out,
				  off_t off_out, size_t size, int flags)
{
	ssize_t n = copy_file_range((int)fi_in->fh, &off_in, (int)fi_out->fh, &off_out, size,
				    (unsigned int)flags);

	return n < 0 ? -errno : n;
}

static off_t pt_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi)
{
	off_t res = lseek((int)fi->fh, off, whence);

	return res < 0 ? -errno : res;
}

/* ---- directories ---- */

/* All at once: the library keeps the list for as long as it is read. */
static int pt_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	int fd = mirror_open_file(path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return fd < 0 ? fd : -errno;
	while ((e = readdir(dir))) {
		struct stat st = {.st_ino = e->d_ino, .st_mode = DTTOIF(e->d_type)};

		if (filler(buf, e->d_name, &st, 0, FUSE_FILL_DIR_DEFAULTS))
			break;
	}
	closedir(dir);
	return 0;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_operations op = {
		.init = pt_init,
		.open = pt_open,
		.create = pt_create,
		.read = pt_read,
		.write = pt_write,
		.flush = pt_flush,
		.release = pt_release,
		.fsync = pt_fsync,
		.fallocate = pt_fallocate,
		.copy_file_range = pt_copy_file_range,
		.lseek = pt_lseek,
		.readdir = pt_readdir,
	};
	int status = mirror_main_args(&args, "Shows SOURCE at MOUNTPOINT, by its paths.");

	mirror_callbacks(&op);
	if (status < 0)
		status = fuse_main(args.argc, args.argv, &op, NULL);
	fuse_opt_free_args(&args);
	return status;
}
