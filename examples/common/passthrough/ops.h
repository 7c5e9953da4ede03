/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callbacks, as the library calls them. See fuse_lowlevel.h for what each one is for. */
#ifndef PASSTHROUGH_OPS_H
#define PASSTHROUGH_OPS_H

#include "passthrough.h"

/* names.c */
void pt_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void pt_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void pt_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void pt_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void pt_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void pt_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void pt_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void pt_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void pt_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void pt_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned flags);

/*
 * Find a name below a directory; 0 and an entry with one lookup more, or an errno.
 * dirfd is the directory's descriptor.
 */
int names_find(struct inode *dir, int dirfd, const char *name, struct fuse_entry_param *entry);
/*
 * The same, if the kernel knows the inode: one system call does. Not for what may be a directory,
 * because our own mount may be on it.
 */
bool names_find_known(struct inode *dir, int dirfd, const char *name,
		      struct fuse_entry_param *entry);
/* The same for a file that is open already. Takes over the descriptor, which is one for a place. */
int names_enter(int fd, struct inode *dir, const char *name, struct fuse_entry_param *entry);

/* attr.c */
void pt_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pt_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi);
void pt_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi);
void pt_readlink(fuse_req_t req, fuse_ino_t ino);
void pt_statfs(fuse_req_t req, fuse_ino_t ino);

/* file.c; fi->fh is the descriptor */
void pt_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);
void pt_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);
void pt_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pt_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void pt_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi);
void pt_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pt_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pt_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void pt_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		  struct fuse_file_info *fi);
void pt_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void pt_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			struct fuse_file_info *fi_out, size_t len, int flags);

/*
 * A change of the file's content or times is beginning, and is done: with what it looks like
 * now. What the kernel has cached stays right meanwhile.
 */
void file_changing(struct inode *inode);
void file_changed(struct inode *inode, const struct stat *st);

/* backing.c */

/* Ask for it, if it is wanted. */
void backing_negotiate(struct fuse_conn_info *conn);
/*
 * An open file begins and ends; fd is a descriptor of its inode. Without a request (req NULL)
 * when the answer to its open was refused. backing_begin() says in fi which way its I/O goes.
 */
void backing_begin(fuse_req_t req, struct inode *inode, int fd, struct fuse_file_info *fi);
void backing_end(fuse_req_t req, struct inode *inode);

/* listing.c */
void pt_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pt_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void pt_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi);
void pt_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pt_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

/* xattr.c */
void pt_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
		 int flags);
void pt_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void pt_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void pt_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* locking.c */
void pt_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock);
void pt_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
	      int sleep);
void pt_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);
/* close(2) gives up the owner's fcntl locks; the last close gives up those of the open file. */
void locking_flush(struct inode *inode, uint64_t owner);
void locking_release(struct inode *inode, uint64_t handle);

#endif
