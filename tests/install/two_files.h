/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem of one file, "file", whose contents are the answer; for a program
 * and its plugin, each compiled with the headers of its own library. Serves until
 * it is unmounted; 0 if all went well.
 */
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <errno.h>
#include <string.h>

static int t_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	st->st_nlink = 1;
	st->st_mode = strcmp(path, "/") == 0 ? S_IFDIR | 0755 : S_IFREG | 0444;
	st->st_size = sizeof(ANSWER) - 1;
	return strcmp(path, "/") == 0 || strcmp(path, "/file") == 0 ? 0 : -ENOENT;
}

/* In two pieces, so that the layout of buffer vectors counts. */
static int t_read_buf(const char *path, struct fuse_bufvec **bufp, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	size_t len = sizeof(ANSWER) - 1;
	struct fuse_bufvec *v = calloc(1, sizeof(*v) + sizeof(v->buf[0]));

	if (!v)
		return -ENOMEM;
	v->count = 2;
	for (size_t i = 0; i < 2; i++) {
		size_t part = i ? len - len / 2 : len / 2;

		v->buf[i].fd = -1;
		v->buf[i].size = off ? 0 : part;
		v->buf[i].mem = malloc(part);
		if (v->buf[i].mem)
			memcpy(v->buf[i].mem, ANSWER + (i ? len / 2 : 0), part);
	}
	*bufp = v;
	return 0;
}

static const struct fuse_operations t_ops = {.getattr = t_getattr, .read_buf = t_read_buf};

static int serve(const char *mountpoint)
{
	char *argv[] = {(char *)"two_files", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse *f = fuse_new(&args, &t_ops, sizeof(t_ops), NULL);
	int res = 1;

	if (f && fuse_mount(f, mountpoint) == 0) {
		res = fuse_loop_mt(f, 0);
		fuse_unmount(f);
	}
	if (f)
		fuse_destroy(f);
	fuse_opt_free_args(&args);
	return res;
}
