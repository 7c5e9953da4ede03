/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library asks. */
#include "archivefs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct index_result indexed;

void callbacks_init(const struct index_result *index)
{
	indexed = *index;
}

static struct node *find(const char *path)
{
	struct entry *e = tree_find(path + 1);

	return e ? e->node : NULL;
}

static struct node *opened(const struct fuse_file_info *fi)
{
	return (struct node *)(uintptr_t)fi->fh;
}

static void *afs_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	/* Nothing ever changes. */
	cfg->use_ino = 1;
	cfg->kernel_cache = 1;
	cfg->entry_timeout = 86400;
	cfg->attr_timeout = 86400;
	cfg->negative_timeout = 86400;
	/* Reading works on what is open. */
	cfg->nullpath_ok = 1;
	return NULL;
}

static int afs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	struct node *n = fi ? opened(fi) : find(path);

	if (!n)
		return -ENOENT;
	*st = n->st;
	return 0;
}

static int afs_readlink(const char *path, char *buf, size_t size)
{
	struct node *n = find(path);

	if (!n || !n->link)
		return n ? -EINVAL : -ENOENT;
	snprintf(buf, size, "%s", n->link);
	return 0;
}

static int afs_open(const char *path, struct fuse_file_info *fi)
{
	struct node *n = find(path);
	int err;

	if (!n)
		return -ENOENT;
	if ((fi->flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	if (n->encrypted && !source_has_password()) {
		fuse_log(FUSE_LOG_ERR,
			 "archivefs: %s is encrypted; -o password asks for the "
			 "password at the start\n",
			 path);
		return -EACCES;
	}
	err = data_open(n);
	fi->fh = (uintptr_t)n;
	return err;
}

static int afs_release(const char *path, struct fuse_file_info *fi)
{
	data_close(opened(fi));
	return 0;
}

static int afs_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	return (int)data_read(opened(fi), buf, size, off);
}

/* ---- directories, in the order of the archive ---- */

static int afs_opendir(const char *path, struct fuse_file_info *fi)
{
	struct entry *e = tree_find(path + 1);

	if (!e)
		return -ENOENT;
	fi->fh = (uintptr_t)e;
	fi->cache_readdir = 1;
	fi->keep_cache = 1;
	return 0;
}

static int afs_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		       struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	const struct entry *dir = (const struct entry *)(uintptr_t)fi->fh;
	const struct entry *up = dir->parent ? dir->parent : dir;

	if (filler(buf, ".", &dir->node->st, 0, FUSE_FILL_DIR_DEFAULTS) ||
	    filler(buf, "..", &up->node->st, 0, FUSE_FILL_DIR_DEFAULTS))
		return -ENOMEM;
	for (const struct entry *e = dir->first; e; e = e->next) {
		if (e->node && filler(buf, e->name, &e->node->st, 0, FUSE_FILL_DIR_PLUS))
			return -ENOMEM;
	}
	return 0;
}

/* ---- extended attributes ---- */

static int afs_getxattr(const char *path, const char *name, char *value, size_t size)
{
	struct node *n = find(path);
	const struct xattr *x = n ? n->xattrs : NULL;

	if (!n)
		return -ENOENT;
	while (x && strcmp(x->name, name))
		x = x->next;
	if (!x)
		return -ENODATA;
	if (size && size < x->size)
		return -ERANGE;
	if (size)
		memcpy(value, x->value, x->size);
	return (int)x->size;
}

static int afs_listxattr(const char *path, char *list, size_t size)
{
	struct node *n = find(path);
	size_t used = 0;

	if (!n)
		return -ENOENT;
	for (const struct xattr *x = n->xattrs; x; x = x->next) {
		size_t len = strlen(x->name) + 1;

		if (size && used + len > size)
			return -ERANGE;
		if (size)
			memcpy(list + used, x->name, len);
		used += len;
	}
	return (int)used;
}

static int afs_statfs(const char *path, struct statvfs *st)
{
	st->f_bsize = st->f_frsize = 4096;
	st->f_blocks = (indexed.bytes + 4095) / 4096;
	st->f_files = (fsfilcnt_t)indexed.members;
	st->f_namemax = 255;
	st->f_flag = ST_RDONLY;
	return 0;
}

const struct fuse_operations archivefs_operations = {
	.init = afs_init,
	.getattr = afs_getattr,
	.readlink = afs_readlink,
	.open = afs_open,
	.release = afs_release,
	.read = afs_read,
	.opendir = afs_opendir,
	.readdir = afs_readdir,
	.getxattr = afs_getxattr,
	.listxattr = afs_listxattr,
	.statfs = afs_statfs,
};
