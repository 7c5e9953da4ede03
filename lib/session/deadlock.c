/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notifications that the kernel cannot carry out before a request is answered.
 *
 * Some take the lock of a directory or of pages. Whoever caused the request
 * that this thread is serving may hold that lock until the answer comes; if
 * the thread then waits for the lock, both wait for ever. What holds what was
 * measured on Linux 6.18:
 *
 *   INVAL_ENTRY (also EXPIRE_ONLY) and DELETE lock the directory; DELETE locks
 *   the child too. Operations that look at or change a directory's entries
 *   hold its lock, and so do those that set attributes of an inode.
 *   INVAL_INODE with a range, and STORE, lock pages. A read through the page
 *   cache holds those that it fills; so does a write that covers a page in
 *   part. Data written back from the cache is waited for by INVAL_INODE alone.
 *   Direct I/O, which the kernel marks by naming the lock owner, holds none.
 *
 * A request that was answered already holds nothing.
 */
#include <unistd.h>

#include "session/notify.h"
#include "session/worker.h"

static const struct proto_req *request_being_served(const struct fuse_session *se)
{
	const struct sess_worker *w = sess_worker_current();

	if (!w || w->se != se || !w->current)
		return NULL;
	if (!(atomic_load_explicit(&w->current->state, memory_order_relaxed) & REQ_OWED))
		return NULL;
	return &w->current->view;
}

static bool holds_inode(const struct proto_req *r, uint64_t ino)
{
	switch (r->op->opcode) {
	case FUSE_RENAME:
		return r->hdr->nodeid == ino ||
		       ((const struct fuse_rename_in *)r->in)->newdir == ino;
	case FUSE_RENAME2:
		return r->hdr->nodeid == ino ||
		       ((const struct fuse_rename2_in *)r->in)->newdir == ino;
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_LINK:
	case FUSE_CREATE:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_FSYNCDIR:
	case FUSE_SETATTR:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		return r->hdr->nodeid == ino;
	default:
		return false;
	}
}

/* Pages are locked whole, and may be large: folios of up to 2 MiB. */
#define PAGE_LIKE ((uint64_t)2 << 20)

static bool ranges_meet(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	uint64_t a_end = a_len && a + a_len > a ? a + a_len - 1 : UINT64_MAX;
	uint64_t b_end = b_len && b + b_len > b ? b + b_len - 1 : UINT64_MAX;

	return a / PAGE_LIKE <= b_end / PAGE_LIKE && b / PAGE_LIKE <= a_end / PAGE_LIKE;
}

static bool covers_a_page_in_part(const struct fuse_write_in *wr)
{
	return ((wr->offset | wr->size) & ((uint64_t)sysconf(_SC_PAGESIZE) - 1)) != 0;
}

static bool write_holds_pages(const struct fuse_write_in *wr, enum fuse_notify_code code)
{
	if (wr->write_flags & FUSE_WRITE_CACHE)
		return code == FUSE_NOTIFY_INVAL_INODE;
	return !(wr->write_flags & FUSE_WRITE_LOCKOWNER) && covers_a_page_in_part(wr);
}

/* len 0: to the end of the file */
static bool holds_pages(const struct proto_req *r, enum fuse_notify_code code, uint64_t ino,
			uint64_t off, uint64_t len)
{
	const struct fuse_read_in *rd = r->in;
	const struct fuse_write_in *wr = r->in;

	if (r->hdr->nodeid != ino)
		return false;
	switch (r->op->opcode) {
	case FUSE_READ:
		return !(rd->read_flags & FUSE_READ_LOCKOWNER) &&
		       ranges_meet(off, len, rd->offset, rd->size);
	case FUSE_WRITE:
		return write_holds_pages(wr, code) && ranges_meet(off, len, wr->offset, wr->size);
	default:
		return false;
	}
}

bool sess_would_deadlock(const struct fuse_session *se, enum fuse_notify_code code,
			 const struct iovec *iov, int count)
{
	const struct proto_req *r = request_being_served(se);
	const void *body = count > 1 ? iov[1].iov_base : NULL;

	if (likely(!r || !body))
		return false;
	switch (code) {
	case FUSE_NOTIFY_INVAL_ENTRY:
		return holds_inode(r, ((const struct fuse_notify_inval_entry_out *)body)->parent);
	case FUSE_NOTIFY_DELETE: {
		const struct fuse_notify_delete_out *d = body;

		return holds_inode(r, d->parent) || holds_inode(r, d->child);
	}
	case FUSE_NOTIFY_INVAL_INODE: {
		const struct fuse_notify_inval_inode_out *i = body;

		return i->off >= 0 && holds_pages(r, code, i->ino, (uint64_t)i->off,
						  i->len > 0 ? (uint64_t)i->len : 0);
	}
	case FUSE_NOTIFY_STORE: {
		const struct fuse_notify_store_out *s = body;

		return s->size > 0 && holds_pages(r, code, s->nodeid, s->offset, s->size);
	}
	default:
		return false;
	}
}
