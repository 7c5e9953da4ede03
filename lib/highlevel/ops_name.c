/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: looked up, made, removed, moved, forgotten. */
#include "highlevel/hl.h"

#include <stdio.h> /* RENAME_* */
#include <string.h>

/* ---- lookup and forget ---- */

/* "." and ".." of a node, asked for when a file handle (NFS,
 * open_by_handle_at) names a node that the kernel has forgotten. */
static int lookup_dot(struct hl_call *c, fuse_req_t req, fuse_ino_t ino, bool parent,
		      struct fuse_entry_param *e)
{
	struct fuse *f = hl_fuse(req);
	struct hl_entry found;
	int err = parent ? hl_lookup_parent(f->table, ino, &found)
			 : hl_lookup_self(f->table, ino, &found);

	if (err)
		return err;
	memset(e, 0, sizeof(*e));
	e->ino = found.ino;
	e->generation = found.generation;
	e->entry_timeout = f->cfg.entry_timeout;
	e->attr_timeout = f->cfg.attr_timeout;
	err = hl_call_node(c, req, "lookup", e->ino);
	if (!err) {
		err = hl_checked(f, "getattr", fuse_fs_getattr(f->fs, hl_path(c), &e->attr, NULL));
		hl_fix_attr(f, e->ino, &e->attr);
	}
	hl_call_end(c);
	if (err)
		hl_unlookup(f, e->ino);
	return err == -ENOENT ? -ESTALE : err;
}

void hl_ll_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse *f = hl_fuse(req);
	struct fuse_entry_param e;
	struct hl_call c;
	int err;

	if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]))) {
		hl_reply_entry(f, req, &e, lookup_dot(&c, req, parent, name[1], &e));
		return;
	}
	err = hl_call_entry(&c, req, "lookup", parent, name);
	if (!err)
		err = hl_lookup_entry(&c, 0, &e, NULL);
	hl_call_end(&c);
	if (err == -ENOENT && f->cfg.negative_timeout > 0) {
		memset(&e, 0, sizeof(e));
		e.entry_timeout = f->cfg.negative_timeout;
		err = 0;
	}
	hl_reply_entry(f, req, &e, err);
}

static void forget_one(struct fuse *f, fuse_ino_t ino, uint64_t nlookup)
{
	if (!hl_forget(f->table, ino, nlookup))
		hl_fault(f, "the kernel forgot node %llu more often than it looked it up",
			 (unsigned long long)ino);
}

void hl_ll_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct fuse *f = hl_fuse(req);

	forget_one(f, ino, nlookup);
	hl_forget_done(f->table);
	fuse_reply_none(req);
}

void hl_ll_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fuse *f = hl_fuse(req);

	for (size_t i = 0; i < count; i++)
		forget_one(f, forgets[i].ino, forgets[i].nlookup);
	hl_forget_done(f->table);
	fuse_reply_none(req);
}

/* ---- making ---- */

/* A file by create and release, as filesystems like it best. -ENOSYS if there
 * is no create. */
static int make_by_create(struct hl_call *c, mode_t mode, struct fuse_entry_param *e)
{
	struct fuse_fs *fs = c->f->fs;
	int err;

	memset(&c->fi, 0, sizeof(c->fi));
	c->fi.flags = O_CREAT | O_EXCL | O_WRONLY;
	err = hl_checked(c->f, "create", fuse_fs_create(fs, hl_path(c), mode, &c->fi));
	if (err)
		return err;
	err = hl_lookup_entry(c, 0, e, &c->fi);
	fuse_fs_release(fs, hl_path(c), &c->fi);
	return err;
}

static int make_node(struct hl_call *c, mode_t mode, dev_t rdev, struct fuse_entry_param *e)
{
	int err = -ENOSYS;

	if (S_ISREG(mode))
		err = make_by_create(c, mode, e);
	if (err != -ENOSYS)
		return err;
	err = hl_checked(c->f, "mknod", fuse_fs_mknod(c->f->fs, hl_path(c), mode, rdev));
	return err ? err : hl_lookup_entry(c, 0, e, NULL);
}

void hl_ll_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct fuse_entry_param e;
	struct hl_call c;
	int err = hl_call_entry(&c, req, "mknod", parent, name);

	if (!err)
		err = make_node(&c, mode, rdev, &e);
	hl_call_end(&c);
	hl_reply_entry(c.f, req, &e, err);
}

void hl_ll_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fuse_entry_param e;
	struct hl_call c;
	int err = hl_call_entry(&c, req, "mkdir", parent, name);

	if (!err)
		err = hl_checked(c.f, "mkdir", fuse_fs_mkdir(c.f->fs, hl_path(&c), mode));
	if (!err)
		err = hl_lookup_entry(&c, 0, &e, NULL);
	hl_call_end(&c);
	hl_reply_entry(c.f, req, &e, err);
}

void hl_ll_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;
	struct hl_call c;
	int err = hl_call_entry(&c, req, "symlink", parent, name);

	if (!err)
		err = hl_checked(c.f, "symlink", fuse_fs_symlink(c.f->fs, target, hl_path(&c)));
	if (!err)
		err = hl_lookup_entry(&c, 0, &e, NULL);
	hl_call_end(&c);
	hl_reply_entry(c.f, req, &e, err);
}

void hl_ll_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct fuse_entry_param e;
	struct hl_call c;
	int err = hl_call_node_entry(&c, req, "link", ino, newparent, newname);

	if (!err)
		err = hl_checked(c.f, "link", fuse_fs_link(c.f->fs, c.op.path[0], c.op.path[1]));
	if (!err)
		err = hl_lookup_entry(&c, 1, &e, NULL);
	hl_call_end(&c);
	hl_reply_entry(c.f, req, &e, err);
}

/* ---- removing and moving ---- */

static int remove_name(struct hl_call *c)
{
	int err;

	if (hl_must_hide(c->f, c, 0)) {
		uint64_t ino;

		return hl_hide(c, 0, &ino);
	}
	err = hl_checked(c->f, "unlink", fuse_fs_unlink(c->f->fs, hl_path(c)));
	if (!err)
		hl_removed(&c->op);
	return err;
}

void hl_ll_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct hl_where w = {parent, name};
	struct hl_call c;
	int err = hl_call_write(&c, req, "unlink", &w, 1);

	if (!err)
		err = remove_name(&c);
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

/* What a directory is that may be gone in a moment; false for anything else. It
 * may be somebody's place, who can still ask. */
static bool see_directory(struct hl_call *c, unsigned int which, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	if (!(hl_flags(c->f->table, c->op.node[which]) & HL_DIR))
		return false;
	return !fuse_fs_getattr(c->f->fs, c->op.path[which], st, NULL) && S_ISDIR(st->st_mode);
}

/* Hidden files are nothing to users. */
static int remove_directory(struct hl_call *c)
{
	int err = hl_checked(c->f, "rmdir", fuse_fs_rmdir(c->f->fs, hl_path(c)));

	if (err == -ENOTEMPTY && hl_clear_of_hidden(c, 0))
		err = hl_checked(c->f, "rmdir", fuse_fs_rmdir(c->f->fs, hl_path(c)));
	return err;
}

void hl_ll_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct hl_where w = {parent, name};
	struct stat st;
	struct hl_call c;
	int err = hl_call_write(&c, req, "rmdir", &w, 1);
	bool seen = !err && see_directory(&c, 0, &st);

	if (!err)
		err = remove_directory(&c);
	if (!err) {
		if (seen)
			hl_ghosts_keep(c.f, c.op.node[0], &st);
		hl_removed(&c.op);
	}
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

static int rename_path(struct hl_call *c, unsigned int flags)
{
	return hl_checked(c->f, "rename",
			  fuse_fs_rename(c->f->fs, c->op.path[0], c->op.path[1], flags));
}

static int rename_entry(struct hl_call *c, unsigned int flags)
{
	bool exchange = flags & RENAME_EXCHANGE;
	uint64_t hidden = 0;
	struct stat st;
	bool seen;
	int err = 0;

	/* RENAME_NOREPLACE fails if there is something to hide. */
	if (!(flags & (RENAME_EXCHANGE | RENAME_NOREPLACE)) && hl_must_hide(c->f, c, 1))
		err = hl_hide(c, 1, &hidden);
	seen = !err && !exchange && see_directory(c, 1, &st);
	if (!err)
		err = rename_path(c, flags);
	if (err == -ENOTEMPTY && seen && hl_clear_of_hidden(c, 1))
		err = rename_path(c, flags);
	if (!err && seen)
		hl_ghosts_keep(c->f, c->op.node[1], &st);
	if (!err)
		hl_renamed(&c->op, exchange);
	else if (hidden)
		hl_unhide(c, 1, hidden);
	return err;
}

void hl_ll_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned int flags)
{
	const struct hl_where w[2] = {{parent, name}, {newparent, newname}};
	struct hl_call c;
	int err = hl_call_write(&c, req, "rename", w, 2);

	if (!err)
		err = rename_entry(&c, flags);
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}
