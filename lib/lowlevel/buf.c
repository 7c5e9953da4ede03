/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buffer vectors: data in memory and behind descriptors, copied in any
 * combination. Positions come from programs, so every sum is checked.
 */
#include "lowlevel/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"

/* For copies between descriptors that cannot be spliced. */
#define BOUNCE_SIZE 65536

/* One element at its current offset: what is left of it. */
struct piece {
	const struct fuse_buf *buf;
	size_t off;
	size_t left;
};

static const struct fuse_buf *buf_at(const struct fuse_bufvec *v, size_t i)
{
	const char *first = (const char *)v + offsetof(struct fuse_bufvec, buf);

	return (const struct fuse_buf *)(first + i * ll_buf_stride());
}

/* The current element; false at the end. Skips what is used up. */
static bool current_piece(struct fuse_bufvec *v, struct piece *p)
{
	for (; v->idx < v->count; v->idx++, v->off = 0) {
		p->buf = buf_at(v, v->idx);
		p->off = v->off;
		if (p->off < p->buf->size) {
			p->left = p->buf->size - p->off;
			return true;
		}
	}
	return false;
}

static bool is_fd(const struct piece *p)
{
	return p->buf->flags & FUSE_BUF_IS_FD;
}

static bool is_seek(const struct piece *p)
{
	return p->buf->flags & FUSE_BUF_FD_SEEK;
}

static char *piece_mem(const struct piece *p, size_t done)
{
	return (char *)p->buf->mem + p->off + done;
}

/* The file position that `done` bytes of the piece lie before. */
static bool piece_pos(const struct piece *p, size_t done, off_t *pos)
{
	off_t at;

	if (__builtin_add_overflow(p->buf->pos, p->off, &at) ||
	    __builtin_add_overflow(at, done, &at) || at < 0)
		return false;
	*pos = at;
	return true;
}

static ssize_t result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

static ssize_t read_once(const struct piece *p, void *mem, size_t len, size_t done)
{
	off_t pos;

	if (!is_seek(p))
		return result(read(p->buf->fd, mem, len));
	return piece_pos(p, done, &pos) ? result(pread(p->buf->fd, mem, len, pos)) : -EOVERFLOW;
}

static ssize_t write_once(const struct piece *p, const void *mem, size_t len, size_t done)
{
	off_t pos;

	if (!is_seek(p))
		return result(write(p->buf->fd, mem, len));
	return piece_pos(p, done, &pos) ? result(pwrite(p->buf->fd, mem, len, pos)) : -EOVERFLOW;
}

/*
 * Without FUSE_BUF_FD_RETRY one call is all there is: its short count or its
 * EINTR is the program's business. With it both are repeated.
 */
static bool again(const struct piece *p, ssize_t n)
{
	return (p->buf->flags & FUSE_BUF_FD_RETRY) && (n > 0 || n == -EINTR);
}

static ssize_t transfer(const struct piece *fd, char *mem, size_t len,
			ssize_t (*once)(const struct piece *, void *, size_t, size_t))
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = once(fd, mem + done, len - done, done);

		if (n > 0)
			done += (size_t)n;
		if (again(fd, n))
			continue;
		if (n < 0 && done == 0)
			return n;
		break;
	}
	return (ssize_t)done;
}

static ssize_t write_from(const struct piece *p, void *mem, size_t len, size_t done)
{
	return write_once(p, mem, len, done);
}

/* Everything of `mem`, whatever the flags: it was read from a source that may
 * not give it a second time. */
static ssize_t write_all(const struct piece *dst, const char *mem, size_t len, size_t before)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_once(dst, mem + done, len - done, before + done);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return done ? (ssize_t)done : n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t bounce(const struct piece *dst, const struct piece *src, size_t len)
{
	size_t chunk = len < BOUNCE_SIZE ? len : BOUNCE_SIZE, done = 0;
	CLEANUP_FREE char *mem = malloc(chunk);

	if (!mem)
		return -ENOMEM;
	while (done < len) {
		size_t want = len - done < chunk ? len - done : chunk;
		ssize_t in = read_once(src, mem, want, done);
		ssize_t out;

		if (in == -EINTR && again(src, in))
			continue;
		if (in <= 0)
			return done || in == 0 ? (ssize_t)done : in;
		out = write_all(dst, mem, (size_t)in, done);
		if (out < 0)
			return done ? (ssize_t)done : out;
		done += (size_t)out;
		/* A short read of less than a chunk ends it, unless the source
		 * is to be asked again. */
		if (out < in || ((size_t)in < want && !again(src, in)))
			break;
	}
	return (ssize_t)done;
}

static ssize_t splice_once(const struct piece *dst, const struct piece *src, size_t len,
			   size_t done, unsigned int flags)
{
	off_t src_pos, dst_pos;

	if ((is_seek(src) && !piece_pos(src, done, &src_pos)) ||
	    (is_seek(dst) && !piece_pos(dst, done, &dst_pos)))
		return -EOVERFLOW;
	return result(splice(src->buf->fd, is_seek(src) ? &src_pos : NULL, dst->buf->fd,
			     is_seek(dst) ? &dst_pos : NULL, len, flags));
}

/* -EINVAL if these two cannot be spliced. */
static ssize_t splice_between(const struct piece *dst, const struct piece *src, size_t len,
			      enum fuse_buf_copy_flags flags)
{
	unsigned int how = 0;
	size_t done = 0;

	if (flags & FUSE_BUF_SPLICE_MOVE)
		how |= SPLICE_F_MOVE;
	if (flags & FUSE_BUF_SPLICE_NONBLOCK)
		how |= SPLICE_F_NONBLOCK;
	while (done < len) {
		ssize_t n = splice_once(dst, src, len - done, done, how);

		if (n > 0)
			done += (size_t)n;
		if ((again(src, n) || again(dst, n)) && n != 0)
			continue;
		if (n < 0 && done == 0)
			return n;
		break;
	}
	return (ssize_t)done;
}

static ssize_t copy_between_fds(const struct piece *dst, const struct piece *src, size_t len,
				enum fuse_buf_copy_flags flags)
{
	ssize_t n;

	if (flags & FUSE_BUF_NO_SPLICE)
		return bounce(dst, src, len);
	n = splice_between(dst, src, len, flags);
	if (n == -EINVAL && !(flags & FUSE_BUF_FORCE_SPLICE))
		return bounce(dst, src, len);
	return n;
}

static ssize_t copy_piece(const struct piece *dst, const struct piece *src, size_t len,
			  enum fuse_buf_copy_flags flags)
{
	if (!is_fd(dst) && !is_fd(src)) {
		memmove(piece_mem(dst, 0), piece_mem(src, 0), len);
		return (ssize_t)len;
	}
	if (!is_fd(dst))
		return transfer(src, piece_mem(dst, 0), len, read_once);
	if (!is_fd(src))
		return transfer(dst, piece_mem(src, 0), len, write_from);
	return copy_between_fds(dst, src, len, flags);
}

static void advance(struct fuse_bufvec *v, size_t n)
{
	v->off += n;
	if (v->off >= buf_at(v, v->idx)->size) {
		v->idx++;
		v->off = 0;
	}
}

PROFUSE_EXPORT ssize_t fuse_buf_copy(struct fuse_bufvec *dst, struct fuse_bufvec *src,
				     enum fuse_buf_copy_flags flags)
{
	struct piece d, s;
	size_t copied = 0;

	if (dst == src) {
		size_t size = fuse_buf_size(dst);

		return size > SSIZE_MAX ? SSIZE_MAX : (ssize_t)size;
	}
	while (current_piece(src, &s) && current_piece(dst, &d)) {
		size_t len = s.left < d.left ? s.left : d.left;
		ssize_t n;

		/* What the result can express; only descriptors come near it. */
		if (len > SSIZE_MAX - copied)
			len = SSIZE_MAX - copied;
		n = len ? copy_piece(&d, &s, len, flags) : 0;
		if (n < 0)
			return copied ? (ssize_t)copied : n;
		copied += (size_t)n;
		advance(src, (size_t)n);
		advance(dst, (size_t)n);
		if ((size_t)n < len || len == 0)
			break;
	}
	return (ssize_t)copied;
}

PROFUSE_EXPORT size_t fuse_buf_size(const struct fuse_bufvec *bufv)
{
	size_t size = 0;

	for (size_t i = 0; i < bufv->count; i++) {
		if (!size_add(size, buf_at(bufv, i)->size, &size))
			return SIZE_MAX;
	}
	return size;
}

size_t ll_buf_left(const struct fuse_bufvec *bufv)
{
	struct fuse_bufvec at = *bufv;
	size_t left = 0;

	for (; at.idx < at.count; at.idx++, at.off = 0) {
		size_t size = buf_at(bufv, at.idx)->size;

		if (at.off < size && !size_add(left, size - at.off, &left))
			return SIZE_MAX;
	}
	return left;
}

int ll_buf_iov(const struct fuse_bufvec *bufv, struct iovec *iov, int max)
{
	size_t off = bufv->off;
	int n = 0;

	for (size_t i = bufv->idx; i < bufv->count; i++, off = 0) {
		struct piece p = {.buf = buf_at(bufv, i), .off = off};

		if (p.off >= p.buf->size)
			continue;
		if (is_fd(&p) || n == max)
			return -1;
		iov[n++] = (struct iovec){
			.iov_base = piece_mem(&p, 0),
			.iov_len = p.buf->size - p.off,
		};
	}
	return n;
}
