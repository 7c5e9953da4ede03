/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open files and their bytes. */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/falloc.h>

/*
 * An open file needs no memory of its own. Its handle is a number of its own (the locks
 * set through it are known by that) with one flag in the lowest bit.
 */
static const uint64_t handle_noatime = 1;

void file_opened(struct inode *inode, struct fuse_file_info *fi)
{
	inode_ref(inode, 1);
	fi->fh = atomic_fetch_add_explicit(&fs.next_handle, 1, memory_order_relaxed) << 1;
	if (fi->flags & O_NOATIME)
		fi->fh |= handle_noatime;
	fi->direct_io = fs.direct_io;
	fi->parallel_direct_writes = fs.direct_io;
	/*
	 * Nobody but the kernel in front of us changes data, so what it has cached is right.
	 * Dropping it at each open would not only be slower: a page that is dropped while a write
	 * of it is under way may be read again before the write arrives, and stay old.
	 */
	fi->keep_cache = 1;
}

void memfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);

	if (fi->flags & O_TRUNC) {
		inode_lock_write(inode);
		drop_setuid_locked(req, inode);
		data_truncate_locked(inode, 0);
		inode_modified_locked(inode);
		inode_unlock(inode);
	}
	file_opened(inode, fi);
	if (fuse_reply_open(req, fi) != 0)
		inode_unref(inode, 1);
}

/* A read that is too scattered for one vector goes by way of a copy. */
static void reply_copied(fuse_req_t req, struct inode *inode, off_t off, size_t len)
{
	char *copy = malloc(len);
	size_t done = 0;

	if (!copy) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	while (done < len) {
		struct iovec iov[64];
		size_t part;
		int n = data_map_locked(inode, off + done, len - done, iov, 64, &part);

		for (int i = 0; i < n; i++) {
			memcpy(copy + done, iov[i].iov_base, iov[i].iov_len);
			done += iov[i].iov_len;
		}
	}
	fuse_reply_buf(req, copy, len);
	free(copy);
}

static void reply_data_locked(fuse_req_t req, struct inode *inode, off_t off, size_t size)
{
	struct iovec iov[260]; /* one mebibyte in blocks, with some to spare */
	size_t done;
	int n;

	if (off >= inode->size) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	if (size > (uint64_t)(inode->size - off))
		size = inode->size - off;
	n = data_map_locked(inode, off, size, iov, sizeof(iov) / sizeof(iov[0]), &done);
	if (done == size)
		fuse_reply_iov(req, iov, n);
	else
		reply_copied(req, inode, off, size);
}

void memfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	const bool noatime = fi->fh & handle_noatime;

	/*
	 * The bytes leave straight from the blocks, so the lock is held across the reply. After a
	 * reply the caller may close and remove the file before we are done with it: hold on to it.
	 */
	inode_ref(inode, 1);
	if (!noatime)
		inode_accessed(inode);
	inode_lock_read(inode);
	reply_data_locked(req, inode, off, size);
	inode_unlock(inode);
	inode_unref(inode, 1);
}

void memfs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	ssize_t ret;

	inode_lock_write(inode);
	ret = data_write_locked(inode, buf, size, off);
	if (ret >= 0) {
		drop_setuid_locked(req, inode);
		inode_modified_locked(inode);
	}
	inode_unlock(inode);
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_write(req, ret);
}

void memfs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	locking_flush(inode_of(ino), fi->lock_owner);
	fuse_reply_err(req, 0);
}

void memfs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);

	locking_release(inode, fi->fh);
	inode_unref(inode, 1);
	fuse_reply_err(req, 0);
}

/* Memory is as safe as it will ever be. */
void memfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static int fallocate_locked(struct inode *inode, int mode, off_t off, off_t len)
{
	const bool keep_size = mode & FALLOC_FL_KEEP_SIZE;
	int ret = 0;

	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case FALLOC_FL_PUNCH_HOLE:
		data_punch_locked(inode, off, len);
		return 0;
	case FALLOC_FL_ZERO_RANGE:
		data_punch_locked(inode, off, len);
		__attribute__((fallthrough));
	case 0:
		ret = data_reserve_locked(inode, off, len);
		if (ret == 0 && !keep_size && off + len > inode->size)
			inode->size = off + len;
		return ret;
	default:
		return -EOPNOTSUPP;
	}
}

void memfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	off_t end;
	int ret;

	if (off < 0 || len <= 0 || __builtin_add_overflow(off, len, &end)) {
		fuse_reply_err(req, EFBIG);
		return;
	}
	inode_lock_write(inode);
	ret = fallocate_locked(inode, mode, off, len);
	if (ret == 0)
		inode_modified_locked(inode);
	inode_unlock(inode);
	fuse_reply_err(req, -ret);
}

void memfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	off_t ret;

	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	inode_lock_read(inode);
	ret = data_seek_locked(inode, off, whence);
	inode_unlock(inode);
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_lseek(req, ret);
}

void memfs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			   struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			   struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct inode *from = inode_of(ino_in), *to = inode_of(ino_out);
	ssize_t ret;

	if (flags != 0) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	inode_lock_pair(from, to);
	ret = data_copy_locked(from, off_in, to, off_out, len);
	if (ret > 0)
		inode_modified_locked(to);
	inode_unlock_pair(from, to);
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else
		fuse_reply_write(req, ret);
}
