/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callbacks, as the library calls them. See fuse_lowlevel.h for what each one is for. */
#ifndef MEMFS_OPS_H
#define MEMFS_OPS_H

#include "memfs.h"

/* names.c */
void memfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void memfs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void memfs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void memfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi);
void memfs_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);
void memfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void memfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void memfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void memfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void memfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void memfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);

/* rename.c */
void memfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned flags);

/* attr.c */
void memfs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void memfs_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi);
void memfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		   struct fuse_file_info *fi);
/* May the caller keep the setgid bit of a file of this group? Root may. */
bool caller_in_group(fuse_req_t req, gid_t gid);
/*
 * The file is written to: bits that made it dangerous go, unless root writes. Mostly the
 * kernel has seen to that, but not for truncating opens, writes past the page cache, and setgid
 * without group execution.
 */
void drop_setuid_locked(fuse_req_t req, struct inode *inode);
void memfs_readlink(fuse_req_t req, fuse_ino_t ino);
void memfs_statfs(fuse_req_t req, fuse_ino_t ino);

/* file.c */
void memfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void memfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void memfs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi);
void memfs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void memfs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void memfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void memfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi);
void memfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void memfs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			   struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			   struct fuse_file_info *fi_out, size_t len, int flags);
/* Make an open file of the inode and fill in fi; the inode lives at least until release. */
void file_opened(struct inode *inode, struct fuse_file_info *fi);

/* listing.c */
void memfs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void memfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi);
void memfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi);
void memfs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* xattr.c */
void memfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		    size_t size, int flags);
void memfs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void memfs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void memfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* locking.c */
void memfs_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock);
void memfs_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		 int sleep);
void memfs_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);
/* close(2) gives up the owner's fcntl locks; the last close gives up the rest. */
void locking_flush(struct inode *inode, uint64_t owner);
void locking_release(struct inode *inode, uint64_t handle);

/* names.c: what a reply says about an inode. */
void entry_fill_locked(const struct inode *inode, struct fuse_entry_param *entry);

#endif
