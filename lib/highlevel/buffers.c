/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between callbacks that move plain bytes and those that move buffer vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/abi.h"
#include "highlevel/hl.h"

/* Elements of vectors lie closer together in programs of the 3.16 generation. */
static const struct fuse_buf *element(const struct fuse_bufvec *bufv, size_t i)
{
	size_t stride = abi_is_old() ? offsetof(struct fuse_buf, mem_size) : sizeof(bufv->buf[0]);

	return (const struct fuse_buf *)((const char *)bufv->buf + i * stride);
}

void hl_bufvec_free(struct fuse_bufvec *bufv)
{
	if (!bufv)
		return;
	for (size_t i = 0; i < bufv->count; i++) {
		const struct fuse_buf *b = element(bufv, i);

		if (!(b->flags & FUSE_BUF_IS_FD))
			free(b->mem);
	}
	free(bufv);
}

const char *hl_bufvec_fault(const struct fuse_bufvec *bufv, size_t size)
{
	if (fuse_buf_size(bufv) > size)
		return "is more than was asked for";
	for (size_t i = 0; i < bufv->count; i++) {
		const struct fuse_buf *b = element(bufv, i);

		if (!(b->flags & FUSE_BUF_IS_FD) && !b->mem && b->size)
			return "has bytes without memory";
	}
	return NULL;
}

/* Outside of a request nobody keeps count of complaints. */
static ssize_t counted(ssize_t res, size_t size)
{
	struct fuse *f = hl_context_make()->fuse;

	if (f)
		return hl_counted(f, "read", res, size);
	return res > 0 && (size_t)res > size ? -EIO : res;
}

int hl_fs_read_buf_flat(struct fuse_fs *fs, const char *path, struct fuse_bufvec **bufp,
			size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fuse_bufvec *bufv;
	ssize_t res;

	if (!fs->op.read)
		return -ENOSYS;
	bufv = malloc(sizeof(*bufv));
	if (!bufv)
		return -ENOMEM;
	*bufv = FUSE_BUFVEC_INIT(size);
	bufv->buf[0].mem = malloc(size ? size : 1);
	if (!bufv->buf[0].mem) {
		free(bufv);
		return -ENOMEM;
	}
	res = counted(fuse_fs_read(fs, path, bufv->buf[0].mem, size, off, fi), size);
	if (res < 0) {
		hl_bufvec_free(bufv);
		return (int)res;
	}
	bufv->buf[0].size = (size_t)res;
	*bufp = bufv;
	return 0;
}

int hl_fs_read_through_buf(struct fuse_fs *fs, const char *path, char *buf, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	struct fuse_bufvec dst = FUSE_BUFVEC_INIT(size), *src = NULL;
	ssize_t res;

	if (!fs->op.read_buf)
		return -ENOSYS;
	res = fuse_fs_read_buf(fs, path, &src, size, off, fi);
	if (res == 0 && src) {
		dst.buf[0].mem = buf;
		res = fuse_buf_copy(&dst, src, 0);
	}
	hl_bufvec_free(src);
	return (int)res;
}

int hl_fs_write_buf_flat(struct fuse_fs *fs, const char *path, struct fuse_bufvec *buf, off_t off,
			 struct fuse_file_info *fi)
{
	struct fuse_bufvec flat = FUSE_BUFVEC_INIT(0);
	size_t size;
	ssize_t res;

	if (!fs->op.write)
		return -ENOSYS;
	size = flat.buf[0].size = fuse_buf_size(buf);
	/* Mostly it is one piece of memory, which needs no copying. */
	if (buf->count == 1 && buf->idx == 0 && !(buf->buf[0].flags & FUSE_BUF_IS_FD))
		return fuse_fs_write(fs, path, (char *)buf->buf[0].mem + buf->off, size, off, fi);
	flat.buf[0].mem = malloc(size ? size : 1);
	if (!flat.buf[0].mem)
		return -ENOMEM;
	res = fuse_buf_copy(&flat, buf, 0);
	if (res > 0)
		res = fuse_fs_write(fs, path, flat.buf[0].mem, (size_t)res, off, fi);
	free(flat.buf[0].mem);
	return (int)res;
}

int hl_fs_write_through_buf(struct fuse_fs *fs, const char *path, const char *buf, size_t size,
			    off_t off, struct fuse_file_info *fi)
{
	struct fuse_bufvec src = FUSE_BUFVEC_INIT(size);

	if (!fs->op.write_buf)
		return -ENOSYS;
	src.buf[0].mem = (void *)(uintptr_t)buf;
	return fuse_fs_write_buf(fs, path, &src, off, fi);
}
