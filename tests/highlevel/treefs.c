/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem in memory for tests: see treefs.h. */
#include "treefs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NODES 4096

struct node {
	bool used, dir;
	int parent;
	off_t size;
	char name[64];
};

static struct node nodes[NODES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
_Atomic int treefs_open_files;
_Atomic bool treefs_offsets;
_Atomic int treefs_rename_error;

static int child(int dir, const char *name, size_t len)
{
	for (int i = 1; i < NODES; i++) {
		if (nodes[i].used && nodes[i].parent == dir && strlen(nodes[i].name) == len &&
		    !memcmp(nodes[i].name, name, len))
			return i;
	}
	return -1;
}

/* The node of a path, or -1; *name becomes its last component, and with `up`
 * the node is the directory of that. */
static int walk(const char *path, bool up, const char **name)
{
	int n = 0;

	for (;;) {
		size_t len = strcspn(++path, "/");

		if (name)
			*name = path;
		if (!len || (up && !path[len]))
			return n;
		n = child(n, path, len);
		path += len;
		if (n < 0 || !*path)
			return n;
	}
}

static int empty_slot(void)
{
	for (int i = 1; i < NODES; i++) {
		if (!nodes[i].used)
			return i;
	}
	return -1;
}

static int make_locked(const char *path, bool dir)
{
	const char *name;
	int parent = walk(path, true, &name), n;

	if (parent < 0)
		return -ENOENT;
	if (strlen(name) >= sizeof(nodes[0].name))
		return -ENAMETOOLONG;
	if (child(parent, name, strlen(name)) >= 0)
		return -EEXIST;
	n = empty_slot();
	if (n < 0)
		return -ENOSPC;
	nodes[n] = (struct node){.used = true, .dir = dir, .parent = parent};
	strcpy(nodes[n].name, name);
	return 0;
}

static bool is_empty(int dir)
{
	for (int i = 1; i < NODES; i++) {
		if (nodes[i].used && nodes[i].parent == dir)
			return false;
	}
	return true;
}

/* ---- for tests ---- */

void treefs_reset(void)
{
	memset(nodes, 0, sizeof(nodes));
	nodes[0] = (struct node){.used = true, .dir = true, .parent = -1};
	treefs_open_files = 0;
	treefs_offsets = false;
	treefs_rename_error = 0;
}

void treefs_make(const char *path)
{
	size_t len = strlen(path);
	char copy[256];

	strcpy(copy, path);
	if (path[len - 1] == '/')
		copy[len - 1] = '\0';
	if (make_locked(copy, path[len - 1] == '/'))
		abort();
}

bool treefs_has(const char *path)
{
	bool has;

	pthread_mutex_lock(&lock);
	has = walk(path, false, NULL) >= 0;
	pthread_mutex_unlock(&lock);
	return has;
}

unsigned int treefs_count(const char *prefix)
{
	unsigned int n = 0;

	pthread_mutex_lock(&lock);
	for (int i = 1; i < NODES; i++)
		n += nodes[i].used && !strncmp(nodes[i].name, prefix, strlen(prefix));
	pthread_mutex_unlock(&lock);
	return n;
}

/* ---- callbacks ---- */

static void fill_stat(const struct node *n, struct stat *st)
{
	st->st_mode = n->dir ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_nlink = n->dir ? 2 : 1;
	st->st_size = n->size;
	st->st_ino = (ino_t)(n - nodes) + 1000;
}

static int tree_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	int n;

	pthread_mutex_lock(&lock);
	n = walk(path, false, NULL);
	if (n >= 0)
		fill_stat(&nodes[n], st);
	pthread_mutex_unlock(&lock);
	return n < 0 ? -ENOENT : 0;
}

static int tree_statx(const char *path, int flags, int mask, struct statx *stx,
		      struct fuse_file_info *fi)
{
	struct stat st = {0};
	int err = tree_getattr(path, &st, fi);

	stx->stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_SIZE;
	stx->stx_mode = (uint16_t)st.st_mode;
	stx->stx_nlink = (uint32_t)st.st_nlink;
	stx->stx_size = (uint64_t)st.st_size;
	return err;
}

static int tree_mkdir(const char *path, mode_t mode)
{
	int err;

	pthread_mutex_lock(&lock);
	err = make_locked(path, true);
	pthread_mutex_unlock(&lock);
	return err;
}

static int tree_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	int err;

	pthread_mutex_lock(&lock);
	err = make_locked(path, false);
	if (err == -EEXIST && !(fi->flags & O_EXCL))
		err = 0;
	pthread_mutex_unlock(&lock);
	if (!err)
		treefs_open_files++;
	return err;
}

static int tree_open(const char *path, struct fuse_file_info *fi)
{
	if (!treefs_has(path))
		return -ENOENT;
	treefs_open_files++;
	return 0;
}

static int tree_release(const char *path, struct fuse_file_info *fi)
{
	treefs_open_files--;
	return 0;
}

static int remove_node(const char *path, bool dir)
{
	int n, err = 0;

	pthread_mutex_lock(&lock);
	n = walk(path, false, NULL);
	if (n <= 0)
		err = -ENOENT;
	else if (nodes[n].dir != dir)
		err = dir ? -ENOTDIR : -EISDIR;
	else if (dir && !is_empty(n))
		err = -ENOTEMPTY;
	else
		nodes[n].used = false;
	pthread_mutex_unlock(&lock);
	return err;
}

static int tree_unlink(const char *path)
{
	return remove_node(path, false);
}

static int tree_rmdir(const char *path)
{
	return remove_node(path, true);
}

static bool is_below(int n, int top)
{
	for (; n > 0; n = nodes[n].parent) {
		if (n == top)
			return true;
	}
	return n == top;
}

static int move_locked(int from, int to_dir, const char *to_name, int to, unsigned int flags)
{
	if (from <= 0 || to_dir < 0)
		return -ENOENT;
	if (is_below(to_dir, from))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE) {
		if (to <= 0)
			return -ENOENT;
		if (to == from)
			return 0;
		if (is_below(nodes[from].parent, to))
			return -EINVAL;
		nodes[to].parent = nodes[from].parent;
		strcpy(nodes[to].name, nodes[from].name);
	} else if (to >= 0 && to != from) {
		if (flags & RENAME_NOREPLACE)
			return -EEXIST;
		if (nodes[to].dir != nodes[from].dir)
			return nodes[to].dir ? -EISDIR : -ENOTDIR;
		if (nodes[to].dir && !is_empty(to))
			return -ENOTEMPTY;
		nodes[to].used = false;
	}
	nodes[from].parent = to_dir;
	memmove(nodes[from].name, to_name, strlen(to_name) + 1);
	return 0;
}

static int tree_rename(const char *from, const char *to, unsigned int flags)
{
	char name[64];
	const char *last;
	int dir, err;

	/* Not for the library's own renames. */
	if (treefs_rename_error && !strstr(from, ".fuse_hidden") && !strstr(to, ".fuse_hidden"))
		return treefs_rename_error;
	pthread_mutex_lock(&lock);
	dir = walk(to, true, &last);
	snprintf(name, sizeof(name), "%s", last);
	err = move_locked(walk(from, false, NULL), dir, name, walk(to, false, NULL), flags);
	pthread_mutex_unlock(&lock);
	return err;
}

static int tree_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	int n;

	pthread_mutex_lock(&lock);
	n = walk(path, false, NULL);
	if (n >= 0)
		nodes[n].size = size;
	pthread_mutex_unlock(&lock);
	return n < 0 ? -ENOENT : 0;
}

static int tree_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
			struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	int dir;

	pthread_mutex_lock(&lock);
	dir = walk(path, false, NULL);
	for (int i = treefs_offsets ? (int)off + 1 : 1; i < NODES && dir >= 0; i++) {
		struct stat st = {0};

		if (!nodes[i].used || nodes[i].parent != dir)
			continue;
		fill_stat(&nodes[i], &st);
		if (filler(buf, nodes[i].name, &st, treefs_offsets ? i : 0, FUSE_FILL_DIR_PLUS))
			break;
	}
	pthread_mutex_unlock(&lock);
	return dir < 0 ? -ENOENT : 0;
}

const struct fuse_operations treefs_operations = {
	.getattr = tree_getattr,
	.statx = tree_statx,
	.mkdir = tree_mkdir,
	.create = tree_create,
	.open = tree_open,
	.release = tree_release,
	.unlink = tree_unlink,
	.rmdir = tree_rmdir,
	.rename = tree_rename,
	.truncate = tree_truncate,
	.readdir = tree_readdir,
};
