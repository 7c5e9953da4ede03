/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memfs_ll: a filesystem in memory. What its files share.
 *
 *   main.c      options and start
 *   ops.h       the callbacks the library calls, by file:
 *     names.c     lookup, forget, create, mknod, mkdir, symlink, link, unlink, rmdir, tmpfile
 *     rename.c    rename in all its forms
 *     attr.c      getattr, setattr, statx, statfs
 *     file.c      open, read, write, fallocate, lseek, copy_file_range, release
 *     listing.c   readdir, readdirplus
 *     xattr.c     extended attributes
 *     locking.c   fcntl and flock locks, as requests
 *   inode.c     inodes: the table of node ids, references, attributes
 *   dir.c       the names in one directory
 *   data.c      the bytes of one file, on top of tree.c (sparse index of blocks) and
 *   blocks.c    memory for blocks
 *   acl.c       POSIX access control lists
 *   locktable.c the locks on one file
 *
 * Locks, in the order in which they are taken:
 *
 *   1. fs.rename        one rename at a time. Parent pointers change only under it, so that
 *                       its holder sees a tree that does not move.
 *   2. inode->lock      of directories: an ancestor before its descendants. Only a holder of
 *                       fs.rename locks two directories neither of which is above the
 *                       other, so their order does not matter: nobody else holds one
 *                       of them while waiting for the other.
 *   3. inode->lock      of other inodes; two of them by ascending address.
 *   4. leaves           table, block shards, lock tables: held for a few instructions,
 *                       nothing is locked inside.
 *
 * inode->lock protects everything in the inode that may change, and for a directory its
 * names as well. Data of different files shares no lock; reads of one file run together.
 */
#ifndef MEMFS_H
#define MEMFS_H

#define FUSE_USE_VERSION 319

#include <fuse_lowlevel.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "dir.h"
#include "locktable.h"
#include "tree.h"

struct xattr;

struct inode {
	/*
	 * One for being named in a directory, one for each open file, one for each lookup the
	 * kernel remembers. At 0 the inode goes away. A reference can only be made from
	 * another one, save for inode_get_by_id().
	 */
	_Atomic uint64_t refs;

	/* Never change. */
	fuse_ino_t id;
	uint64_t generation;
	mode_t type; /* S_IFMT */
	dev_t rdev;
	struct timespec btime;

	pthread_rwlock_t lock;

	/* Under the lock. */
	mode_t perm; /* 07777 */
	uid_t uid;
	gid_t gid;
	nlink_t nlink;
	off_t size;
	struct timespec atime, mtime, ctime;
	struct xattr *xattrs;
	union {
		struct tree data; /* regular file */
		struct dir dir;	  /* directory */
		char *target;	  /* symbolic link */
	};

	/* Made at the first lock on the file; from then on it stays. */
	_Atomic(struct locktable *) locks;
};

struct memfs {
	/* Options. */
	const char *size_text;
	uint64_t max_blocks;
	unsigned long long max_inodes;
	double timeout;
	unsigned root_mode, root_uid, root_gid;
	int writeback;
	int direct_io;
	int kernel_locks;
	int no_acl;

	/* What the kernel agreed to. */
	bool acl;

	pthread_mutex_t rename;
	struct inode *root;
	_Atomic uint64_t next_handle;
};

extern struct memfs fs;

/* --- inode.c --- */

struct owner {
	uid_t uid;
	gid_t gid;
};

/*
 * A new inode with one reference, no name (nlink 0) and the given type and permission bits.
 * NULL with errno set to ENOSPC or ENOMEM.
 */
struct inode *inode_new(mode_t mode, struct owner owner, dev_t rdev);

/* The inode behind a node id that the kernel holds a reference to. */
struct inode *inode_of(fuse_ino_t id);

/*
 * The same for an id that may be stale (from a file handle that somebody kept): takes a
 * reference, or returns NULL if there is no such inode any more.
 */
struct inode *inode_get_by_id(fuse_ino_t id);

void inode_ref(struct inode *inode, uint64_t count);
void inode_unref(struct inode *inode, uint64_t count);

/* Free what is left, at the end of the session. */
void inode_free_all(void);

/*
 * Count a name of the inode more or less. The first name takes a reference, the last one
 * gives it back: inode_drop_link() returns true if the caller has to inode_unref() one, after
 * unlocking.
 */
void inode_add_link_locked(struct inode *inode);
bool inode_drop_link_locked(struct inode *inode);

void inode_lock_read(struct inode *inode);
void inode_lock_write(struct inode *inode);
void inode_unlock(struct inode *inode);
/* Two inodes that are not directories, in the right order. They may be the same one. */
void inode_lock_pair(struct inode *a, struct inode *b);
void inode_unlock_pair(struct inode *a, struct inode *b);

void inode_stat_locked(const struct inode *inode, struct stat *st);
void inode_stat(struct inode *inode, struct stat *st);

/* Time stamps. */
struct timespec time_now(void);
void inode_changed_locked(struct inode *inode);	 /* ctime */
void inode_modified_locked(struct inode *inode); /* mtime and ctime */
/* Record a read, as often as the kernel's relatime would. The lock must not be held. */
void inode_accessed(struct inode *inode);

uint64_t inode_count(void);

static inline bool inode_is_dir(const struct inode *inode)
{
	return S_ISDIR(inode->type);
}

/* --- data.c: the bytes of a regular file --- */

/*
 * A vector over the bytes in [off, off + len), which must lie within the file, for at most
 * count pieces. Returns the number of pieces and sets *done to the bytes they cover. Holes are
 * covered by a page of zeros. Valid while the lock is held.
 */
struct iovec;
int data_map_locked(struct inode *inode, off_t off, size_t len, struct iovec *iov, int count,
		    size_t *done);
/* Bytes written, which are fewer than len only if space ran out; or -ENOSPC, -EFBIG. */
ssize_t data_write_locked(struct inode *inode, const char *buf, size_t len, off_t off);
void data_truncate_locked(struct inode *inode, off_t size);
void data_punch_locked(struct inode *inode, off_t off, off_t len);
int data_reserve_locked(struct inode *inode, off_t off, off_t len);
/* As lseek(2) with SEEK_DATA and SEEK_HOLE; -ENXIO. */
off_t data_seek_locked(struct inode *inode, off_t off, int whence);
ssize_t data_copy_locked(struct inode *from, off_t from_off, struct inode *to, off_t to_off,
			 size_t len);
void data_free(struct inode *inode);

/* --- xattr.c --- */

const char *xattr_find_locked(const struct inode *inode, const char *name, size_t *size);
int xattr_store_locked(struct inode *inode, const char *name, const char *value, size_t size);
int xattr_remove_locked(struct inode *inode, const char *name);
void xattr_free_all(struct inode *inode);

/* --- acl.c --- */

#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/*
 * Give a new inode the rights that its directory prescribes: from the directory's default
 * ACL, or else from the caller's umask. The new inode is not visible to anybody yet.
 */
int acl_inherit_locked(const struct inode *dir, struct inode *inode, mode_t umask);
/* Follow a change of the permission bits. */
int acl_chmod_locked(struct inode *inode);
/* Set an ACL; an access ACL changes the permission bits. in_group: may the caller keep setgid? */
int acl_set_locked(struct inode *inode, const char *name, const char *value, size_t size,
		   bool in_group);

#endif
