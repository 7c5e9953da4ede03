/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading directories. Positions are those of dir.h, so that a directory needs nothing to be
 * remembered between two requests.
 */
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	fuse_req_t req;
	char *buf;
	size_t size, used;
	bool plus;
	/* Every entry of a "plus" answer counts as a lookup: those that we counted. */
	struct inode **counted;
	size_t ncounted;
};

/* The least that an entry of such an answer takes, for the size of `counted`. */
enum { MIN_PLUS_ENTRY = 128 };

/* False if the entry does not fit. Inode numbers and types of "." and ".." need no lookup. */
static bool add_dot(struct listing *l, const char *name, const struct inode *inode, off_t position)
{
	char *at = l->buf + l->used;
	const size_t room = l->size - l->used;
	struct fuse_entry_param entry = {
		.attr = {.st_ino = inode->id, .st_mode = S_IFDIR},
	};
	size_t need;

	if (l->plus)
		need = fuse_add_direntry_plus(l->req, at, room, name, &entry, position);
	else
		need = fuse_add_direntry(l->req, at, room, name, &entry.attr, position);
	if (need > room)
		return false;
	l->used += need;
	return true;
}

static bool add_name(struct listing *l, const struct dirent_node *node)
{
	char *at = l->buf + l->used;
	const size_t room = l->size - l->used;
	struct inode *inode = node->inode;
	struct stat st = {.st_ino = inode->id, .st_mode = inode->type};
	struct fuse_entry_param entry;
	size_t need;

	if (!l->plus) {
		need = fuse_add_direntry(l->req, at, room, node->name, &st, node->position);
		if (need > room)
			return false;
		l->used += need;
		return true;
	}
	inode_lock_read(inode);
	entry_fill_locked(inode, &entry);
	inode_unlock(inode);
	need = fuse_add_direntry_plus(l->req, at, room, node->name, &entry, node->position);
	if (need > room)
		return false;
	inode_ref(inode, 1);
	l->counted[l->ncounted++] = inode;
	l->used += need;
	return true;
}

static void fill_locked(struct listing *l, const struct inode *dir, uint64_t position)
{
	if (position < 1) {
		if (!add_dot(l, ".", dir, 1))
			return;
		position = 1;
	}
	if (position < 2) {
		/* A removed directory has no place any more. */
		if (!add_dot(l, "..", dir->nlink > 0 ? dir->dir.parent : dir, 2))
			return;
		position = 2;
	}
	for (;;) {
		const struct dirent_node *node = dir_next(&dir->dir, position);

		if (!node || !add_name(l, node))
			return;
		position = node->position;
	}
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct inode *dir = inode_of(ino);
	struct listing l = {.req = req, .size = size, .plus = plus};

	l.buf = malloc(size);
	if (plus)
		l.counted = malloc((size / MIN_PLUS_ENTRY + 1) * sizeof(struct inode *));
	if (!l.buf || (plus && !l.counted)) {
		fuse_reply_err(req, ENOMEM);
		goto out;
	}
	if (off == 0)
		inode_accessed(dir);
	inode_lock_read(dir);
	fill_locked(&l, dir, off);
	inode_unlock(dir);
	if (fuse_reply_buf(req, l.buf, l.used) != 0) {
		/* It did not arrive, so the kernel does not know of these lookups. */
		while (l.ncounted > 0)
			inode_unref(l.counted[--l.ncounted], 1);
	}
out:
	free(l.counted);
	free(l.buf);
}

void memfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	list(req, ino, size, off, false);
}

void memfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	list(req, ino, size, off, true);
}

void memfs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);

	file_opened(inode, fi);
	if (fuse_reply_open(req, fi) != 0)
		inode_unref(inode, 1);
}

void memfs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	inode_unref(inode_of(ino), 1);
	fuse_reply_err(req, 0);
}
