/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The low-level API: requests of the kernel by inode number, answered by
 * explicit replies.
 *
 * A program fills a struct fuse_lowlevel_ops and goes through
 *
 *	fuse_session_new()	fuse_session_mount()
 *	fuse_session_loop() or fuse_session_loop_mt()
 *	fuse_session_unmount()	fuse_session_destroy()
 *
 * The loop calls a callback for each request. The callback need not answer
 * before it returns: the request lives until one of the fuse_reply_* functions
 * is called for it, from any thread, and must be answered exactly once.
 */
#ifndef FUSE_LOWLEVEL_H_
#define FUSE_LOWLEVEL_H_

#ifndef FUSE_USE_VERSION
#error FUSE_USE_VERSION not defined
#endif

#include "fuse_common.h"

#include <stddef.h>
#include <utime.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The inode number of the root directory. */
#define FUSE_ROOT_ID 1

/* Names an inode between kernel and filesystem. */
typedef uint64_t fuse_ino_t;

/* A request, from the callback until its reply. */
typedef struct fuse_req *fuse_req_t;

struct statx;
struct fuse_session;

/* What a lookup found or a creating operation made. */
struct fuse_entry_param {
	/* The inode; 0 says that the name does not exist, which the kernel may
	 * remember for entry_timeout. */
	fuse_ino_t ino;

	/* Tells successive uses of one inode number apart, for NFS. */
	uint64_t generation;

	/* Attributes. Must be true even if attr_timeout is 0. */
	struct stat attr;

	/* Seconds for which attributes and name may be cached. */
	double attr_timeout;
	double entry_timeout;
};

/* Who caused a request. Zero where the filesystem's namespaces have no id for it. */
struct fuse_ctx {
	uid_t uid;
	gid_t gid;

	/* Thread id of the caller. */
	pid_t pid;

	mode_t umask;
};

/* One element of forget_multi. */
struct fuse_forget_data {
	fuse_ino_t ino;
	uint64_t nlookup;
};

/* Functions that replace read(2), writev(2) and splice(2) on the device, with
 * the same meaning of arguments and results. */
struct fuse_custom_io {
	ssize_t (*writev)(int fd, struct iovec *iov, int count, void *userdata);
	ssize_t (*read)(int fd, void *buf, size_t buf_len, void *userdata);
	ssize_t (*splice_receive)(int fdin, off_t *offin, int fdout, off_t *offout, size_t len,
				  unsigned int flags, void *userdata);
	ssize_t (*splice_send)(int fdin, off_t *offin, int fdout, off_t *offout, size_t len,
			       unsigned int flags, void *userdata);
	int (*clone_fd)(int master_fd);
};

/* How an entry is taken from the cache. */
enum fuse_notify_entry_flags { FUSE_LL_INVALIDATE = 0, FUSE_LL_EXPIRE_ONLY = (1 << 0) };

/* Bits of setattr's to_set. */
#define FUSE_SET_ATTR_MODE	(1 << 0)
#define FUSE_SET_ATTR_UID	(1 << 1)
#define FUSE_SET_ATTR_GID	(1 << 2)
#define FUSE_SET_ATTR_SIZE	(1 << 3)
#define FUSE_SET_ATTR_ATIME	(1 << 4)
#define FUSE_SET_ATTR_MTIME	(1 << 5)
#define FUSE_SET_ATTR_ATIME_NOW (1 << 7)
#define FUSE_SET_ATTR_MTIME_NOW (1 << 8)
#define FUSE_SET_ATTR_FORCE	(1 << 9)
#define FUSE_SET_ATTR_CTIME	(1 << 10)
#define FUSE_SET_ATTR_KILL_SUID (1 << 11)
#define FUSE_SET_ATTR_KILL_SGID (1 << 12)
#define FUSE_SET_ATTR_FILE	(1 << 13)
#define FUSE_SET_ATTR_KILL_PRIV (1 << 14)
#define FUSE_SET_ATTR_OPEN	(1 << 15)
#define FUSE_SET_ATTR_TIMES_SET (1 << 16)
#define FUSE_SET_ATTR_TOUCH	(1 << 17)

/*
 * The callbacks. All are optional; without one the kernel is told ENOSYS,
 * except that a missing open, opendir, release, releasedir or statfs succeeds
 * and a missing forget is forgotten.
 *
 * req      to be passed to exactly one reply function; which ones are possible
 *          is listed with each callback, and fuse_reply_err() with a positive
 *          errno always is
 * ino      the inode concerned; parent: the directory concerned
 * name     one component, without '/', never empty
 * fi       the open file, NULL where the request was made without one
 *
 * Pointers other than req are valid until the request is answered. (Programs
 * that shall run with other libraries as well should rely on them only until
 * the callback returns.) With the multi-threaded loop callbacks run in
 * parallel, also for the same inode; with the single-threaded one a callback
 * is entered after the one before it has returned.
 *
 * An answer ENOSYS means more than "not this time" to the kernel: for many
 * operations it stops asking until the next mount. Where that is so, the
 * description says what it does instead.
 *
 * Permissions are the filesystem's business, unless it is mounted with
 * default_permissions: then the kernel has checked mode and owner before.
 *
 * The layout is part of the ABI; new callbacks come at the end.
 */
struct fuse_lowlevel_ops {
	/*
	 * The connection is made: the first callback, before any request, on
	 * the thread that serves it. conn says what the kernel can do and takes
	 * what the filesystem wants; see struct fuse_conn_info.
	 */
	void (*init)(void *userdata, struct fuse_conn_info *conn);

	/*
	 * The end, exactly once if init was called: no callback comes after it.
	 * The mount is normally gone by then and notifications fail. Runs inside
	 * fuse_session_destroy(), or on the thread that is told of the unmount.
	 */
	void (*destroy)(void *userdata);

	/*
	 * Finds name in parent. fuse_reply_entry() counts one lookup of the
	 * inode. An entry with ino 0 says that there is no such name and lets
	 * the kernel remember that; ENOENT says it for this time.
	 * Reply: entry, err
	 */
	void (*lookup)(fuse_req_t req, fuse_ino_t parent, const char *name);

	/*
	 * The kernel gives back nlookup of the lookups that were counted for
	 * ino. At zero it knows the inode no longer and the number may be used
	 * anew, with another generation. Until then requests may arrive for it
	 * even though all its names are gone. On unmount all counts are zero
	 * without a word.
	 * Reply: none
	 */
	void (*forget)(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);

	/*
	 * Attributes, as stat(2). fi is normally NULL, even for fstat(2), so an
	 * inode that is open but has no name any more must still be found by
	 * its number. With FUSE_CAP_WRITEBACK_CACHE the kernel knows better
	 * about size and mtime and ignores these.
	 * Reply: attr, err
	 */
	void (*getattr)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

	/*
	 * Changes those attributes that to_set names (FUSE_SET_ATTR_*); the
	 * other members of attr are undefined. It serves chmod, chown,
	 * truncate, ftruncate (fi may be set) and utimens. FUSE_SET_ATTR_*_NOW
	 * asks for the filesystem's own clock. With
	 * FUSE_CAP_HANDLE_KILLPRIV* the filesystem clears set-user-ID and
	 * set-group-ID bits when size or owner change, and if to_set is 0: then
	 * a write is to follow. Without, the kernel asks for the change of mode.
	 * Reply: attr (all attributes, changed or not), err
	 */
	void (*setattr)(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
			struct fuse_file_info *fi);

	/* The target of a symbolic link. Reply: readlink, err */
	void (*readlink)(fuse_req_t req, fuse_ino_t ino);

	/*
	 * Makes a file, device, fifo or socket; mode has the type, rdev is
	 * for devices. Counts one lookup, like all that reply with an entry.
	 * Reply: entry, err
	 */
	void (*mknod)(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);

	/* Makes a directory; mode has no type bits. Reply: entry, err */
	void (*mkdir)(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);

	/*
	 * Removes a name that is no directory. The inode stays as long as it
	 * has lookups: it may be open.
	 * Reply: err (0 for success)
	 */
	void (*unlink)(fuse_req_t req, fuse_ino_t parent, const char *name);

	/* Removes an empty directory. Reply: err */
	void (*rmdir)(fuse_req_t req, fuse_ino_t parent, const char *name);

	/* Makes a symbolic link with the target `link`. Reply: entry, err */
	void (*symlink)(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name);

	/*
	 * Moves and renames, replacing newname atomically if it exists. flags
	 * are those of renameat2(2); RENAME_NOREPLACE: fail with EEXIST instead;
	 * RENAME_EXCHANGE: both exist and change places. A filesystem that
	 * does not know a flag must refuse with EINVAL. ENOSYS to a request with
	 * flags: such calls fail with EINVAL from then on.
	 * Reply: err
	 */
	void (*rename)(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		       const char *newname, unsigned int flags);

	/* Gives ino another name. Reply: entry, err. ENOSYS: EPERM from then on. */
	void (*link)(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);

	/*
	 * Opens a file that exists. fi->flags are those of open(2) without
	 * O_CREAT, O_EXCL and O_NOCTTY; O_TRUNC comes with
	 * FUSE_CAP_ATOMIC_O_TRUNC only. With FUSE_CAP_WRITEBACK_CACHE reads may
	 * come through a file opened for writing, and O_APPEND is handled by the
	 * kernel. fi->fh is the filesystem's to set; see struct fuse_file_info
	 * for what else can be. If the reply function returns -ENOENT the open
	 * was given up and no release follows.
	 * Reply: open, err. ENOSYS: opens succeed without being asked for, with
	 * fh 0 and contents kept in the cache, and releases are not sent.
	 */
	void (*open)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

	/*
	 * Reads size bytes at off. Fewer mean the end of the file, and the rest
	 * reads as zeros, unless the file was opened with direct_io.
	 * Reply: buf, iov, data, err
	 */
	void (*read)(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct fuse_file_info *fi);

	/*
	 * Writes size bytes at off. fi->writepage tells a write out of the page
	 * cache, which has no caller. Not used if write_buf is there.
	 * Reply: write (with size, or less if not all could be written), err
	 */
	void (*write)(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi);

	/*
	 * A descriptor of the open file was closed; there may be others (dup,
	 * fork), so it comes any number of times. The last chance to return an
	 * error from close(2). fi->lock_owner names the owner whose locks end.
	 * Reply: err. ENOSYS: closing always succeeds.
	 */
	void (*flush)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

	/*
	 * The last descriptor is gone: exactly once for each open and create.
	 * It has no caller, and an error is seen by nobody.
	 * Reply: err
	 */
	void (*release)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

	/* Makes data (and, with datasync 0, attributes) permanent. Reply: err.
	 * ENOSYS: fsync(2) always succeeds. */
	void (*fsync)(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

	/* Opens a directory, as open. Reply: open, err. ENOSYS: as for open; the
	 * listing is cached as well. */
	void (*opendir)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

	/*
	 * Lists a directory: at most size bytes of entries packed with
	 * fuse_add_direntry(), beginning behind the entry whose offset was off
	 * (0: from the start). An empty reply is the end. "." and ".." are the
	 * filesystem's to list. Entries that come or go meanwhile may be seen or
	 * not; all others exactly once.
	 * Reply: buf, iov, data, err
	 */
	void (*readdir)(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			struct fuse_file_info *fi);

	/* The end of an open directory. Reply: err */
	void (*releasedir)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

	/* fsync for directories. Reply: err. ENOSYS: always succeeds. */
	void (*fsyncdir)(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

	/* Numbers of the whole filesystem. ino may be 0. Reply: statfs, err */
	void (*statfs)(fuse_req_t req, fuse_ino_t ino);

	/* Sets an extended attribute; flags as in setxattr(2). Reply: err.
	 * ENOSYS: EOPNOTSUPP from then on. */
	void (*setxattr)(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			 size_t size, int flags);

	/*
	 * The value of an extended attribute. With size 0 its size is asked for;
	 * else a value that is longer than size is ERANGE. The kernel itself asks
	 * for security.capability before the first write to a file.
	 * Reply: xattr (size 0), buf, data, err. ENOSYS: EOPNOTSUPP for all
	 * attributes from then on; the answer for one that is not there is ENODATA.
	 */
	void (*getxattr)(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);

	/* The names, each with its final NUL; size as for getxattr. Reply: xattr
	 * (size 0), buf, data, err. ENOSYS: EOPNOTSUPP from then on. */
	void (*listxattr)(fuse_req_t req, fuse_ino_t ino, size_t size);

	/* Removes an extended attribute. Reply: err. ENOSYS: as for setxattr. */
	void (*removexattr)(fuse_req_t req, fuse_ino_t ino, const char *name);

	/*
	 * access(2) and chdir(2), without default_permissions only. mask is
	 * made of R_OK, W_OK and X_OK, or F_OK.
	 * Reply: err. ENOSYS: access is always granted.
	 */
	void (*access)(fuse_req_t req, fuse_ino_t ino, int mask);

	/*
	 * Makes a regular file and opens it, in one step. fi as for open.
	 * Reply: create, err. ENOSYS: mknod and open from then on.
	 */
	void (*create)(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		       struct fuse_file_info *fi);

	/* Looks for a lock in the way of `lock` (fcntl(2), F_GETLK), owned by
	 * fi->lock_owner. Reply: lock (l_type F_UNLCK if none), err */
	void (*getlk)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		      struct flock *lock);

	/*
	 * Takes, changes or drops a record lock. With sleep the request waits
	 * until it can be had: it should be kept aside and answered later, and
	 * fuse_req_interrupt_func() tells when the caller gives up.
	 * Reply: err
	 */
	void (*setlk)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		      int sleep);

	/* The block of the device where block idx of the file lies; blocksize in
	 * bytes. For mounts with a block device. Reply: bmap, err */
	void (*bmap)(fuse_req_t req, fuse_ino_t ino, size_t blocksize, uint64_t idx);

	/*
	 * ioctl(2). arg is the caller's third argument, an address in its
	 * memory or a number; in_buf holds in_bufsz bytes from there, and up to
	 * out_bufsz bytes of the reply go back there. flags: FUSE_IOCTL_*.
	 * Sizes come from the command number; only with
	 * FUSE_IOCTL_UNRESTRICTED may the filesystem name ranges itself.
	 * Reply: ioctl, ioctl_iov, ioctl_retry, err (ENOSYS reads ENOTTY)
	 */
#if FUSE_USE_VERSION < 35
	void (*ioctl)(fuse_req_t req, fuse_ino_t ino, int cmd, void *arg, struct fuse_file_info *fi,
		      unsigned flags, const void *in_buf, size_t in_bufsz, size_t out_bufsz);
#else
	void (*ioctl)(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		      struct fuse_file_info *fi, unsigned flags, const void *in_buf,
		      size_t in_bufsz, size_t out_bufsz);
#endif

	/*
	 * poll(2), select(2): which of fi->poll_events are there now. If ph is
	 * not NULL the caller is going to sleep, and when more becomes ready
	 * fuse_lowlevel_notify_poll(ph) is to be called, once. ph belongs to
	 * the filesystem, which frees it with fuse_pollhandle_destroy(); a
	 * newer one for the same open file replaces it.
	 * Reply: poll, err. ENOSYS: always readable and writable.
	 */
	void (*poll)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		     struct fuse_pollhandle *ph);

	/* As write, with the data still where it arrived, possibly in a pipe: to
	 * be passed to fuse_buf_copy(). Preferred to write. Reply: write, err */
	void (*write_buf)(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *bufv, off_t off,
			  struct fuse_file_info *fi);

	/* Data that fuse_lowlevel_notify_retrieve() asked for; may be less.
	 * cookie is what was passed there. Reply: none */
	void (*retrieve_reply)(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset,
			       struct fuse_bufvec *bufv);

	/* forget for count inodes at once; without it forget is called for
	 * each. Reply: none */
	void (*forget_multi)(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);

	/* flock(2): op is LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB if the caller
	 * does not wait. The lock is dropped at release if fi->flock_release is
	 * set. Reply: err */
	void (*flock)(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);

	/* fallocate(2): reserves, punches holes or zeroes; the kernel passes modes
	 * made of KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE. Reply: err. ENOSYS:
	 * EOPNOTSUPP from then on. */
	void (*fallocate)(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			  struct fuse_file_info *fi);

	/*
	 * readdir with attributes, packed with fuse_add_direntry_plus(). Each
	 * entry but "." and ".." counts one lookup once the reply is taken;
	 * an entry with ino 0 in its struct fuse_entry_param counts none and
	 * gives the name only. ENOSYS does not lead back to readdir.
	 * Reply: buf, iov, data, err
	 */
	void (*readdirplus)(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			    struct fuse_file_info *fi);

	/* Copies up to len bytes between two open files of this filesystem; may
	 * be fewer. Reply: write, err. ENOSYS, EOPNOTSUPP, EXDEV: the kernel copies
	 * by reading and writing; after ENOSYS always. */
	void (*copy_file_range)(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
				struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
				struct fuse_file_info *fi_out, size_t len, int flags);

	/* The next data (SEEK_DATA) or hole (SEEK_HOLE) at or behind off; ENXIO
	 * behind the end. Reply: lseek, err. ENOSYS: files have no holes. */
	void (*lseek)(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		      struct fuse_file_info *fi);

	/* Opens a new file without a name in parent (O_TMPFILE). link may give it
	 * one. Reply: create, err. ENOSYS: EOPNOTSUPP from then on. */
	void (*tmpfile)(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);

	/* statx(2), asked when somebody wants the time of birth. mask are the
	 * fields wanted. Reply: statx, err. ENOSYS: getattr from then on. */
	void (*statx)(fuse_req_t req, fuse_ino_t ino, int flags, int mask,
		      struct fuse_file_info *fi);

	/* syncfs(2) and sync(2), for mounts with a block device. Reply: err.
	 * ENOSYS: succeeds from then on. */
	void (*syncfs)(fuse_req_t req, fuse_ino_t ino);
};

/*
 * Replies. Each consumes the request: req must not be used afterwards, whatever
 * the result. They may be called from any thread and copy what they are given
 * before they return. They return 0, or a negative errno if the answer was not
 * delivered; there is nothing else to do then, except that
 *
 *   -ENOENT  the caller has gone. What the answer would have handed out was not
 *            taken: the lookup does not count, the file that was opened will see
 *            no release.
 *   -EINVAL  the answer does not fit the request (kind, size) and the caller
 *            got EIO instead; a message in the log says which it was.
 */

/* Fails with a positive errno, or succeeds with 0 where there is nothing else
 * to say: unlink, rmdir, rename, flush, release, fsync, fsyncdir, releasedir,
 * setxattr, removexattr, access, setlk, flock, fallocate, syncfs. */
int fuse_reply_err(fuse_req_t req, int err);

/* No answer at all: forget, forget_multi, retrieve_reply. */
void fuse_reply_none(fuse_req_t req);

/* An entry: lookup, mknod, mkdir, symlink, link. Counts one lookup of e->ino. */
int fuse_reply_entry(fuse_req_t req, const struct fuse_entry_param *e);

/* An entry and an open file: create, tmpfile. Counts one lookup. */
int fuse_reply_create(fuse_req_t req, const struct fuse_entry_param *e,
		      const struct fuse_file_info *fi);

/* Attributes and the seconds for which they may be cached: getattr, setattr. */
int fuse_reply_attr(fuse_req_t req, const struct stat *attr, double attr_timeout);

/* The target of a link, NUL-terminated: readlink. */
int fuse_reply_readlink(fuse_req_t req, const char *link);

/*
 * Registers fd as a backing file and returns its id for fi->backing_id, or 0
 * on failure, with errno set. To be called while an open or create is being
 * served; needs FUSE_CAP_PASSTHROUGH and, as of Linux 6.18, CAP_SYS_ADMIN. The
 * kernel holds the file itself; fd may be closed. No reply: req goes on.
 */
int fuse_passthrough_open(fuse_req_t req, int fd);

/* Drops a backing id, after the last file that was opened with it is released.
 * Returns 0, or -1 with errno set. No reply. */
int fuse_passthrough_close(fuse_req_t req, int backing_id);

/* An open file: open, opendir. Members of fi that count: fh, direct_io,
 * keep_cache, nonseekable, cache_readdir, noflush, parallel_direct_writes,
 * backing_id. */
int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi);

/* Bytes written, at most those asked for: write, write_buf, copy_file_range. */
int fuse_reply_write(fuse_req_t req, size_t count);

/* Data in memory: read, readdir, readdirplus, getxattr, listxattr. No more than
 * was asked for. */
int fuse_reply_buf(fuse_req_t req, const char *buf, size_t size);

/*
 * Data in memory or in files, as fuse_reply_buf(). Data in files may be passed
 * on without being copied, by splice(2): with FUSE_CAP_SPLICE_WRITE, unless
 * flags has FUSE_BUF_NO_SPLICE. bufv is advanced.
 */
int fuse_reply_data(fuse_req_t req, struct fuse_bufvec *bufv, enum fuse_buf_copy_flags flags);

/* Data in count pieces of memory, as fuse_reply_buf(). */
int fuse_reply_iov(fuse_req_t req, const struct iovec *iov, int count);

/* Numbers of the filesystem: statfs. f_fsid, f_flag and f_favail are not used. */
int fuse_reply_statfs(fuse_req_t req, const struct statvfs *stbuf);

/* The size needed: getxattr and listxattr that were called with size 0. */
int fuse_reply_xattr(fuse_req_t req, size_t count);

/* A lock in the way, or one of type F_UNLCK: getlk. */
int fuse_reply_lock(fuse_req_t req, const struct flock *lock);

/* A block number: bmap. */
int fuse_reply_bmap(fuse_req_t req, uint64_t idx);

/*
 * Packs an entry into a directory listing that fuse_reply_buf() will send. Of
 * stbuf, st_ino and the type in st_mode are used. off is what readdir will get
 * to continue behind this entry, never 0.
 *
 * Returns the bytes the entry takes. If that is more than bufsize nothing was
 * written and the listing is full. buf may be NULL to ask for the size. A name
 * of more than 1024 bytes, which some kernels cannot take, is left out with a
 * message in the log: 0.
 */
size_t fuse_add_direntry(fuse_req_t req, char *buf, size_t bufsize, const char *name,
			 const struct stat *stbuf, off_t off);

/* The same with all attributes, for readdirplus. */
size_t fuse_add_direntry_plus(fuse_req_t req, char *buf, size_t bufsize, const char *name,
			      const struct fuse_entry_param *e, off_t off);

/*
 * ioctl once more, with memory of the caller: the data of in_iov will be in
 * in_buf, out_iov is where the reply goes. At most FUSE_IOCTL_MAX_IOV ranges in
 * all; with FUSE_IOCTL_UNRESTRICTED only, that is, in CUSE.
 */
int fuse_reply_ioctl_retry(fuse_req_t req, const struct iovec *in_iov, size_t in_count,
			   const struct iovec *out_iov, size_t out_count);

/* The result of ioctl(2), and bytes for its argument, at most out_bufsz. */
int fuse_reply_ioctl(fuse_req_t req, int result, const void *buf, size_t size);
int fuse_reply_ioctl_iov(fuse_req_t req, int result, const struct iovec *iov, int count);

/* The events that are there now: poll. */
int fuse_reply_poll(fuse_req_t req, unsigned revents);

/* The offset found: lseek. */
int fuse_reply_lseek(fuse_req_t req, off_t off);

/* Attributes: statx. flags is reserved, 0; stx_mask of statx says what is
 * valid; the timeout is in seconds. */
int fuse_reply_statx(fuse_req_t req, int flags, const struct statx *statx, double attr_timeout);

/*
 * Notifications: messages to the kernel that no request asked for. From any
 * thread, once the connection is made.
 *
 * They are delivered before they return, and some need locks that the kernel
 * holds while it waits for the filesystem:
 *
 *   inval_entry, expire_entry, delete  wait for lookups and changes under way
 *                                      in that directory
 *   inval_inode with data, store       wait for reads and writes under way on
 *                                      that file, and may cause writes
 *
 * A handler that serves such a request, or holds a lock that one needs, must
 * not call them before it has answered; -EDEADLK is returned where that can be
 * seen. profuse_notify_queue_* (profuse.h) may be called anywhere.
 *
 * Return values: 0; -ENOENT: nothing of the kind is cached, which is as good;
 * -ENOSYS: the kernel does not know the notification, nothing was done;
 * -ENOTCONN: no connection; other negative errnos from the kernel.
 */

/* More events are ready, as asked for in poll. The handle stays valid. */
int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph);

/* Drops cached attributes, and cached contents from off for len bytes (0: to
 * the end); off < 0 drops attributes only. Dirty data is written first. */
int fuse_lowlevel_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len);

/* Makes all cached names and listings of the mount stale: each is looked up
 * again at its next use. Never waits. Protocol 7.44. */
int fuse_lowlevel_notify_increment_epoch(struct fuse_session *se);

/* Drops the cached name of parent, and parent's attributes. What is mounted
 * below it is unmounted. namelen is strlen(name). */
int fuse_lowlevel_notify_inval_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
				     size_t namelen);

/* Makes the name stale instead: it is looked up again at its next use, and
 * mounts below it stay. Protocol 7.38. */
int fuse_lowlevel_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
				      size_t namelen);

/* The file child was removed from parent: as inval_entry, and whoever watches
 * it with inotify(7) learns that it was deleted. */
int fuse_lowlevel_notify_delete(struct fuse_session *se, fuse_ino_t parent, fuse_ino_t child,
				const char *name, size_t namelen);

/* Puts data into the cache of a file, growing it if need be. It may have been
 * stored in part if this fails. bufv is advanced. */
int fuse_lowlevel_notify_store(struct fuse_session *se, fuse_ino_t ino, off_t offset,
			       struct fuse_bufvec *bufv, enum fuse_buf_copy_flags flags);

/* Asks for up to size bytes of a file that are cached without a gap from
 * offset on. They arrive in the retrieve_reply callback, with the cookie; on
 * failure that is not called. Dirty data stays dirty. */
int fuse_lowlevel_notify_retrieve(struct fuse_session *se, fuse_ino_t ino, size_t size,
				  off_t offset, void *cookie);

/* Asks the kernel to forget these inodes, as far as it does not use them; the
 * forgets come as requests. Protocol 7.45. */
int fuse_lowlevel_notify_prune(struct fuse_session *se, fuse_ino_t *nodeids, uint32_t count);

/* What belongs to a request; valid until it is answered. */

/* What was passed to fuse_session_new(). */
void *fuse_req_userdata(fuse_req_t req);

/* Who caused the request. */
const struct fuse_ctx *fuse_req_ctx(fuse_req_t req);

/* The supplementary groups of the caller, up to size of them into list. Returns
 * how many there are, also if that is more; or a negative errno. They are read
 * from /proc, while the caller waits. */
int fuse_req_getgroups(fuse_req_t req, int size, gid_t list[]);

/* Called when the caller of a request gives up waiting. */
typedef void (*fuse_interrupt_func_t)(fuse_req_t req, void *data);

/*
 * Has func called once when the request is interrupted, on another thread than
 * the one that serves it or, if that has happened before, right away. It may
 * answer the request, normally with EINTR. NULL takes it back; once that call
 * returns func is not running any more, unless func itself made the call.
 */
void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data);

/* 1 if the request has been interrupted, else 0. */
int fuse_req_interrupted(fuse_req_t req);

/* Whether the request came through io_uring. */
bool fuse_req_is_uring(fuse_req_t req);

/* The memory that goes to the kernel as the data of the reply, for requests
 * that came through io_uring: data put there need not be copied. *mr is
 * reserved. Returns 0, or -EINVAL for other requests. */
int fuse_req_get_payload(fuse_req_t req, char **payload, size_t *payload_sz, void **mr);

/* The security contexts for a file that mknod, mkdir, symlink, create or tmpfile
 * makes, with FUSE_CAP_SECURITY_CTX: how many; start anew; the next one's name
 * (of an extended attribute) and value. next returns 0, or -ENOENT after the
 * last. */
uint32_t fuse_req_secctx_count(fuse_req_t req);
void fuse_req_secctx_reset(fuse_req_t req);
int fuse_req_secctx_next(fuse_req_t req, const char **name, const char **value,
			 uint32_t *value_len);

/* Texts on standard output. */

/* Versions of the protocol and of the mount helper. */
void fuse_lowlevel_version(void);

/* Options of fuse_session_new() and the mount that users may want to know. */
void fuse_lowlevel_help(void);

/* Options of fuse_parse_cmdline(). */
void fuse_cmdline_help(void);

/* What fuse_parse_cmdline() found. */
struct fuse_cmdline_opts {
	int singlethread;	       /* -s */
	int foreground;		       /* -f, and with debug */
	int debug;		       /* -d, -o debug */
	int nodefault_subtype;	       /* -o fsname= or -o subtype= was given */
	char *mountpoint;	       /* absolute, to be freed; NULL if none was given */
	int show_version;	       /* -V, --version */
	int show_help;		       /* -h, --help */
	int clone_fd;		       /* -o clone_fd */
	unsigned int max_idle_threads; /* -o max_idle_threads=N, default UINT_MAX */
	unsigned int max_threads;      /* -o max_threads=N, default 10 */
};

/*
 * Takes the options that every filesystem has out of args; debug, fsname and
 * subtype stay for fuse_session_new() as well. The first argument that is no
 * option is the mount point and must exist ("/dev/fd/N" excepted: a mount that
 * is already there); a second one is an error. Without a name for the mount
 * "-osubtype=PROGRAM" is added.
 *
 * Returns 0, or -1 with a message in the log.
 */
#if defined(LIBFUSE_BUILT_WITH_VERSIONED_SYMBOLS)
int fuse_parse_cmdline(struct fuse_args *args, struct fuse_cmdline_opts *opts);
#elif FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 12)
int fuse_parse_cmdline_30(struct fuse_args *args, struct fuse_cmdline_opts *opts);
#define fuse_parse_cmdline(args, opts) fuse_parse_cmdline_30(args, opts)
#else
int fuse_parse_cmdline_312(struct fuse_args *args, struct fuse_cmdline_opts *opts);
#define fuse_parse_cmdline(args, opts) fuse_parse_cmdline_312(args, opts)
#endif

/* What fuse_session_new() below calls. */
struct fuse_session *fuse_session_new_versioned(struct fuse_args *args,
						const struct fuse_lowlevel_ops *op, size_t op_size,
						const struct libfuse_version *version,
						void *userdata);

/*
 * Creates a session. args must have a program name in front; what follows are
 * options for the mount (mount.fuse(8)), -o allow_root, -o debug or -d, and
 * -o io_uring, -o io_uring_q_depth=N. An option that nobody knows is an error.
 * op is copied; bytes beyond op_size count as NULL. userdata is what
 * fuse_req_userdata() returns and init and destroy are passed.
 *
 * Returns NULL on failure, with a message in the log. args stays with the caller.
 */
static inline struct fuse_session *fuse_session_new_fn(struct fuse_args *args,
						       const struct fuse_lowlevel_ops *op,
						       size_t op_size, void *userdata)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, 0};

	return fuse_session_new_versioned(args, op, op_size, &version, userdata);
}
#define fuse_session_new(args, op, op_size, userdata)                                              \
	fuse_session_new_fn(args, op, op_size, userdata)

/* What fuse_session_custom_io() below calls. */
int fuse_session_custom_io_317(struct fuse_session *se, const struct fuse_custom_io *io,
			       size_t op_size, int fd);

/*
 * Gives the session a connection of its own making instead of a mount: fd, read
 * and written through the functions of io. read and writev are required; each
 * must move one whole message. io is copied. The session owns fd from then on.
 * Called instead of fuse_session_mount().
 *
 * Returns 0, -EINVAL if io lacks a required function, -EBADF if fd is negative,
 * -ENOMEM, or -EBUSY if there is a connection already.
 */
#if FUSE_USE_VERSION >= FUSE_MAKE_VERSION(3, 17)
static inline int fuse_session_custom_io(struct fuse_session *se, const struct fuse_custom_io *io,
					 size_t op_size, int fd)
{
	return fuse_session_custom_io_317(se, io, op_size, fd);
}
#else
static inline int fuse_session_custom_io(struct fuse_session *se, const struct fuse_custom_io *io,
					 int fd)
{
	return fuse_session_custom_io_317(se, io, offsetof(struct fuse_custom_io, clone_fd), fd);
}
#endif

/*
 * Mounts. "/dev/fd/N" means that the caller has mounted and descriptor N is the
 * connection, which the session takes over. Returns 0, or -1 with errno set and
 * a message in the log that says what was tried.
 */
int fuse_session_mount(struct fuse_session *se, const char *mountpoint);

/* Logs every request and reply, as -o debug does. At any time. */
void fuse_session_set_debug(struct fuse_session *se);

/*
 * Whether fuse_session_mount() itself serves the kernel's INIT, on a thread of
 * its own that runs the init callback, so that a failure there makes the mount
 * fail. Needs Linux 6.18; otherwise INIT is served by the loop, as always
 * before. Without this call it is done after fuse_daemonize_early_start().
 * To be called before the mount.
 */
void fuse_session_set_sync_init(struct fuse_session *se, bool enable);

/*
 * Serves requests, one at a time, on the calling thread, until the filesystem is
 * unmounted or fuse_session_exit() is called.
 *
 * Returns 0 after an unmount, an abort of the connection, or
 * fuse_session_exit(); the number of the signal if one that
 * fuse_set_signal_handlers() handles ended it; a negative errno on failure.
 */
int fuse_session_loop(struct fuse_session *se);

/*
 * The same with threads: one at first, more as requests come in, up to the
 * number in the configuration (fuse_loop_cfg_create(); NULL for the defaults).
 * Each serves one request at a time. All have ended when this returns.
 *
 * Before edition 32 the second argument is a number, non-zero for clone_fd;
 * before 312 it is a public structure.
 */

#if FUSE_USE_VERSION < 32
int fuse_session_loop_mt_31(struct fuse_session *se, int clone_fd);
#define fuse_session_loop_mt(se, clone_fd) fuse_session_loop_mt_31(se, clone_fd)
#elif FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 12)
int fuse_session_loop_mt_32(struct fuse_session *se, struct fuse_loop_config *config);
#define fuse_session_loop_mt(se, config) fuse_session_loop_mt_32(se, config)
#elif defined(LIBFUSE_BUILT_WITH_VERSIONED_SYMBOLS)
int fuse_session_loop_mt(struct fuse_session *se, struct fuse_loop_config *config);
#else
int fuse_session_loop_mt_312(struct fuse_session *se, struct fuse_loop_config *config);
#define fuse_session_loop_mt(se, config) fuse_session_loop_mt_312(se, config)
#endif

/* Ends the loop soon, from any thread, handler or signal handler. Requests that
 * are being served are finished; the mount stays. */
void fuse_session_exit(struct fuse_session *se);

/* Takes it back, so that a loop may be entered again. */
void fuse_session_reset(struct fuse_session *se);

/* Whether fuse_session_exit() was called or the connection has ended. */
int fuse_session_exited(struct fuse_session *se);

/*
 * Unmounts, if that has not happened, and closes the connection. Whatever else
 * is mounted at the same place is left alone.
 *
 * Normally called after the loop. Called while a loop runs on another thread it
 * ends that loop, as soon as nobody uses the filesystem any more.
 */
void fuse_session_unmount(struct fuse_session *se);

/* Frees the session, after the loop and fuse_session_unmount(). Calls destroy
 * if that is still due. */
void fuse_session_destroy(struct fuse_session *se);

/*
 * Guards against a filesystem that does not end: a thread that waits for the
 * connection to be closed by the kernel, asks the session to exit, and
 * timeout_sec seconds later calls timeout_cb(cb_data), or exit(1) if that is
 * NULL. stop takes the value that start returned and ends the guard, whether it
 * has seen anything or not; the session must still be there.
 *
 * start returns NULL if timeout_sec is not positive, the session has no
 * connection, or a guard is there already.
 */
typedef void (*fuse_timeout_cb)(void *data);
void *fuse_session_start_teardown_watchdog(struct fuse_session *se, int timeout_sec,
					   fuse_timeout_cb timeout_cb, void *cb_data);
void fuse_session_stop_teardown_watchdog(void *data);

/*
 * For programs with an event loop of their own: whenever the descriptor is
 * readable, receive a request and process it.
 */

/* The connection, until fuse_session_unmount(). -1 if there is none. */
int fuse_session_fd(struct fuse_session *se);

/* Serves a request that was received: calls the callback. buf stays with the
 * caller and may be used again after the return. Any thread. */
void fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf);

/*
 * Receives a request. buf starts as zeros; memory is allocated for it if
 * buf->mem is NULL, may be used for the next call, and is the caller's to
 * free(). Where buf->mem_size says that it is too small, it is replaced, so it
 * must come from malloc() then; with mem_size 0 it must have room for 257 pages.
 * Returns its bytes, 0 if the connection has ended, or a negative
 * errno: -EINTR and -EAGAIN: try again.
 */
int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf);

#ifdef __cplusplus
}
#endif

#endif /* FUSE_LOWLEVEL_H_ */
