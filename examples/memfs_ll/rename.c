/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rename(2) and renameat2(2). One rename runs at a time (fs.rename), which keeps the shape of
 * the tree still while we compare places in it. See memfs.h for the order of locks.
 */
#include "ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One rename: two directories, two names, and what they stand for (target may be nobody). */
struct move {
	struct inode *from_dir, *to_dir;
	const char *from_name, *to_name;
	struct dirent_node *from, *to;
	struct inode *source, *target;
	unsigned flags;
	struct inode *whiteout;
	/* Has lost its last name: one reference to give back at the end. */
	struct inode *gone;
};

/* Is `above` the directory `dir`, or a directory that `dir` lies in? */
static bool is_above(const struct inode *above, const struct inode *dir)
{
	while (dir != above && dir != fs.root)
		dir = dir->dir.parent;
	return dir == above;
}

static void lock_dirs(struct move *m)
{
	if (m->from_dir == m->to_dir) {
		inode_lock_write(m->from_dir);
	} else if (is_above(m->to_dir, m->from_dir)) {
		inode_lock_write(m->to_dir);
		inode_lock_write(m->from_dir);
	} else {
		inode_lock_write(m->from_dir);
		inode_lock_write(m->to_dir);
	}
}

static void unlock_dirs(struct move *m)
{
	inode_unlock(m->from_dir);
	if (m->from_dir != m->to_dir)
		inode_unlock(m->to_dir);
}

/*
 * Lock what is renamed and what is in its place: directories first, the others by
 * address. Neither is above the other or above one of the two directories.
 */
static void lock_children(struct move *m)
{
	if (!m->target) {
		inode_lock_write(m->source);
	} else if (inode_is_dir(m->source)) {
		inode_lock_write(m->source);
		inode_lock_write(m->target);
	} else if (inode_is_dir(m->target)) {
		inode_lock_write(m->target);
		inode_lock_write(m->source);
	} else {
		inode_lock_pair(m->source, m->target);
	}
}

static void unlock_children(struct move *m)
{
	inode_unlock(m->source);
	if (m->target && m->target != m->source)
		inode_unlock(m->target);
}

/* Find both names and see whether this can be done at all. Both directories are locked. */
static int find_locked(struct move *m)
{
	m->from = dir_find(&m->from_dir->dir, m->from_name);
	m->to = dir_find(&m->to_dir->dir, m->to_name);
	if (!m->from || m->to_dir->nlink == 0)
		return -ENOENT;
	m->source = m->from->inode;
	m->target = m->to ? m->to->inode : NULL;

	if (m->target && (m->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!m->target && (m->flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (inode_is_dir(m->source) && is_above(m->source, m->to_dir))
		return -EINVAL;
	if (m->target && inode_is_dir(m->target) && is_above(m->target, m->from_dir))
		return m->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* May the target be replaced by the source? */
static int check_replace_locked(const struct move *m)
{
	if (!m->target || (m->flags & RENAME_EXCHANGE))
		return 0;
	if (inode_is_dir(m->source) && !inode_is_dir(m->target))
		return -ENOTDIR;
	if (!inode_is_dir(m->source) && inode_is_dir(m->target))
		return -EISDIR;
	if (inode_is_dir(m->target) && m->target->dir.count > 0)
		return -ENOTEMPTY;
	return 0;
}

/* A directory has a new place: its ".." and the link counts of both sides follow. */
static void reparent_locked(struct inode *inode, struct inode *from, struct inode *to)
{
	if (!inode_is_dir(inode) || from == to)
		return;
	inode->dir.parent = to;
	from->nlink--;
	to->nlink++;
}

static void exchange_locked(struct move *m)
{
	m->from->inode = m->target;
	m->to->inode = m->source;
	reparent_locked(m->source, m->from_dir, m->to_dir);
	reparent_locked(m->target, m->to_dir, m->from_dir);
	inode_changed_locked(m->target);
}

/* The target loses this name. */
static void displace_target_locked(struct move *m)
{
	inode_changed_locked(m->target);
	if (inode_is_dir(m->target)) {
		m->target->nlink = 0;
		m->to_dir->nlink--;
		m->gone = m->target;
	} else if (inode_drop_link_locked(m->target)) {
		m->gone = m->target;
	}
}

static int move_locked(struct move *m)
{
	if (m->target) {
		displace_target_locked(m);
		m->to->inode = m->source;
	} else if (dir_add(&m->to_dir->dir, m->to_name, m->source) < 0) {
		return -ENOMEM;
	}
	reparent_locked(m->source, m->from_dir, m->to_dir);
	if (m->whiteout) {
		m->from->inode = m->whiteout;
		inode_add_link_locked(m->whiteout);
	} else {
		dir_remove(&m->from_dir->dir, m->from);
	}
	return 0;
}

static int apply_locked(struct move *m)
{
	int ret = check_replace_locked(m);

	if (ret < 0)
		return ret;
	if (m->flags & RENAME_EXCHANGE)
		exchange_locked(m);
	else
		ret = move_locked(m);
	if (ret < 0)
		return ret;
	inode_changed_locked(m->source);
	inode_modified_locked(m->from_dir);
	inode_modified_locked(m->to_dir);
	return 0;
}

static int do_rename(struct move *m)
{
	int ret;

	pthread_mutex_lock(&fs.rename);
	lock_dirs(m);
	ret = find_locked(m);
	/* Two names of one file: there is nothing to do, says POSIX. */
	if (ret == 0 && m->source != m->target) {
		lock_children(m);
		ret = apply_locked(m);
		unlock_children(m);
	}
	unlock_dirs(m);
	pthread_mutex_unlock(&fs.rename);
	return ret;
}

void memfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned flags)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct move m = {
		.from_dir = inode_of(parent),
		.to_dir = inode_of(newparent),
		.from_name = name,
		.to_name = newname,
		.flags = flags,
	};
	int ret;

	if (strlen(newname) > 255) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (flags & RENAME_WHITEOUT) {
		/* What overlayfs leaves for "was here": a character device 0:0. */
		m.whiteout = inode_new(S_IFCHR, (struct owner){ctx->uid, ctx->gid}, 0);
		if (!m.whiteout) {
			fuse_reply_err(req, errno);
			return;
		}
	}
	ret = do_rename(&m);
	if (m.gone)
		inode_unref(m.gone, 1);
	if (m.whiteout)
		inode_unref(m.whiteout, 1);
	fuse_reply_err(req, -ret);
}
