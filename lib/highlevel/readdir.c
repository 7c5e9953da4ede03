/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories.
 *
 * A filesystem lists in one of two ways. Without offsets it gives all entries
 * in one call; they are collected, and the kernel is served from the collection
 * by position until it starts again from the beginning. With offsets entries
 * go into the answer at once, until it is full. Both in one call make no sense.
 */
#include "highlevel/hl.h"

#include <stdlib.h>
#include <string.h>

#include "highlevel/listing.h"
#include "protocol/fill.h"
#include "session/session.h"

#define UNKNOWN_INO ((ino_t)0xffffffff)

/* The kernel has room for this much. */
#define LONGEST_NAME 1024

/* One request for entries; what the filesystem passes through as `buf`. */
struct filling {
	struct hl_call *c;
	fuse_req_t req;
	fuse_ino_t dir;
	struct hl_listing *listing;
	bool plus;

	bool collects, direct; /* which way it went so far */
	int error;

	char *out; /* the answer */
	size_t size, len;
	off_t last_off; /* of its last entry */
	bool full;

	/* Lookups that the answer hands out. */
	fuse_ino_t *counted;
	size_t counted_len, counted_cap;
};

/* ---- the answer ---- */

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static ino_t shown_ino(struct filling *w, const struct hl_listed *e)
{
	const struct fuse_config *cfg = &w->c->f->cfg;
	uint64_t ino = 0;

	/* Programs take an entry with the number 0 for one that was removed. */
	if (cfg->use_ino && e->ino)
		return e->ino;
	if (cfg->readdir_ino && !is_dot(e->name))
		ino = hl_find(w->c->f->table, w->dir, e->name);
	return ino ? ino : UNKNOWN_INO;
}

static bool note_lookup(struct filling *w, fuse_ino_t ino)
{
	if (w->counted_len == w->counted_cap) {
		size_t cap = w->counted_cap ? w->counted_cap * 2 : 128;
		fuse_ino_t *p = realloc(w->counted, cap * sizeof(*p));

		if (!p)
			return false;
		w->counted = p;
		w->counted_cap = cap;
	}
	w->counted[w->counted_len++] = ino;
	return true;
}

/* Attributes that may go into the answer. Who uses numbers that are not given
 * gets none, as C libraries take the number 0 for a removed entry. */
static bool has_attributes(struct filling *w, const struct hl_listed *e)
{
	const char *fault;

	if (!e->attr || is_dot(e->name) || (w->c->f->cfg.use_ino && !e->ino))
		return false;
	fault = proto_attr_fault(e->attr);
	if (unlikely(fault))
		hl_fault(w->c->f, "readdir of the filesystem gave '%.80s' with attributes: %s",
			 e->name, fault);
	return !fault;
}

/* Fills in what makes the kernel keep the entry, if it is to. */
static void count_entry(struct filling *w, const struct hl_listed *e, struct fuse_entry_param *p)
{
	struct hl_call *c = w->c;

	p->attr = *e->attr;
	if (!hl_make_entry(c, w->dir, e->name, p)) {
		if (note_lookup(w, p->ino))
			return;
		hl_unlookup(c->f, p->ino);
	}
	memset(p, 0, sizeof(*p));
}

/* False if there is no room for it. */
static bool put_entry(struct filling *w, const struct hl_listed *e, off_t off)
{
	struct stat st = {.st_ino = shown_ino(w, e), .st_mode = e->mode};
	size_t room = w->size - w->len, need;
	struct fuse_entry_param p = {0};

	if (w->plus) {
		/* Counted only once it is sure to fit. */
		need = fuse_add_direntry_plus(w->req, NULL, 0, e->name, &p, off);
		if (need > room)
			return false;
		if (has_attributes(w, e) && !hl_trim_tight(w->c->f))
			count_entry(w, e, &p);
		if (!p.ino)
			p.attr = st;
		need = fuse_add_direntry_plus(w->req, w->out + w->len, room, e->name, &p, off);
	} else {
		need = fuse_add_direntry(w->req, w->out + w->len, room, e->name, &st, off);
		if (need > room)
			return false;
	}
	w->len += need;
	w->last_off = off;
	return true;
}

/* ---- the filesystem's side ---- */

static int fail(struct filling *w, int error)
{
	if (!w->error)
		w->error = error;
	return 1;
}

static int bad_entry(struct filling *w, const char *name, off_t off, unsigned int flags)
{
	struct fuse *f = w->c->f;
	size_t len = name ? strnlen(name, LONGEST_NAME + 1) : 0;

	if (len == 0 || len > LONGEST_NAME || memchr(name, '/', len)) {
		hl_fault(f, "readdir of the filesystem gave an entry with the name '%.80s'%s",
			 name ? name : "", len > LONGEST_NAME ? "..., which is too long" : "");
		return fail(w, -EIO);
	}
	if (flags & ~(unsigned int)FUSE_FILL_DIR_PLUS) {
		hl_fault(f, "readdir of the filesystem passed unknown flags 0x%x", flags);
		return fail(w, -EIO);
	}
	if (off < 0 || (off ? w->collects : w->direct)) {
		hl_fault(f, "readdir of the filesystem gave '%.80s' with the offset %lld%s", name,
			 (long long)off,
			 off < 0 ? "" : ", other entries in the same call with and without one");
		return fail(w, -EIO);
	}
	return 0;
}

static int fill(void *buf, const char *name, const struct stat *st, off_t off,
		enum fuse_fill_dir_flags flags)
{
	struct filling *w = buf;
	struct hl_listed e = {.name = name};

	if (w->error || bad_entry(w, name, off, flags))
		return 1;
	if (hl_is_hidden_name(w->c->f, w->dir, name))
		return 0;
	if (st) {
		e.ino = st->st_ino;
		e.mode = st->st_mode;
		if (flags & FUSE_FILL_DIR_PLUS)
			e.attr = st;
	}
	if (!off) {
		w->collects = true;
		return hl_listing_add(w->listing, &e) ? 0 : fail(w, -ENOMEM);
	}
	w->direct = true;
	w->full = w->full || !put_entry(w, &e, off);
	return w->full;
}

/* ---- readdir and readdirplus ---- */

static int ask_filesystem(struct filling *w, off_t off)
{
	struct hl_call *c = w->c;
	int err;

	hl_listing_clear(w->listing);
	err = hl_checked(c->f, "readdir",
			 fuse_fs_readdir(c->f->fs, hl_path(c), w, fill, off, &c->fi,
					 w->plus ? FUSE_READDIR_PLUS : FUSE_READDIR_DEFAULTS));
	if (w->error)
		err = w->error;
	/* Offsets may go up and down, but whoever comes back to where he started
	 * lists for ever. */
	if (!err && w->direct && w->len && w->last_off == off) {
		hl_fault(c->f,
			 "readdir of the filesystem, asked from offset %lld, gave entries "
			 "up to the same offset",
			 (long long)off);
		err = -EIO;
	}
	w->listing->collected = !err && !w->direct;
	return err;
}

static int fill_answer(struct filling *w, off_t off)
{
	struct hl_listing *l = w->listing;
	struct hl_listed e;
	int err = 0;

	if (off == 0 || !l->collected)
		err = ask_filesystem(w, off);
	if (err || !l->collected)
		return err;
	for (size_t i = (size_t)off; i < l->count; i++) {
		hl_listing_get(l, i, &e);
		if (!put_entry(w, &e, (off_t)i + 1))
			break;
	}
	return 0;
}

static void undo_lookups(struct filling *w)
{
	for (size_t i = 0; i < w->counted_len; i++)
		hl_unlookup(w->c->f, w->counted[i]);
}

static void answer(struct filling *w, int err)
{
	if (err)
		fuse_reply_err(w->req, -err);
	else
		err = fuse_reply_buf(w->req, w->out, w->len);
	if (err)
		undo_lookups(w);
	free(w->counted);
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi,
		 bool plus)
{
	struct hl_call c;
	struct filling w = {.c = &c, .req = req, .dir = ino, .plus = plus, .size = size};
	char *own = NULL;
	size_t cap = 0;
	int err = hl_call_dir(&c, req, plus ? "readdirplus" : "readdir", ino, fi, &w.listing);

	w.out = sess_reply_buffer(req, size, &cap);
	if (!w.out || cap < size)
		w.out = own = malloc(size ? size : 1);
	if (!err && !w.out)
		err = -ENOMEM;
	if (!err) {
		pthread_mutex_lock(&w.listing->lock);
		err = fill_answer(&w, off);
		pthread_mutex_unlock(&w.listing->lock);
	}
	hl_call_end(&c);
	/* There is nothing in a directory that is gone. */
	if (err == -ENOENT && w.listing && hl_flags(c.f->table, ino) & HL_UNLINKED)
		err = 0;
	answer(&w, err);
	hl_listing_drop(w.listing);
	free(own);
}

void hl_ll_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	list(req, ino, size, off, fi, false);
}

void hl_ll_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	list(req, ino, size, off, fi, true);
}

/* ---- open and close ---- */

static void close_dir(struct hl_call *c, uint64_t wire)
{
	struct hl_closed_handle handle;

	if (!hl_handle_close(&c->f->handles, wire, &handle))
		return;
	c->fi.fh = handle.fh;
	fuse_fs_releasedir(c->f->fs, hl_path(c), &c->fi);
	hl_listing_drop(handle.listing);
}

static int enter_dir(struct hl_call *c, fuse_ino_t ino, uint64_t *wire)
{
	struct hl_listing *l = hl_listing_new();

	if (!l)
		return -ENOMEM;
	*wire = hl_handle_new(&c->f->handles, ino, c->fi.fh, l);
	if (*wire)
		return 0;
	hl_listing_drop(l);
	return -ENFILE;
}

void hl_ll_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct hl_call c;
	uint64_t wire = 0;
	int err = hl_call_node(&c, req, "opendir", ino);

	c.fi = *fi;
	if (!err)
		err = hl_checked(c.f, "opendir", fuse_fs_opendir(c.f->fs, hl_path(&c), &c.fi));
	if (!err) {
		err = enter_dir(&c, ino, &wire);
		if (err)
			fuse_fs_releasedir(c.f->fs, hl_path(&c), &c.fi);
	}
	hl_call_answering(&c);
	c.fi.fh = wire;
	if (err)
		fuse_reply_err(req, -err);
	else if (fuse_reply_open(req, &c.fi))
		close_dir(&c, wire);
	hl_call_end(&c);
}

void hl_ll_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct hl_closed_handle handle;
	struct hl_call c;
	int err = hl_call_release(&c, req, "releasedir", ino, fi, &handle);

	if (!err) {
		fuse_fs_releasedir(c.f->fs, hl_path(&c), &c.fi);
		hl_listing_drop(handle.listing);
	}
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}

void hl_ll_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct hl_call c;
	int err = hl_call_open(&c, req, "fsyncdir", ino, fi);

	if (!err)
		err = hl_checked(c.f, "fsyncdir",
				 fuse_fs_fsyncdir(c.f->fs, hl_path(&c), datasync, &c.fi));
	hl_call_end(&c);
	fuse_reply_err(req, -err);
}
