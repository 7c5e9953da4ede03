/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes as the options want them, and entries with a lookup counted. */
#include "highlevel/hl.h"

#include <string.h>

mode_t hl_fix_mode(const struct fuse *f, mode_t mode)
{
	mode_t mask = f->cfg.umask;

	if (!f->cfg.set_mode)
		return mode;
	if (S_ISDIR(mode) && f->cfg.dmask)
		mask = f->cfg.dmask;
	else if (!S_ISDIR(mode) && f->cfg.fmask)
		mask = f->cfg.fmask;
	return (mode & S_IFMT) | (0777 & ~mask);
}

void hl_fix_attr(struct fuse *f, fuse_ino_t ino, struct stat *st)
{
	unsigned int hidden = hl_hidden_links(f, ino, st->st_ino);

	/* Names that we gave are none of the user's. */
	if (unlikely(hidden))
		st->st_nlink = st->st_nlink > hidden ? st->st_nlink - hidden : 0;
	if (!f->cfg.use_ino)
		st->st_ino = ino;
	st->st_mode = hl_fix_mode(f, st->st_mode);
	if (f->cfg.set_uid)
		st->st_uid = f->cfg.uid;
	if (f->cfg.set_gid)
		st->st_gid = f->cfg.gid;
}

int hl_make_entry(struct hl_call *c, fuse_ino_t parent, const char *name,
		  struct fuse_entry_param *e)
{
	struct fuse *f = c->f;
	struct hl_entry found;
	bool dir;
	int err = hl_lookup(&c->op, parent, name, &found);

	if (err)
		return err;
	if (found.fresh && f->opts.inode_cache)
		hl_trim_note(f);
	e->ino = found.ino;
	e->generation = found.generation;
	e->entry_timeout = f->cfg.entry_timeout;
	e->attr_timeout = f->cfg.attr_timeout;
	if (f->cfg.auto_cache)
		hl_attrs_seen(f, e->ino, &e->attr);
	/* It may have become another thing behind our back. */
	dir = S_ISDIR(e->attr.st_mode);
	if (dir != !!(hl_flags(f->table, e->ino) & HL_DIR))
		hl_set_flag(f->table, e->ino, HL_DIR, dir);
	hl_fix_attr(f, e->ino, &e->attr);
	return 0;
}

int hl_lookup_entry(struct hl_call *c, unsigned int which, struct fuse_entry_param *e,
		    struct fuse_file_info *fi)
{
	const struct hl_where *w = &c->op.where[which];
	int err;

	memset(e, 0, sizeof(*e));
	err = hl_checked(c->f, "getattr",
			 fuse_fs_getattr(c->f->fs, c->op.path[which], &e->attr, fi));
	return err ? err : hl_make_entry(c, w->ino, w->name, e);
}

void hl_unlookup(struct fuse *f, fuse_ino_t ino)
{
	hl_forget(f->table, ino, 1);
	hl_forget_done(f->table);
}

void hl_reply_entry(struct fuse *f, fuse_req_t req, const struct fuse_entry_param *e, int err)
{
	if (err) {
		fuse_reply_err(req, -err);
		return;
	}
	/* Refused by the kernel, because the caller has gone, or by the layer
	 * below, because it makes no sense: nobody will forget it. */
	if (fuse_reply_entry(req, e) && e->ino)
		hl_unlookup(f, e->ino);
}
