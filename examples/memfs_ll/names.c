/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: looking them up, making and removing them; and what the kernel remembers of them. */
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 255, TARGET_LIMIT = 4095 };

static const uint64_t link_limit = UINT32_MAX - 1;

void entry_fill_locked(const struct inode *inode, struct fuse_entry_param *entry)
{
	memset(entry, 0, sizeof(*entry));
	entry->ino = inode->id;
	entry->generation = inode->generation;
	entry->attr_timeout = fs.timeout;
	entry->entry_timeout = fs.timeout;
	inode_stat_locked(inode, &entry->attr);
}

static void entry_fill(struct inode *inode, struct fuse_entry_param *entry)
{
	inode_lock_read(inode);
	entry_fill_locked(inode, entry);
	inode_unlock(inode);
}

/* Answer with an inode. One reference of the caller's becomes the lookup the kernel remembers. */
static void reply_inode(fuse_req_t req, struct inode *inode)
{
	struct fuse_entry_param entry;

	entry_fill(inode, &entry);
	if (fuse_reply_entry(req, &entry) != 0)
		inode_unref(inode, 1);
}

/* "There is no such name", which may be remembered. */
static void reply_absent(fuse_req_t req)
{
	struct fuse_entry_param entry = {.entry_timeout = fs.timeout};

	fuse_reply_entry(req, &entry);
}

/* --- lookup and forget --- */

/*
 * Somebody kept a file handle, the kernel has forgotten the inode, and asks for "." or ".." in
 * it. This is the one case where a node id may be stale.
 */
static void lookup_by_handle(fuse_req_t req, fuse_ino_t ino, bool parent)
{
	struct inode *inode = inode_get_by_id(ino);
	struct inode *above = NULL;

	if (!inode) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	if (!parent) {
		reply_inode(req, inode);
		return;
	}
	inode_lock_read(inode);
	/* While the directory has a name, so has the one above. */
	if (inode_is_dir(inode) && inode->nlink > 0) {
		above = inode->dir.parent;
		inode_ref(above, 1);
	}
	inode_unlock(inode);
	inode_unref(inode, 1);
	if (above)
		reply_inode(req, above);
	else
		fuse_reply_err(req, ESTALE);
}

void memfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir, *inode = NULL;
	struct dirent_node *found;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		lookup_by_handle(req, parent, name[1] == '.');
		return;
	}
	if (strlen(name) > NAME_LIMIT) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	dir = inode_of(parent);
	inode_lock_read(dir);
	found = dir_find(&dir->dir, name);
	if (found) {
		inode = found->inode;
		inode_ref(inode, 1);
	}
	inode_unlock(dir);
	if (inode)
		reply_inode(req, inode);
	else
		reply_absent(req);
}

static void forget(fuse_ino_t ino, uint64_t nlookup)
{
	/* The root is never forgotten, whatever is said. */
	if (ino != FUSE_ROOT_ID)
		inode_unref(inode_of(ino), nlookup);
}

void memfs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	forget(ino, nlookup);
	fuse_reply_none(req);
}

void memfs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* --- making --- */

/* An inode for the caller in a directory, as the directory wants it. Not yet named. */
static int new_inode_locked(fuse_req_t req, const struct inode *dir, mode_t mode, dev_t rdev,
			    struct inode **result)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct owner owner = {.uid = ctx->uid, .gid = ctx->gid};
	struct inode *inode;
	int ret;

	if (dir->perm & S_ISGID) {
		owner.gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
	}
	inode = inode_new(mode, owner, rdev);
	if (!inode)
		return -errno;
	ret = acl_inherit_locked(dir, inode, ctx->umask);
	if (ret < 0) {
		inode_unref(inode, 1);
		return ret;
	}
	*result = inode;
	return 0;
}

/* Is this a place for a new name? */
static int check_new_name_locked(const struct inode *dir, const char *name)
{
	if (strlen(name) > NAME_LIMIT)
		return -ENAMETOOLONG;
	if (dir->nlink == 0)
		return -ENOENT; /* a removed directory that somebody still stands in */
	if (dir_find(&dir->dir, name))
		return -EEXIST;
	return 0;
}

static int name_new_inode_locked(struct inode *dir, const char *name, struct inode *inode)
{
	int ret = dir_add(&dir->dir, name, inode);

	if (ret < 0)
		return ret;
	/* Nobody can have locked it yet: its name appears when `dir` is unlocked. */
	inode_add_link_locked(inode);
	if (inode_is_dir(inode)) {
		inode->nlink = 2;
		inode->dir.parent = dir;
		dir->nlink++;
	}
	inode_modified_locked(dir);
	return 0;
}

static int set_target(struct inode *inode, const char *target)
{
	inode->target = strdup(target);
	inode->size = strlen(target);
	return inode->target ? 0 : -ENOMEM;
}

/* Make something new. The result has one reference for the caller. */
static int make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev,
		const char *target, struct inode **result)
{
	struct inode *dir = inode_of(parent);
	struct inode *inode = NULL;
	int ret;

	inode_lock_write(dir);
	ret = check_new_name_locked(dir, name);
	if (ret == 0)
		ret = new_inode_locked(req, dir, mode, rdev, &inode);
	if (ret == 0 && target)
		ret = set_target(inode, target);
	if (ret == 0)
		ret = name_new_inode_locked(dir, name, inode);
	inode_unlock(dir);
	if (ret < 0 && inode)
		inode_unref(inode, 1);
	*result = inode;
	return ret;
}

static void make_and_reply(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			   dev_t rdev, const char *target)
{
	struct inode *inode;
	int ret = make(req, parent, name, mode, rdev, target, &inode);

	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		reply_inode(req, inode);
}

void memfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make_and_reply(req, parent, name, mode, rdev, NULL);
}

void memfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make_and_reply(req, parent, name, S_IFDIR | (mode & 07777), 0, NULL);
}

void memfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	if (strlen(target) > TARGET_LIMIT)
		fuse_reply_err(req, ENAMETOOLONG);
	else
		make_and_reply(req, parent, name, S_IFLNK | 0777, 0, target);
}

/* Answer a request that made an inode and opened it. The caller's reference goes to the kernel. */
static void reply_created(fuse_req_t req, struct inode *inode, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;

	file_opened(inode, fi);
	entry_fill(inode, &entry);
	if (fuse_reply_create(req, &entry, fi) != 0)
		inode_unref(inode, 2); /* the lookup and the open file */
}

void memfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi)
{
	struct inode *inode;
	int ret = make(req, parent, name, S_IFREG | (mode & 07777), 0, NULL, &inode);

	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		reply_created(req, inode, fi);
}

void memfs_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	struct inode *dir = inode_of(parent);
	struct inode *inode;
	int ret = -ENOENT;

	inode_lock_read(dir);
	if (dir->nlink > 0)
		ret = new_inode_locked(req, dir, S_IFREG | (mode & 07777), 0, &inode);
	inode_unlock(dir);
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		reply_created(req, inode, fi);
}

void memfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct inode *inode = inode_of(ino);
	struct inode *dir = inode_of(newparent);
	int ret;

	inode_lock_write(dir);
	inode_lock_write(inode);
	ret = check_new_name_locked(dir, newname);
	if (ret == 0 && inode->nlink >= link_limit)
		ret = -EMLINK;
	if (ret == 0)
		ret = dir_add(&dir->dir, newname, inode);
	if (ret == 0) {
		inode_add_link_locked(inode);
		inode_changed_locked(inode);
		inode_modified_locked(dir);
		inode_ref(inode, 1);
	}
	inode_unlock(inode);
	inode_unlock(dir);
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		reply_inode(req, inode);
}

/* --- removing --- */

void memfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	struct dirent_node *entry;
	struct inode *gone = NULL;
	int err = 0;

	inode_lock_write(dir);
	entry = dir_find(&dir->dir, name);
	if (!entry) {
		err = ENOENT;
	} else if (inode_is_dir(entry->inode)) {
		err = EISDIR;
	} else {
		struct inode *inode = entry->inode;

		inode_lock_write(inode);
		inode_changed_locked(inode);
		if (inode_drop_link_locked(inode))
			gone = inode;
		inode_unlock(inode);
		dir_remove(&dir->dir, entry);
		inode_modified_locked(dir);
	}
	inode_unlock(dir);
	if (gone)
		inode_unref(gone, 1);
	fuse_reply_err(req, err);
}

void memfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	struct dirent_node *entry;
	struct inode *gone = NULL;
	int err = 0;

	inode_lock_write(dir);
	entry = dir_find(&dir->dir, name);
	if (!entry) {
		err = ENOENT;
	} else if (!inode_is_dir(entry->inode)) {
		err = ENOTDIR;
	} else {
		struct inode *child = entry->inode;

		inode_lock_write(child);
		if (child->dir.count > 0) {
			err = ENOTEMPTY;
		} else {
			child->nlink = 0;
			inode_changed_locked(child);
			gone = child;
			dir_remove(&dir->dir, entry);
			dir->nlink--;
			inode_modified_locked(dir);
		}
		inode_unlock(child);
	}
	inode_unlock(dir);
	if (gone)
		inode_unref(gone, 1);
	fuse_reply_err(req, err);
}
