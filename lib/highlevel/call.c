/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request on its way to a callback and back: the context, the paths, the open
 * file, interrupts. Every operation begins with one of the hl_call_* functions
 * and ends with hl_call_end(), also when the beginning failed.
 */
#include "highlevel/hl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/tsan.h"

/* After so many a filesystem has been complained about enough. */
#define FAULTS_LOGGED 64

static void start(struct hl_call *c, fuse_req_t req)
{
	struct fuse *f = hl_fuse(req);

	c->f = f;
	c->req = req;
	c->op.slot = NULL;
	c->interruptible = false;
	c->handle[0] = c->handle[1] = 0;
	c->borrowed = 0;
	c->outer = hl_context_enter(f, req, f->user_data);
}

static int ready(struct hl_call *c, int err)
{
	if (!err && c->f->cfg.intr)
		hl_intr_begin(c);
	return err;
}

int hl_call_plain(struct hl_call *c, fuse_req_t req, const char *doing)
{
	start(c, req);
	return ready(c, hl_begin(c->f->table, &c->op, doing, NULL, 0));
}

int hl_call_node(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino)
{
	const struct hl_where w = {ino, NULL};

	start(c, req);
	return ready(c, hl_begin(c->f->table, &c->op, doing, &w, 1));
}

int hl_call_entry(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t dir,
		  const char *name)
{
	const struct hl_where w = {dir, name};

	start(c, req);
	return ready(c, hl_begin(c->f->table, &c->op, doing, &w, 1));
}

int hl_call_node_entry(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		       fuse_ino_t dir, const char *name)
{
	const struct hl_where w[2] = {{ino, NULL}, {dir, name}};

	start(c, req);
	return ready(c, hl_begin(c->f->table, &c->op, doing, w, 2));
}

static int take_file(struct hl_call *c, const struct fuse_file_info *fi)
{
	c->fi = *fi;
	c->handle[0] = fi->fh;
	return hl_handle_fh(&c->f->handles, fi->fh, &c->fi.fh) ? 0 : -EBADF;
}

/* Files that were removed have no path. With hard_remove there are such, and who
 * wants that works on them without. */
static int begin_with_files(struct hl_call *c, const char *doing, const struct hl_where *w,
			    unsigned int count)
{
	const struct fuse_config *cfg = &c->f->cfg;
	int err = hl_begin(c->f->table, &c->op, doing, w, cfg->nullpath_ok ? 0 : count);

	if (err == -ENOENT && cfg->hard_remove)
		err = hl_begin(c->f->table, &c->op, doing, NULL, 0);
	return err;
}

static int start_with_file(struct hl_call *c, fuse_req_t req, const struct fuse_file_info *fi)
{
	start(c, req);
	return take_file(c, fi);
}

int hl_call_open(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		 const struct fuse_file_info *fi)
{
	int err = start_with_file(c, req, fi);

	return err ? err : ready(c, begin_with_files(c, doing, &(struct hl_where){ino, NULL}, 1));
}

int hl_call_open_path(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		      const struct fuse_file_info *fi)
{
	const struct hl_where w = {ino, NULL};
	int err = start_with_file(c, req, fi);

	if (err)
		return err;
	return ready(c, hl_begin(c->f->table, &c->op, doing, &w, c->f->null_paths ? 0 : 1));
}

int hl_call_dir(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		const struct fuse_file_info *fi, struct hl_listing **listing)
{
	bool want_path = !hl_fuse(req)->cfg.nullpath_ok;
	int err;

	start(c, req);
	c->fi = *fi;
	c->handle[0] = fi->fh;
	*listing = NULL;
	if (!hl_handle_listing(&c->f->handles, fi->fh, &c->fi.fh, listing))
		return -EBADF;
	err = hl_begin_open(c->f->table, &c->op, doing, ino, want_path);
	if (!err && want_path && !c->op.path[0])
		err = -ENOENT;
	return ready(c, err);
}

int hl_call_open_two(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino1,
		     const struct fuse_file_info *fi1, fuse_ino_t ino2,
		     const struct fuse_file_info *fi2, struct fuse_file_info *out2)
{
	const struct hl_where w[2] = {{ino1, NULL}, {ino2, NULL}};
	int err;

	start(c, req);
	err = take_file(c, fi1);
	*out2 = *fi2;
	c->handle[1] = fi2->fh;
	if (!err && !hl_handle_fh(&c->f->handles, fi2->fh, &out2->fh))
		err = -EBADF;
	if (err)
		return err;
	return ready(c, begin_with_files(c, doing, w, 2));
}

int hl_call_release(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		    const struct fuse_file_info *fi, struct hl_closed_handle *handle)
{
	int err;

	start(c, req);
	c->fi = *fi;
	if (!hl_handle_close(&c->f->handles, fi->fh, handle))
		return -EBADF;
	c->fi.fh = handle->fh;
	/* The callback must come in any case; without memory, without a path. */
	if (c->f->cfg.nullpath_ok)
		err = hl_begin(c->f->table, &c->op, doing, NULL, 0);
	else
		err = hl_begin_open(c->f->table, &c->op, doing, handle->ino, true);
	if (err)
		c->op.path[0] = NULL;
	return 0;
}

/* The kernel names no open file where it could (fstat, fchmod). For a node that
 * has no path any more, another one serves as well as the one it means. Whoever
 * closes that meanwhile waits for us. */
static int borrow_file(struct hl_call *c, fuse_ino_t ino, const char *doing)
{
	memset(&c->fi, 0, sizeof(c->fi));
	if (c->f->cfg.nullpath_ok)
		c->borrowed = hl_handle_borrow(&c->f->handles, ino, &c->fi.fh);
	return c->borrowed ? hl_begin(c->f->table, &c->op, doing, NULL, 0) : -ENOENT;
}

int hl_call_maybe_open(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		       const struct fuse_file_info *fi, struct fuse_file_info **fip)
{
	int err;

	*fip = NULL;
	if (fi) {
		*fip = &c->fi;
		return hl_call_open(c, req, doing, ino, fi);
	}
	start(c, req);
	err = hl_begin(c->f->table, &c->op, doing, &(struct hl_where){ino, NULL}, 1);
	if (err == -ENOENT) {
		err = borrow_file(c, ino, doing);
		*fip = &c->fi;
	}
	return ready(c, err);
}

int hl_call_node_or_file(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino)
{
	struct fuse_file_info *file;
	int err;

	if (!hl_fuse(req)->null_paths)
		return hl_call_node(c, req, doing, ino);
	err = hl_call_maybe_open(c, req, doing, ino, NULL, &file);
	if (!err && file)
		hl_context_file(file);
	return err;
}

int hl_call_write(struct hl_call *c, fuse_req_t req, const char *doing, const struct hl_where *w,
		  unsigned int count)
{
	start(c, req);
	return ready(c, hl_begin_write(c->f->table, &c->op, doing, w, count));
}

void hl_call_answering(struct hl_call *c)
{
	if (c->interruptible)
		hl_intr_end(c);
	hl_context_answered();
}

void hl_call_end(struct hl_call *c)
{
	for (int i = 0; PROFUSE_TSAN && i < 2; i++)
		hl_handle_used(&c->f->handles, c->handle[i]);
	if (c->borrowed)
		hl_handle_return(&c->f->handles, c->borrowed);
	c->borrowed = 0;
	if (c->interruptible)
		hl_intr_end(c);
	hl_end(&c->op);
	hl_context_leave(&c->outer);
}

/* ---- what callbacks return ---- */

void hl_fault(struct fuse *f, const char *fmt, ...)
{
	unsigned int n = atomic_fetch_add_explicit(&f->faults_logged, 1, memory_order_relaxed);
	char text[256];
	va_list ap;

	if (n >= FAULTS_LOGGED) {
		/* Do not come round again after 2^32 of them. */
		atomic_store_explicit(&f->faults_logged, FAULTS_LOGGED, memory_order_relaxed);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fuse_log(FUSE_LOG_ERR, "fuse: %s%s\n", text,
		 n + 1 == FAULTS_LOGGED ? " (further such messages are left out)" : "");
}

/* The kernel accepts -511 to -1. */
static bool is_errno(ssize_t res)
{
	return res < 0 && res > -512;
}

int hl_checked(struct fuse *f, const char *op, int res)
{
	if (likely(res == 0 || is_errno(res)))
		return res;
	hl_fault(f, "%s of the filesystem returned %d, which is neither 0 nor a negative errno", op,
		 res);
	return -EIO;
}

ssize_t hl_counted(struct fuse *f, const char *op, ssize_t res, size_t max)
{
	if (likely(is_errno(res) || (res >= 0 && (size_t)res <= max)))
		return res;
	hl_fault(f, "%s of the filesystem returned %zd, which is more than the %zu bytes asked for",
		 op, res, max);
	return -EIO;
}
