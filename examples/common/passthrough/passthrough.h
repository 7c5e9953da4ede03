/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory shown somewhere else, inode by inode: what passthrough_ll and passthrough_hp have in
 * common, which is all but their options.
 *
 *   start.c     the handshake and the source
 *   ops.h       the callbacks the library calls, by file:
 *     names.c     lookup, forget, create, mknod, mkdir, symlink, link, unlink, rmdir, rename
 *     attr.c      getattr, setattr, statx, readlink, statfs
 *     file.c      open, read, write, fallocate, lseek, copy_file_range, release
 *     listing.c   readdir, readdirplus
 *     xattr.c     extended attributes and access control lists
 *     locking.c   locks that users of the source directory see, too (host_locks)
 *   backing.c   files that the kernel reads and writes by itself
 *   inode.c     inodes: which node id is which file
 *   fdcache.c   their file descriptors, of which there are never too many
 *   caller.c    making files as the caller
 *
 * Two rules keep callers inside the source directory, also while others rename things in it:
 * only single names are resolved, under a descriptor of their directory, never following a symbolic
 * link; and everything else is reached through a descriptor of the very inode.
 *
 * Locks, in the order in which they are taken:
 *   fdcache's mutex             which inodes have descriptors, and how to find the others again
 *   a shard's mutex (inode.c)   its part of the table, and the references of the inodes in it
 * The others (inode->lock, those in locking.c) are held alone.
 */
#ifndef PASSTHROUGH_H
#define PASSTHROUGH_H

#define FUSE_USE_VERSION 319

#include <fuse_lowlevel.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * What makes a file the same file. The mount, because a directory that is seen through two mounts
 * has two places. The time of birth, because an inode number is used again for
 * another file while we may have no descriptor that would keep the old one.
 */
struct identity {
	uint64_t dev;
	uint64_t ino;
	uint64_t mount;
	int64_t birth_sec;
	uint32_t birth_nsec;
};

struct place;  /* where to find it again: fdcache.c */
struct anchor; /* a descriptor on its mount: fdcache.c */

struct inode {
	struct inode *chain; /* in its shard */
	struct identity id;
	uint64_t generation;
	mode_t type;
	uint64_t refs; /* lookups, and children that name it as their parent; under the shard's
			  mutex */

	/* fdcache.c: the descriptor, and how many use it; -1 if it is closed. */
	_Atomic int users;
	int fd;
	_Atomic bool used_lately;
	bool keep_open;
	struct inode *ring_prev, *ring_next;
	struct place *place;
	struct anchor *anchor;

	/* file.c and backing.c, under this lock. */
	pthread_mutex_t lock;
	int backing_id; /* 0: by requests */
	unsigned backing_users;
	bool bypassed; /* the kernel's cache may be older than the file */
	/* What the file looked like when its cached pages were last known to be right. */
	off_t seen_size;
	struct timespec seen_mtime;
	unsigned changing; /* changes of ours that are under way */
};

enum cache_mode { CACHE_NEVER, CACHE_AUTO, CACHE_ALWAYS };

struct passthrough {
	const char *program;

	/* Options. */
	const char *source;
	int cache; /* enum cache_mode */
	double timeout;
	int writeback;
	int no_xattr;
	int no_acl;
	int host_locks;
	int kernel_passthrough;

	/* What the kernel agreed to. */
	bool acl;
	bool backing;
	bool clears_suid; /* it leaves setuid and setgid bits to us */
	_Atomic bool backing_refused;

	struct inode root;
	/* The device number of our own mount, or 0. */
	uint64_t own_dev;
};

extern struct passthrough fs;

/* Mounts and serves, with what the options made of fs. Returns an exit status. */
int pt_serve(struct fuse_args *args, const char *help);

/* --- inode.c --- */

struct inode *inode_of(fuse_ino_t id);
fuse_ino_t inode_id(const struct inode *inode);

/*
 * The inode for a descriptor (opened with O_PATH), with one reference more. Takes over the
 * descriptor. parent and name tell where it was found. Returns NULL with errno set.
 */
struct inode *inode_get(int fd, const struct stat *st, const struct identity *id,
			struct inode *parent, const char *name);
/* The inode if it is known, with one reference more, or NULL. */
struct inode *inode_find(const struct identity *id);
void inode_ref(struct inode *inode);
void inode_unref(struct inode *inode, uint64_t count);
void inode_free_all(void);

/* What is at a descriptor; 0 or -1 with errno set. Inode numbers are those the mount shows. */
int inode_examine(int fd, struct stat *st, struct identity *id);
/* The same for a name in a directory, whatever it is. */
int inode_examine_at(int dirfd, const char *name, struct stat *st, struct identity *id);

/* The inode number to show for a file: its own, unless it lies on another filesystem than the
 * source. */
ino_t inode_shown_number(uint64_t dev, uint64_t ino);

/* --- fdcache.c --- */

/*
 * How many descriptors may be open, and can files be found again by their handles? root_fd is
 * a descriptor of the source that can be read.
 */
void fdcache_init(int root_fd);
/* After the last inode. */
void fdcache_fini(void);

/* The inode is new and has a descriptor, from now on our business. It was found as `name`. */
void fdcache_add(struct inode *inode, struct inode *parent, const char *name);
void fdcache_remove(struct inode *inode);

/*
 * The inode's descriptor, for a while: until fdcache_put(). -1 with errno set if it cannot be had
 * (ESTALE: the file is not where it was).
 */
int fdcache_get(struct inode *inode);
void fdcache_put(struct inode *inode);

/* It is about to lose its name: keep the descriptor, by which alone it can be found then. */
void fdcache_keep(struct inode *inode);
/* It has another name now. */
void fdcache_moved(struct inode *inode, struct inode *parent, const char *name);
/* Do names matter to us (fdcache_moved)? Are descriptors closed at all (fdcache_keep)? */
bool fdcache_uses_names(void);
bool fdcache_is_tight(void);

/* openat(2) that makes room when there are too many descriptors. */
int open_with_room(int dirfd, const char *path, int flags, mode_t mode);

/*
 * A descriptor of the place (O_PATH) that has this name in a directory. Other filesystems that are
 * mounted there are entered, our own is not (ELOOP): it would wait for itself.
 */
int open_place(int dirfd, const char *name);

/* A descriptor for reading or writing, from one for the place (O_PATH). */
int reopen(int path_fd, int flags);

enum { PROC_PATH_SIZE = 32 };
/* "/proc/self/fd/N", for calls that take no descriptor. */
void proc_path(char path[PROC_PATH_SIZE], int fd);

/* --- caller.c --- */

/* Find out what we may do. */
void caller_init(void);

struct caller {
	uid_t uid;
	gid_t gid;
	bool switched;
	mode_t mask; /* what the umask takes away and the system will not */
};

/*
 * Between these two calls this thread makes files that belong to the caller, with the caller's
 * umask. caller_begin() returns 0 or an errno.
 */
int caller_begin(fuse_req_t req, struct caller *caller);
void caller_end(const struct caller *caller);

/*
 * For those who cannot switch: give what was made in a directory to the caller, as far as we may.
 * Both descriptors may be O_PATH.
 */
void caller_give(fuse_req_t req, int dirfd, int fd);

/*
 * The file was written to for the caller, or is going to be: bits that made it dangerous go, as they
 * would if he had written himself. fd is the file's; *st is what is known of it, and is kept
 * true.
 */
void caller_wrote(fuse_req_t req, int fd, struct stat *st);

/* May the caller keep the setgid bit of a file of this group? Root may. */
bool caller_in_group(fuse_req_t req, gid_t gid);

#endif
