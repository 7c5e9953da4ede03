/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * passthrough_fh SOURCE MOUNTPOINT: shows a directory somewhere else. Where
 * there is an open file or directory it works on that, without a path
 * (nullpath_ok). So open files that are removed live on by themselves, paths
 * need not be built for reads and writes, and directories are read in pieces,
 * with attributes if the kernel wants them.
 */
#include "../common/mirror.h"

#include <profuse.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fuse_operations by_path;

static struct {
	int passthrough;
} options;

static const struct fuse_opt option_table[] = {
	{"passthrough", 0, 1},
	FUSE_OPT_END,
};

static int fd_of(const struct fuse_file_info *fi)
{
	return (int)fi->fh;
}

static void *fh_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	mirror_wishes(conn, cfg);
	cfg->nullpath_ok = 1;
	profuse_accept_null_paths(cfg);
	if (options.passthrough)
		mirror_want_backing(conn);
	return NULL;
}

/* ---- attributes, of open files where there is one ---- */

static int fh_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	return fi ? mirror_result(fstat(fd_of(fi), st)) : by_path.getattr(path, st, NULL);
}

static int fh_statx(const char *path, int flags, int mask, struct statx *stx,
		    struct fuse_file_info *fi)
{
	if (!fi)
		return by_path.statx(path, flags, mask, stx, NULL);
	return mirror_result(statx(fd_of(fi), "", flags | AT_EMPTY_PATH, (unsigned int)mask, stx));
}

static int fh_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return fi ? mirror_result(fchmod(fd_of(fi), mode)) : by_path.chmod(path, mode, NULL);
}

static int fh_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	return fi ? mirror_result(fchown(fd_of(fi), uid, gid))
		  : by_path.chown(path, uid, gid, NULL);
}

static int fh_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	int err;

	if (!fi)
		return by_path.truncate(path, size, NULL);
	err = mirror_result(ftruncate(fd_of(fi), size));
	if (!err)
		mirror_written(fd_of(fi));
	return err;
}

static int fh_utimens(const char *path, const struct timespec tv[2], struct fuse_file_info *fi)
{
	return fi ? mirror_result(futimens(fd_of(fi), tv)) : by_path.utimens(path, tv, NULL);
}

/* ---- files ---- */

/* It may read and write the file by itself. If it does not, we do. */
static void offer_to_kernel(struct fuse_file_info *fi)
{
	if (options.passthrough)
		profuse_set_backing_fd(fi, fd_of(fi));
}

static int fh_open(const char *path, struct fuse_file_info *fi)
{
	int fd = mirror_open_file(path, fi->flags);

	if (fd < 0)
		return fd;
	fi->fh = (uint64_t)fd;
	offer_to_kernel(fi);
	return 0;
}

static int fh_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	int fd = mirror_make_file(path, fi->flags, mode);

	if (fd < 0)
		return fd;
	fi->fh = (uint64_t)fd;
	offer_to_kernel(fi);
	return 0;
}

/* The library takes the data out of the file itself. */
static int fh_read_buf(const char *path, struct fuse_bufvec **bufp, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	struct fuse_bufvec *src = malloc(sizeof(*src));

	if (!src)
		return -ENOMEM;
	*src = FUSE_BUFVEC_INIT(size);
	src->buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	src->buf[0].fd = fd_of(fi);
	src->buf[0].pos = off;
	*bufp = src;
	return 0;
}

static int fh_write_buf(const char *path, struct fuse_bufvec *buf, off_t off,
			struct fuse_file_info *fi)
{
	struct fuse_bufvec dst = FUSE_BUFVEC_INIT(fuse_buf_size(buf));
	int res;

	dst.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	dst.buf[0].fd = fd_of(fi);
	dst.buf[0].pos = off;
	res = (int)fuse_buf_copy(&dst, buf, 0);
	if (res > 0 && !fi->writepage)
		mirror_written(fd_of(fi));
	return res;
}

static int fh_flush(const char *path, struct fuse_file_info *fi)
{
	return mirror_result(close(dup(fd_of(fi))));
}

static int fh_release(const char *path, struct fuse_file_info *fi)
{
	return mirror_result(close(fd_of(fi)));
}

static int fh_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	return mirror_result(datasync ? fdatasync(fd_of(fi)) : fsync(fd_of(fi)));
}

static int fh_fallocate(const char *path, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
	int err = mirror_result(fallocate(fd_of(fi), mode, off, len));

	mirror_written(fd_of(fi));
	return err;
}

static ssize_t fh_copy_file_range(const char *path_in, struct fuse_file_info *fi_in, off_t off_in,
				  const char *path_out, struct fuse_file_info *fi_out,
				  off_t off_out, size_t size, int flags)
{
	ssize_t n = copy_file_range(fd_of(fi_in), &off_in, fd_of(fi_out), &off_out, size,
				    (unsigned int)flags);
	int err = -errno;

	mirror_written(fd_of(fi_out));
	return n < 0 ? err : n;
}

static off_t fh_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi)
{
	off_t res = lseek(fd_of(fi), off, whence);

	return res < 0 ? -errno : res;
}

/* ---- directories ---- */

/* Where reading a directory stands. The library calls for one open directory at
 * a time. */
struct place {
	DIR *dir;
	struct dirent *entry; /* read, but there was no room for it */
	off_t off;
};

static struct place *place_of(const struct fuse_file_info *fi)
{
	return (struct place *)(uintptr_t)fi->fh;
}

static int fh_opendir(const char *path, struct fuse_file_info *fi)
{
	struct place *p = calloc(1, sizeof(*p));
	int fd, err;

	if (!p)
		return -ENOMEM;
	fd = mirror_open_file(path, O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		p->dir = fdopendir(fd);
	if (!p->dir) {
		err = fd < 0 ? fd : -errno;
		if (fd >= 0)
			close(fd);
		free(p);
		return err;
	}
	fi->fh = (uintptr_t)p;
	return 0;
}

static int fill_one(struct place *p, void *buf, fuse_fill_dir_t filler, bool plus)
{
	struct stat st = {.st_ino = p->entry->d_ino, .st_mode = DTTOIF(p->entry->d_type)};
	enum fuse_fill_dir_flags flags = FUSE_FILL_DIR_DEFAULTS;

	if (plus && !fstatat(dirfd(p->dir), p->entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
		flags = FUSE_FILL_DIR_PLUS;
	return filler(buf, p->entry->d_name, &st, p->entry->d_off, flags);
}

static int fh_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct place *p = place_of(fi);

	if (off != p->off) {
		seekdir(p->dir, off);
		p->entry = NULL;
		p->off = off;
	}
	for (;;) {
		if (!p->entry) {
			errno = 0;
			p->entry = readdir(p->dir);
		}
		if (!p->entry)
			return -errno;
		if (fill_one(p, buf, filler, flags & FUSE_READDIR_PLUS))
			return 0;
		p->off = p->entry->d_off;
		p->entry = NULL;
	}
}

static int fh_releasedir(const char *path, struct fuse_file_info *fi)
{
	struct place *p = place_of(fi);

	closedir(p->dir);
	free(p);
	return 0;
}

static int fh_fsyncdir(const char *path, int datasync, struct fuse_file_info *fi)
{
	return mirror_result(fsync(dirfd(place_of(fi)->dir)));
}

static const struct fuse_operations by_handle = {
	.init = fh_init,
	.getattr = fh_getattr,
	.statx = fh_statx,
	.chmod = fh_chmod,
	.chown = fh_chown,
	.truncate = fh_truncate,
	.utimens = fh_utimens,
	.open = fh_open,
	.create = fh_create,
	.read_buf = fh_read_buf,
	.write_buf = fh_write_buf,
	.flush = fh_flush,
	.release = fh_release,
	.fsync = fh_fsync,
	.fallocate = fh_fallocate,
	.copy_file_range = fh_copy_file_range,
	.lseek = fh_lseek,
	.opendir = fh_opendir,
	.readdir = fh_readdir,
	.releasedir = fh_releasedir,
	.fsyncdir = fh_fsyncdir,
};

/* Everything that stands in by_handle, over what mirror.c has. */
static struct fuse_operations all_callbacks(void)
{
	struct fuse_operations op;
	void (**to)(void) = (void (**)(void))(void *)&op;
	void (*const *from)(void) = (void (*const *)(void))(const void *)&by_handle;

	mirror_callbacks(&by_path);
	op = by_path;
	for (size_t i = 0; i < sizeof(op) / sizeof(*to); i++) {
		if (from[i])
			to[i] = from[i];
	}
	return op;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_operations op = all_callbacks();
	int status = mirror_main_args(&args, "Shows SOURCE at MOUNTPOINT, by open files.");

	if (status < 0 && fuse_opt_parse(&args, &options, option_table, NULL) < 0)
		status = 1;
	if (status < 0)
		status = fuse_main(args.argc, args.argv, &op, NULL);
	fuse_opt_free_args(&args);
	return status;
}
