/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the C library's structures and the wire's. Pure functions: they
 * fill every byte of what they are given, reserved fields with zeros, and
 * clamp what does not fit instead of cutting bits off.
 */
#ifndef PROFUSE_PROTOCOL_FILL_H
#define PROFUSE_PROTOCOL_FILL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "protocol/wire.h"

/* The longest name that every kernel takes in a directory listing. Later ones
 * take up to 4095 bytes, some of them into a buffer of one page. */
#define PROTO_NAME_MAX 1024

/* Seconds as the wire wants them. Negative values and NaN count as 0; what is
 * beyond the range as the largest value. */
void proto_timeout(double seconds, uint64_t *sec, uint32_t *nsec);

/* The kernel's 32-bit form of a device number, and back. */
uint32_t proto_dev_encode(dev_t dev);
dev_t proto_dev_decode(uint32_t dev);

void proto_fill_attr(struct fuse_attr *out, const struct stat *st);
void proto_fill_attr_out(struct fuse_attr_out *out, const struct stat *st, double timeout);
void proto_fill_entry_out(struct fuse_entry_out *out, uint64_t nodeid, uint64_t generation,
			  double entry_timeout, double attr_timeout, const struct stat *st);
void proto_fill_kstatfs(struct fuse_kstatfs *out, const struct statvfs *st);
void proto_fill_statx(struct fuse_statx *out, const struct statx *st);

/* Why the kernel would refuse these attributes, as a clause for a log line;
 * NULL if it would not. It tells neither the caller nor the filesystem, and
 * the lookup that such an answer hands out is never forgotten. */
const char *proto_attr_fault(const struct stat *st);
const char *proto_statx_fault(const struct statx *st);

/* What a SETATTR wants set. Fields that it does not set are zero. */
void proto_stat_from_setattr(struct stat *out, const struct fuse_setattr_in *in);

/* POSIX locks. On the wire the end is inclusive and INT64_MAX means "to the
 * end of the file". proto_fill_lock is false for a range or type that has no
 * form on the wire. */
void proto_flock_from_wire(struct flock *out, const struct fuse_file_lock *in);
bool proto_fill_lock(struct fuse_file_lock *out, const struct flock *lock);

/* The flock(2) operation that a SETLK or SETLKW stands for, or -1. */
int proto_flock_op(const struct fuse_file_lock *lk, bool wait);

/* Bytes that a directory record occupies, padding included. */
size_t proto_dirent_size(size_t namelen);
size_t proto_direntplus_size(size_t namelen);

/* Writes a record of that size; `mode` gives the type. */
void proto_fill_dirent(void *out, uint64_t ino, uint64_t off, mode_t mode, const char *name,
		       size_t namelen);
void proto_fill_direntplus(void *out, const struct fuse_entry_out *entry, uint64_t off,
			   const char *name, size_t namelen);

#endif
