/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open files and their bytes. An open file is a descriptor, and that is its handle. */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Flags for the descriptor behind an open file.
 *
 * Not O_APPEND: pages that were changed through a shared mapping come back as writes at their
 * place, through any descriptor that may write. Appending is done by pwritev2() instead. Not
 * O_DIRECT: our buffers have no alignment, and the kernel has kept its cache out already. With
 * writeback the kernel reads parts of pages also for those who only write.
 */
static int backing_flags(int flags)
{
	flags &= ~(O_APPEND | O_DIRECT | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY);
	if (fs.writeback && (flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return flags;
}

/* --- is what the kernel has cached still right? --- */

/*
 * With cache=auto the kernel's pages of a file are kept until the file is opened and is found to
 * be changed by others. The kernel could look by itself, at every read (AUTO_INVAL_DATA), but
 * it takes our own writes for changes, drops pages that are being written, and may read them again
 * before the write arrives: then a reader finds old data. So changes that go through us are marked
 * as ours, and while one is under way nothing is dropped.
 */
void file_changing(struct inode *inode)
{
	pthread_mutex_lock(&inode->lock);
	inode->changing++;
	pthread_mutex_unlock(&inode->lock);
}

void file_changed(struct inode *inode, const struct stat *st)
{
	pthread_mutex_lock(&inode->lock);
	inode->changing--;
	inode->seen_size = st->st_size;
	inode->seen_mtime = st->st_mtim;
	pthread_mutex_unlock(&inode->lock);
}

static bool cache_is_right(struct inode *inode, const struct stat *st)
{
	bool right;

	pthread_mutex_lock(&inode->lock);
	right = inode->changing > 0 || (inode->seen_size == st->st_size &&
					inode->seen_mtime.tv_sec == st->st_mtim.tv_sec &&
					inode->seen_mtime.tv_nsec == st->st_mtim.tv_nsec);
	inode->seen_size = st->st_size;
	inode->seen_mtime = st->st_mtim;
	pthread_mutex_unlock(&inode->lock);
	return right;
}

/* After a change by way of a descriptor. */
static void wrote(fuse_req_t req, struct inode *inode, int fd)
{
	struct stat st = {0};

	if (fstat(fd, &st) == 0)
		caller_wrote(req, fd, &st);
	file_changed(inode, &st);
}

/* --- open and close --- */

static void opened(fuse_req_t req, struct inode *inode, int fd, struct fuse_file_info *fi)
{
	struct stat st;

	fi->fh = fd;
	fi->direct_io = fs.cache == CACHE_NEVER;
	fi->parallel_direct_writes = fi->direct_io;
	fi->keep_cache =
		fs.cache == CACHE_ALWAYS ||
		(fs.cache == CACHE_AUTO && fstat(fd, &st) == 0 && cache_is_right(inode, &st));
	backing_begin(req, inode, fd, fi);
}

void pt_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	const int path_fd = fdcache_get(inode);
	int fd, err;

	if (path_fd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	if (fi->flags & O_TRUNC)
		file_changing(inode);
	fd = reopen(path_fd, backing_flags(fi->flags));
	err = errno;
	fdcache_put(inode);
	if (fi->flags & O_TRUNC)
		wrote(req, inode, fd);
	if (fd < 0) {
		fuse_reply_err(req, err);
		return;
	}
	opened(req, inode, fd, fi);
	/* If the open was given up, no release comes, but a forget may have come already. */
	inode_ref(inode);
	if (fuse_reply_open(req, fi) != 0) {
		backing_end(NULL, inode);
		close(fd);
	}
	inode_unref(inode, 1);
}

/* A new file, with or without a name: its inode, and the answer to the request. */
static void reply_created(fuse_req_t req, struct inode *dir, const char *name, int fd,
			  struct fuse_file_info *fi)
{
	const int place = reopen(fd, O_PATH);
	struct fuse_entry_param entry;
	struct inode *inode;
	int err;

	err = place < 0 ? errno : names_enter(place, dir, name ? name : "", &entry);
	if (err) {
		close(fd);
		fuse_reply_err(req, err);
		return;
	}
	inode = inode_of(entry.ino);
	if (!name)
		fdcache_keep(inode);
	opened(req, inode, fd, fi);
	if (fuse_reply_create(req, &entry, fi) != 0) {
		backing_end(NULL, inode);
		close(fd);
		inode_unref(inode, 1);
	}
}

static int create_as_caller(fuse_req_t req, int dirfd, const char *name, int flags, mode_t mode)
{
	struct caller caller;
	int fd, err = caller_begin(req, &caller);

	if (err) {
		errno = err;
		return -1;
	}
	fd = open_with_room(dirfd, name, flags | O_CLOEXEC, mode & ~caller.mask);
	err = errno;
	caller_end(&caller);
	if (fd >= 0)
		caller_give(req, dirfd, fd);
	errno = err;
	return fd;
}

void pt_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct inode *dir = inode_of(parent);
	const int dirfd = fdcache_get(dir);
	int fd, err;

	if (dirfd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	fd = create_as_caller(req, dirfd, name, backing_flags(fi->flags) | O_CREAT | O_EXCL, mode);
	err = errno;
	fdcache_put(dir);
	if (fd >= 0) {
		reply_created(req, dir, name, fd, fi);
		return;
	}
	/*
	 * Somebody made it below the source after the kernel had found nothing. The kernel has
	 * not checked who may open that file: let it look again.
	 */
	if (err == EEXIST && !(fi->flags & O_EXCL))
		err = ESTALE;
	fuse_reply_err(req, err);
}

void pt_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	struct inode *dir = inode_of(parent);
	const int dirfd = fdcache_get(dir);
	int fd, err;

	if (dirfd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	fd = create_as_caller(req, dirfd, ".",
			      backing_flags(fi->flags) | O_TMPFILE | (fi->flags & O_EXCL), mode);
	err = errno;
	fdcache_put(dir);
	if (fd < 0)
		fuse_reply_err(req, err);
	else
		reply_created(req, dir, NULL, fd, fi);
}

void pt_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	/* Some filesystems tell of failed writes only when a descriptor is closed. */
	const int copy = dup(fi->fh);
	const int err = copy >= 0 && close(copy) < 0 ? errno : 0;

	locking_flush(inode_of(ino), fi->lock_owner);
	fuse_reply_err(req, err);
}

void pt_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);

	locking_release(inode, fi->fh);
	backing_end(req, inode);
	close(fi->fh);
	fuse_reply_err(req, 0);
}

/* --- bytes --- */

void pt_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fuse_bufvec buf = FUSE_BUFVEC_INIT(size);

	buf.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	buf.buf[0].fd = fi->fh;
	buf.buf[0].pos = off;
	fuse_reply_data(req, &buf, 0);
}

void pt_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi)
{
	const struct iovec iov = {.iov_base = (void *)buf, .iov_len = size};
	/* A page that comes out of the cache has a place already. */
	const bool append = (fi->flags & O_APPEND) && !fi->writepage && !fs.writeback;
	struct inode *inode = inode_of(ino);
	ssize_t n;
	int err;

	file_changing(inode);
	n = pwritev2(fi->fh, &iov, 1, off, append ? RWF_APPEND : 0);
	err = errno;
	wrote(req, inode, fi->fh);
	if (n < 0)
		fuse_reply_err(req, err);
	else
		fuse_reply_write(req, n);
}

void pt_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	const int ret = datasync ? fdatasync(fi->fh) : fsync(fi->fh);

	fuse_reply_err(req, ret < 0 ? errno : 0);
}

void pt_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		  struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	int err;

	file_changing(inode);
	err = fallocate(fi->fh, mode, off, len) < 0 ? errno : 0;
	wrote(req, inode, fi->fh);
	fuse_reply_err(req, err);
}

/* Nobody else uses the descriptor's position. */
void pt_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	const off_t ret = lseek(fi->fh, off, whence);

	if (ret < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_lseek(req, ret);
}

void pt_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct inode *inode = inode_of(ino_out);
	ssize_t n;
	int err;

	file_changing(inode);
	n = copy_file_range(fi_in->fh, &off_in, fi_out->fh, &off_out, len, flags);
	err = errno;
	wrote(req, inode, fi_out->fh);
	if (n < 0)
		fuse_reply_err(req, err);
	else
		fuse_reply_write(req, n);
}
