/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path_fs FILES DEPTH [FUSE OPTIONS] MOUNTPOINT
 *
 * A filesystem by path that costs nothing itself: /top, DEPTH - 1 directories in
 * one another, and FILES files in the last. /top may be renamed and files may be
 * removed. For measuring what a path API costs as the tree grows.
 */
#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long files;
static int depth;
static _Atomic unsigned char *removed;
static char top[64] = "top";
static pthread_rwlock_t top_lock = PTHREAD_RWLOCK_INITIALIZER;

enum what { NOTHING, ROOT, DIRECTORY, LAST_DIRECTORY, FILE_THERE, FILE_REMOVED };

static enum what classify(const char *path, long *number)
{
	size_t len;
	int level = 1;
	char *end;

	if (!path[1])
		return ROOT;
	pthread_rwlock_rdlock(&top_lock);
	len = strlen(top);
	if (strncmp(path + 1, top, len))
		len = 0;
	pthread_rwlock_unlock(&top_lock);
	path += len + 1;
	if (!len || (*path && *path != '/'))
		return NOTHING;
	while (level < depth && !strncmp(path, "/dir", 4)) {
		path += 4;
		level++;
	}
	if (!*path)
		return level == depth ? LAST_DIRECTORY : DIRECTORY;
	if (level < depth || strncmp(path, "/file", 5))
		return NOTHING;
	*number = strtol(path + 5, &end, 10);
	if (*end || end == path + 5 || *number < 0 || *number >= files)
		return NOTHING;
	return removed[*number] ? FILE_REMOVED : FILE_THERE;
}

static int pfs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	long n;

	memset(st, 0, sizeof(*st));
	switch (classify(path, &n)) {
	case ROOT:
	case DIRECTORY:
	case LAST_DIRECTORY:
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		return 0;
	case FILE_THERE:
		st->st_mode = S_IFREG | 0644;
		st->st_nlink = 1;
		return 0;
	default:
		return -ENOENT;
	}
}

static int pfs_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		       struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct stat st = {.st_mode = S_IFDIR | 0755, .st_nlink = 2};
	char name[80];
	long n;

	switch (classify(path, &n)) {
	case ROOT:
		pthread_rwlock_rdlock(&top_lock);
		strcpy(name, top);
		pthread_rwlock_unlock(&top_lock);
		return filler(buf, name, &st, 0, FUSE_FILL_DIR_PLUS), 0;
	case DIRECTORY:
		return filler(buf, "dir", &st, 0, FUSE_FILL_DIR_PLUS), 0;
	case LAST_DIRECTORY:
		st.st_mode = S_IFREG | 0644;
		st.st_nlink = 1;
		for (n = off; n < files; n++) {
			sprintf(name, "file%ld", n);
			if (!removed[n] && filler(buf, name, &st, n + 1, FUSE_FILL_DIR_PLUS))
				break;
		}
		return 0;
	default:
		return -ENOTDIR;
	}
}

static int pfs_unlink(const char *path)
{
	long n;

	if (classify(path, &n) != FILE_THERE)
		return -ENOENT;
	removed[n] = 1;
	return 0;
}

static int pfs_rename(const char *from, const char *to, unsigned int flags)
{
	if (strchr(from + 1, '/') || strchr(to + 1, '/') || strlen(to) >= sizeof(top))
		return -EINVAL;
	pthread_rwlock_wrlock(&top_lock);
	strcpy(top, to + 1);
	pthread_rwlock_unlock(&top_lock);
	return 0;
}

static const struct fuse_operations operations = {
	.getattr = pfs_getattr,
	.readdir = pfs_readdir,
	.unlink = pfs_unlink,
	.rename = pfs_rename,
};

int main(int argc, char *argv[])
{
	if (argc < 4) {
		fprintf(stderr, "usage: %s FILES DEPTH [OPTIONS] MOUNTPOINT\n", argv[0]);
		return 1;
	}
	files = atol(argv[1]);
	depth = atoi(argv[2]);
	removed = calloc((size_t)files, 1);
	/* So that what it costs is not taken for the library's. */
	for (long i = 0; removed && i < files; i += 4096)
		removed[i] = 0;
	argv[2] = argv[0];
	return removed ? fuse_main(argc - 2, argv + 2, &operations, NULL) : 1;
}
