/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contents of files. */
#include "highlevel/hl.h"

#include <stdlib.h>

#include "session/session.h"

/* ---- read ---- */

/* Into the memory from which the answer is sent, where there is such. */
static void read_plain(struct hl_call *c, fuse_req_t req, size_t size, off_t off)
{
	size_t cap = 0;
	char *mem = sess_reply_buffer(req, size, &cap);
	char *own = NULL;
	ssize_t res;

	if (!mem || cap < size)
		mem = own = malloc(size ? size : 1);
	if (mem)
		res = hl_counted(c->f, "read",
				 fuse_fs_read(c->f->fs, hl_path(c), mem, size, off, &c->fi), size);
	else
		res = -ENOMEM;
	hl_call_end(c);
	if (res < 0)
		fuse_reply_err(req, (int)-res);
	else
		fuse_reply_buf(req, mem, (size_t)res);
	free(own);
}

static void read_vector(struct hl_call *c, fuse_req_t req, size_t size, off_t off)
{
	struct fuse_bufvec *bufv = NULL;
	const char *fault = NULL;
	int res = hl_checked(c->f, "read_buf",
			     fuse_fs_read_buf(c->f->fs, hl_path(c), &bufv, size, off, &c->fi));

	if (!res && bufv)
		fault = hl_bufvec_fault(bufv, size);
	if (fault) {
		hl_fault(c->f, "what read_buf of the filesystem gave for %zu bytes %s", size,
			 fault);
		res = -EIO;
	}
	hl_call_end(c);
	if (res)
		fuse_reply_err(req, -res);
	else if (!bufv)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_data(req, bufv, FUSE_BUF_SPLICE_MOVE);
	hl_bufvec_free(bufv);
}

void hl_ll_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct hl_call c;
	int err = hl_call_open(&c, req, "read", ino, fi);

	if (err) {
		hl_call_end(&c);
		fuse_reply_err(req, -err);
	} else if (c.f->fs->op.read_buf) {
		read_vector(&c, req, size, off);
	} else {
		read_plain(&c, req, size, off);
	}
}

/* ---- write ---- */

void hl_ll_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *bufv, off_t off,
		     struct fuse_file_info *fi)
{
	size_t size = fuse_buf_size(bufv);
	struct hl_call c;
	ssize_t res = hl_call_open(&c, req, "write", ino, fi);

	if (!res) {
		res = fuse_fs_write_buf(c.f->fs, hl_path(&c), bufv, off, &c.fi);
		res = hl_counted(c.f, "write", res, size);
	}
	hl_call_end(&c);
	if (res < 0)
		fuse_reply_err(req, (int)-res);
	else
		fuse_reply_write(req, (size_t)res);
}

void hl_ll_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			   struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			   struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct fuse_file_info out;
	struct hl_call c;
	ssize_t res =
		hl_call_open_two(&c, req, "copy_file_range", ino_in, fi_in, ino_out, fi_out, &out);

	if (!res) {
		res = fuse_fs_copy_file_range(c.f->fs, c.op.path[0], &c.fi, off_in, c.op.path[1],
					      &out, off_out, len, flags);
		res = hl_counted(c.f, "copy_file_range", res, len);
	}
	hl_call_end(&c);
	if (res < 0)
		fuse_reply_err(req, (int)-res);
	else
		fuse_reply_write(req, (size_t)res);
}

void hl_ll_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct hl_call c;
	off_t res = hl_call_open_path(&c, req, "lseek", ino, fi);

	if (!res) {
		res = fuse_fs_lseek(c.f->fs, hl_path(&c), off, whence, &c.fi);
		if (res <= -512)
			res = hl_checked(c.f, "lseek", (int)(res < INT32_MIN ? INT32_MIN : res));
	}
	hl_call_end(&c);
	if (res < 0)
		fuse_reply_err(req, (int)-res);
	else
		fuse_reply_lseek(req, res);
}
