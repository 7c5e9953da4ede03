/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that wants no paths where it has handles, and gives vectors of two
 * buffers: both depend on the layout of structures. */
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *n_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	(void)conn;
	cfg->nullpath_ok = 1;
	cfg->direct_io = 1;
	cfg->attr_timeout = 0;
	return NULL;
}

static int n_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	if (path && strcmp(path, "/") && strcmp(path, "/file"))
		return -ENOENT;
	st->st_mode = path && !path[1] ? S_IFDIR | 0755 : S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = 10;
	return 0;
}

static int n_read_buf(const char *path, struct fuse_bufvec **bufp, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	struct fuse_bufvec *v = calloc(1, sizeof(*v) + sizeof(v->buf[0]));

	(void)size;
	(void)fi;
	v->count = 2;
	v->buf[0].mem = strdup(path ? "path " : "null ");
	v->buf[0].size = off ? 0 : 5;
	v->buf[1].mem = strdup("fine\n");
	v->buf[1].size = off ? 0 : 5;
	*bufp = v;
	return 0;
}

static int n_open(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	return 0;
}

static const struct fuse_operations ops = {
	.getattr = n_getattr,
	.open = n_open,
	.init = n_init,
	.read_buf = n_read_buf,
};

int main(int argc, char *argv[])
{
	return fuse_main(argc, argv, &ops, NULL);
}
