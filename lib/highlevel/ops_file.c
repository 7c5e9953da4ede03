/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files: opened, made, flushed, closed. */
#include "highlevel/hl.h"

#include <string.h>

/* ---- open and create ---- */

/* What the options say about every open file, over what the filesystem said. */
static void apply_options(struct hl_call *c, fuse_ino_t ino, bool made)
{
	struct fuse *f = c->f;
	struct fuse_file_info *fi = &c->fi;

	if (f->cfg.direct_io)
		fi->direct_io = 1;
	if (f->cfg.kernel_cache)
		fi->keep_cache = 1;
	if (f->cfg.auto_cache && !made && hl_attrs_fresh(c, ino, fi))
		fi->keep_cache = 1;
	if (f->cfg.no_rofd_flush && (fi->flags & O_ACCMODE) == O_RDONLY)
		fi->noflush = 1;
	if (f->cfg.parallel_direct_writes)
		fi->parallel_direct_writes = 1;
}

/* Enters the file that the callback has opened: 0 and the kernel's number, or
 * -errno. */
static int enter_file(struct fuse *f, fuse_ino_t ino, struct fuse_file_info *fi, uint64_t *wire)
{
	int err;

	if (!hl_opened(f->table, ino))
		return -ESTALE;
	err = hl_backing_begin(f, ino, fi);
	if (!err) {
		*wire = hl_handle_new(&f->handles, ino, fi->fh, NULL);
		if (*wire)
			return 0;
		hl_backing_end(f, ino);
		err = -ENFILE;
	}
	hl_closed(f->table, ino);
	hl_dropped(f->table, ino);
	return err;
}

/* The file is closed as far as the filesystem knows: now as far as we do. */
static void leave_file(struct hl_call *c, fuse_ino_t ino)
{
	struct fuse *f = c->f;
	unsigned int left = hl_closed(f->table, ino);

	hl_backing_end(f, ino);
	/* Removing it is a writer of its own. */
	hl_end(&c->op);
	if (!left && hl_flags(f->table, ino) & HL_HIDDEN)
		hl_remove_hidden(f, ino);
	hl_dropped(f->table, ino);
}

static void close_file(struct hl_call *c, uint64_t wire)
{
	struct hl_closed_handle handle;

	if (!hl_handle_close(&c->f->handles, wire, &handle))
		return;
	c->fi.fh = handle.fh;
	fuse_fs_release(c->f->fs, hl_path(c), &c->fi);
	leave_file(c, handle.ino);
}

void hl_ll_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct hl_call c;
	uint64_t wire = 0;
	int err = hl_call_node(&c, req, "open", ino);

	c.fi = *fi;
	if (!err)
		err = hl_checked(c.f, "open", fuse_fs_open(c.f->fs, hl_path(&c), &c.fi));
	if (!err) {
		apply_options(&c, ino, false);
		err = enter_file(c.f, ino, &c.fi, &wire);
		if (err)
			fuse_fs_release(c.f->fs, hl_path(&c), &c.fi);
	}
	hl_call_answering(&c);
	c.fi.fh = wire;
	if (err)
		fuse_reply_err(req, -err);
	else if (fuse_reply_open(req, &c.fi))
		close_file(&c, wire); /* the caller has gone: nobody else will */
	hl_call_end(&c);
}

/* After the callback has made and opened it. */
static int enter_made(struct hl_call *c, struct fuse_entry_param *e, uint64_t *wire)
{
	int err = hl_lookup_entry(c, 0, e, &c->fi);

	if (err)
		return err;
	if (S_ISREG(e->attr.st_mode)) {
		apply_options(c, e->ino, true);
		err = enter_file(c->f, e->ino, &c->fi, wire);
	} else {
		hl_fault(c->f, "create of the filesystem made a file of type %06o, not regular",
			 e->attr.st_mode & S_IFMT);
		err = -EIO;
	}
	if (err)
		hl_unlookup(c->f, e->ino);
	return err;
}

static void answer_made(struct hl_call *c, fuse_req_t req, const struct fuse_entry_param *e,
			uint64_t wire, int err)
{
	hl_call_answering(c);
	c->fi.fh = wire;
	if (err) {
		fuse_reply_err(req, -err);
	} else if (fuse_reply_create(req, e, &c->fi)) {
		close_file(c, wire);
		hl_unlookup(c->f, e->ino);
	}
	hl_call_end(c);
}

void hl_ll_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi)
{
	struct fuse_entry_param e;
	struct hl_call c;
	uint64_t wire = 0;
	int err = hl_call_entry(&c, req, "create", parent, name);

	c.fi = *fi;
	if (!err)
		err = hl_checked(c.f, "create", fuse_fs_create(c.f->fs, hl_path(&c), mode, &c.fi));
	if (!err) {
		err = enter_made(&c, &e, &wire);
		if (err)
			fuse_fs_release(c.f->fs, hl_path(&c), &c.fi);
	}
	answer_made(&c, req, &e, wire, err);
}

/*
 * A file without a name (O_TMPFILE) is one that was hidden from the start: the
 * filesystem has only names. link() may give it one.
 */
static int make_hidden(struct hl_call *c, fuse_req_t req, fuse_ino_t parent, mode_t mode,
		       char name[HL_HIDDEN_NAME_SIZE])
{
	int flags = c->fi.flags, err;

	for (int i = 0; i < 10; i++) {
		struct fuse_file_info fi = c->fi;

		hl_new_hidden_name(hl_fuse(req), 0, name);
		err = hl_call_entry(c, req, "tmpfile", parent, name);
		c->fi = fi;
		c->fi.flags = (flags & ~(O_TMPFILE | O_EXCL)) | O_CREAT | O_EXCL;
		if (!err)
			err = hl_checked(c->f, "create",
					 fuse_fs_create(c->f->fs, hl_path(c), mode, &c->fi));
		if (err != -EEXIST)
			return err;
		hl_call_end(c);
	}
	return err;
}

static int enter_hidden(struct hl_call *c, struct fuse_entry_param *e, uint64_t *wire)
{
	int err = enter_made(c, e, wire);

	if (err)
		return err;
	hl_set_flag(c->f->table, e->ino, HL_HIDDEN, true);
	hl_note_hidden(c->f, e->ino, &e->attr);
	if (e->attr.st_nlink)
		e->attr.st_nlink--;
	return 0;
}

void hl_ll_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param e;
	struct hl_call c = {.fi = *fi};
	uint64_t wire = 0;
	char name[HL_HIDDEN_NAME_SIZE];
	int err = make_hidden(&c, req, parent, mode, name);

	if (!err) {
		err = enter_hidden(&c, &e, &wire);
		if (err) {
			fuse_fs_release(c.f->fs, hl_path(&c), &c.fi);
			fuse_fs_unlink(c.f->fs, hl_path(&c));
		}
	}
	answer_made(&c, req, &e, wire, err);
}

/* ---- flush and release ---- */

/* With locks of the filesystem's own, closing a descriptor drops the owner's,
 * whatever flush says. */
static int flush_file(struct hl_call *c, fuse_ino_t ino)
{
	struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
	struct fuse *f = c->f;
	int err, lock_err;

	err = hl_checked(f, "flush", fuse_fs_flush(f->fs, hl_path(c), &c->fi));
	lock_err = fuse_fs_lock(f->fs, hl_path(c), &c->fi, F_SETLK, &all);
	if (lock_err == -ENOSYS)
		return err;
	hl_locks_set(f->locks, ino, c->fi.lock_owner, &all);
	/* The kernel must go on telling us, for the locks' sake. */
	return err == -ENOSYS ? 0 : err;
}

void hl_ll_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct hl_call c;
	int err = hl_call_open(&c, req, "flush", ino, fi);

	if (!err)
		err = flush_file(&c, ino);
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

void hl_ll_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct hl_closed_handle handle;
	struct hl_call c;
	int err = hl_call_release(&c, req, "release", ino, fi, &handle);

	if (!err) {
		if (fi->flush)
			flush_file(&c, handle.ino);
		fuse_fs_release(c.f->fs, hl_path(&c), &c.fi);
		leave_file(&c, handle.ino);
	}
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

/* ---- the rest of what is done to an open file as a whole ---- */

void hl_ll_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct hl_call c;
	int err = hl_call_open(&c, req, "fsync", ino, fi);

	if (!err)
		err = hl_checked(c.f, "fsync",
				 fuse_fs_fsync(c.f->fs, hl_path(&c), datasync, &c.fi));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

void hl_ll_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi)
{
	struct hl_call c;
	int err = hl_call_open(&c, req, "fallocate", ino, fi);

	if (!err)
		err = hl_checked(c.f, "fallocate",
				 fuse_fs_fallocate(c.f->fs, hl_path(&c), mode, off, len, &c.fi));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}
