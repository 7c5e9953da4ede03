/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: looking them up, making, moving and removing them; and what the kernel remembers of them.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel sends single names only. Nothing depends on that. */
static bool is_single_name(const char *name)
{
	return !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void fill_entry(const struct inode *inode, struct fuse_entry_param *entry)
{
	entry->ino = inode_id(inode);
	entry->generation = inode->generation;
	entry->attr_timeout = fs.timeout;
	entry->entry_timeout = fs.timeout;
}

int names_enter(int fd, struct inode *dir, const char *name, struct fuse_entry_param *entry)
{
	struct identity id;
	struct inode *inode;

	memset(entry, 0, sizeof(*entry));
	if (inode_examine(fd, &entry->attr, &id) < 0) {
		int err = errno;

		close(fd);
		return err;
	}
	inode = inode_get(fd, &entry->attr, &id, dir, name);
	if (!inode)
		return errno;
	/* It may be an old friend with a new name. */
	if (fdcache_uses_names())
		fdcache_moved(inode, dir, name);
	fill_entry(inode, entry);
	return 0;
}

bool names_find_known(struct inode *dir, int dirfd, const char *name,
		      struct fuse_entry_param *entry)
{
	struct identity id;
	struct inode *inode;

	memset(entry, 0, sizeof(*entry));
	if (inode_examine_at(dirfd, name, &entry->attr, &id) < 0)
		return false;
	inode = inode_find(&id);
	if (!inode)
		return false;
	if (fdcache_uses_names())
		fdcache_moved(inode, dir, name);
	fill_entry(inode, entry);
	return true;
}

int names_find(struct inode *dir, int dirfd, const char *name, struct fuse_entry_param *entry)
{
	int fd;

	if (!is_single_name(name))
		return EINVAL;
	fd = open_place(dirfd, name);
	if (fd < 0)
		return errno;
	return names_enter(fd, dir, name, entry);
}

static void reply_entry(fuse_req_t req, int err, const struct fuse_entry_param *entry)
{
	if (err)
		fuse_reply_err(req, err);
	else if (fuse_reply_entry(req, entry) != 0)
		inode_unref(inode_of(entry->ino), 1);
}

void pt_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	const int dirfd = fdcache_get(dir);
	struct fuse_entry_param entry;
	int err;

	if (dirfd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	err = names_find(dir, dirfd, name, &entry);
	fdcache_put(dir);
	if (err == ENOENT && fs.cache == CACHE_ALWAYS) {
		/* Nobody else makes files there, says the user: "none" may be remembered. */
		entry = (struct fuse_entry_param){.entry_timeout = fs.timeout};
		fuse_reply_entry(req, &entry);
		return;
	}
	reply_entry(req, err, &entry);
}

void pt_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	inode_unref(inode_of(ino), nlookup);
	fuse_reply_none(req);
}

void pt_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		inode_unref(inode_of(forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

/* --- making --- */

/* What is to be made: by its type. */
struct making {
	const char *name;
	mode_t mode;
	dev_t rdev;
	const char *target;
};

static int make(int dirfd, const struct making *m, mode_t mask)
{
	const mode_t mode = m->mode & ~mask;

	if (S_ISDIR(m->mode))
		return mkdirat(dirfd, m->name, mode & 07777);
	if (S_ISLNK(m->mode))
		return symlinkat(m->target, dirfd, m->name);
	return mknodat(dirfd, m->name, mode, m->rdev);
}

static int make_as_caller(fuse_req_t req, int dirfd, const struct making *m)
{
	struct caller caller;
	int err;

	if (!is_single_name(m->name))
		return EINVAL;
	err = caller_begin(req, &caller);
	if (err)
		return err;
	if (make(dirfd, m, caller.mask) < 0)
		err = errno;
	caller_end(&caller);
	return err;
}

static void make_and_reply(fuse_req_t req, fuse_ino_t parent, const struct making *m)
{
	struct inode *dir = inode_of(parent);
	const int dirfd = fdcache_get(dir);
	struct fuse_entry_param entry;
	int err, fd;

	if (dirfd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	err = make_as_caller(req, dirfd, m);
	if (!err) {
		fd = open_place(dirfd, m->name);
		if (fd >= 0) {
			caller_give(req, dirfd, fd);
			err = names_enter(fd, dir, m->name, &entry);
		} else {
			err = errno;
		}
	}
	fdcache_put(dir);
	reply_entry(req, err, &entry);
}

void pt_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make_and_reply(req, parent, &(struct making){name, mode, rdev, NULL});
}

void pt_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make_and_reply(req, parent, &(struct making){name, S_IFDIR | mode, 0, NULL});
}

void pt_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make_and_reply(req, parent, &(struct making){name, S_IFLNK, 0, target});
}

static int link_inode(struct inode *inode, struct inode *dir, const char *name,
		      struct fuse_entry_param *entry)
{
	const int fd = fdcache_get(inode);
	char path[PROC_PATH_SIZE];
	int dirfd, err = 0;

	if (fd < 0)
		return errno;
	dirfd = fdcache_get(dir);
	if (dirfd < 0) {
		err = errno;
	} else {
		/* By way of /proc the inode itself is linked, also without CAP_DAC_READ_SEARCH. */
		proc_path(path, fd);
		if (!is_single_name(name))
			err = EINVAL;
		else if (linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW) < 0)
			err = errno;
		else
			err = names_find(dir, dirfd, name, entry);
		fdcache_put(dir);
	}
	fdcache_put(inode);
	return err;
}

void pt_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct fuse_entry_param entry;
	int err = link_inode(inode_of(ino), inode_of(newparent), newname, &entry);

	reply_entry(req, err, &entry);
}

/* --- removing and moving --- */

/* The inode that has this name, if we know it, with one reference more. */
static struct inode *known_inode(int dirfd, const char *name)
{
	int fd = open_place(dirfd, name);
	struct inode *inode = NULL;
	struct identity id;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (inode_examine(fd, &st, &id) == 0)
		inode = inode_find(&id);
	close(fd);
	return inode;
}

/*
 * A name is about to go, and its file may be open. If we close descriptors, or would look for the
 * file under that name, then not that one's.
 */
static void about_to_vanish(int dirfd, const char *name)
{
	struct inode *inode;

	if (!fdcache_is_tight() && !fdcache_uses_names())
		return;
	inode = known_inode(dirfd, name);
	if (!inode)
		return;
	fdcache_keep(inode);
	inode_unref(inode, 1);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	struct inode *dir = inode_of(parent);
	const int dirfd = fdcache_get(dir);
	int err = 0;

	if (dirfd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	if (!is_single_name(name)) {
		err = EINVAL;
	} else {
		about_to_vanish(dirfd, name);
		if (unlinkat(dirfd, name, flags) < 0)
			err = errno;
	}
	fdcache_put(dir);
	fuse_reply_err(req, err);
}

void pt_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, 0);
}

void pt_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, AT_REMOVEDIR);
}

/* Learn where things are after a rename. */
static void note_place(struct inode *dir, int dirfd, const char *name)
{
	struct inode *inode = known_inode(dirfd, name);

	if (!inode)
		return;
	fdcache_moved(inode, dir, name);
	inode_unref(inode, 1);
}

static int rename_between(struct inode *from, const char *name, struct inode *to,
			  const char *newname, unsigned flags)
{
	const int fromfd = fdcache_get(from);
	int tofd, err = 0;

	if (fromfd < 0)
		return errno;
	tofd = fdcache_get(to);
	if (tofd < 0) {
		err = errno;
		fdcache_put(from);
		return err;
	}
	about_to_vanish(tofd, newname);
	if (renameat2(fromfd, name, tofd, newname, flags) < 0)
		err = errno;
	if (!err && fdcache_uses_names()) {
		note_place(to, tofd, newname);
		note_place(from, fromfd, name);
	}
	fdcache_put(to);
	fdcache_put(from);
	return err;
}

void pt_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned flags)
{
	int err = EINVAL;

	if (is_single_name(name) && is_single_name(newname))
		err = rename_between(inode_of(parent), name, inode_of(newparent), newname, flags);
	fuse_reply_err(req, err);
}
