/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wire as C types: structures from structs.def, opcodes from ops.def,
 * notify codes from notify.def, INIT flags from caps.def. Names are those of
 * the kernel's <linux/fuse.h>, of which this is a complete 7.45 view that
 * does not depend on the headers of the build machine.
 */
#ifndef PROFUSE_PROTOCOL_WIRE_H
#define PROFUSE_PROTOCOL_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define FUSE_KERNEL_VERSION	  7
#define FUSE_KERNEL_MINOR_VERSION 45

/* The oldest peer that we talk to (Linux 2.6.20). */
#define FUSE_KERNEL_MINOR_MIN 8

#ifndef FUSE_ROOT_ID
#define FUSE_ROOT_ID 1
#endif

typedef uint8_t wire_u8;
typedef uint16_t wire_u16;
typedef uint32_t wire_u32;
typedef uint64_t wire_u64;
typedef int32_t wire_s32;
typedef int64_t wire_s64;

/* clang-format off */
#define WIRE_STRUCT(s) struct fuse_##s {
#define WIRE_FIELD(s, type, name, show) wire_##type name;
#define WIRE_ARRAY(s, type, name, count) wire_##type name[count];
#define WIRE_NESTED(s, inner, name) struct fuse_##inner name;
#define WIRE_END(s, size) };                                                     \
	static_assert(sizeof(struct fuse_##s) == (size), "layout of fuse_" #s);
#include "protocol/structs.def"
#undef WIRE_STRUCT
#undef WIRE_FIELD
#undef WIRE_ARRAY
#undef WIRE_NESTED
#undef WIRE_END

enum fuse_opcode {
#define OP(name, nr, ...) FUSE_##name = nr,
#include "protocol/ops.def"
#undef OP
};

enum fuse_notify_code {
#define NOTIFY(name, code, ...) FUSE_NOTIFY_##name = code,
#include "protocol/notify.def"
#undef NOTIFY
	FUSE_NOTIFY_CODE_MAX = 10,
};
/* clang-format on */

#define FUSE_INIT_FLAG(flag) (1ULL << FUSE_INIT_BIT_##flag)
enum fuse_init_bit {
#define CAP(flag, bit, ...) FUSE_INIT_BIT_##flag = bit,
#include "protocol/caps.def"
#undef CAP
};

/* The resend mark in a request's unique; the reply must echo it. */
#define FUSE_UNIQUE_RESEND (1ULL << 63)
/* Set in the unique of an INTERRUPT, whose argument names the target. */
#define FUSE_INT_REQ_BIT 1ULL

/* open_out.open_flags */
#define FOPEN_DIRECT_IO		     (1u << 0)
#define FOPEN_KEEP_CACHE	     (1u << 1)
#define FOPEN_NONSEEKABLE	     (1u << 2)
#define FOPEN_CACHE_DIR		     (1u << 3)
#define FOPEN_STREAM		     (1u << 4)
#define FOPEN_NOFLUSH		     (1u << 5)
#define FOPEN_PARALLEL_DIRECT_WRITES (1u << 6)
#define FOPEN_PASSTHROUGH	     (1u << 7)

/* setattr_in.valid */
#define FATTR_MODE	   (1u << 0)
#define FATTR_UID	   (1u << 1)
#define FATTR_GID	   (1u << 2)
#define FATTR_SIZE	   (1u << 3)
#define FATTR_ATIME	   (1u << 4)
#define FATTR_MTIME	   (1u << 5)
#define FATTR_FH	   (1u << 6)
#define FATTR_ATIME_NOW	   (1u << 7)
#define FATTR_MTIME_NOW	   (1u << 8)
#define FATTR_LOCKOWNER	   (1u << 9)
#define FATTR_CTIME	   (1u << 10)
#define FATTR_KILL_SUIDGID (1u << 11)

#define FUSE_GETATTR_FH		  (1u << 0)
#define FUSE_OPEN_KILL_SUIDGID	  (1u << 0)
#define FUSE_LK_FLOCK		  (1u << 0)
#define FUSE_READ_LOCKOWNER	  (1u << 1)
#define FUSE_WRITE_CACHE	  (1u << 0)
#define FUSE_WRITE_LOCKOWNER	  (1u << 1)
#define FUSE_WRITE_KILL_SUIDGID	  (1u << 2)
#define FUSE_RELEASE_FLUSH	  (1u << 0)
#define FUSE_RELEASE_FLOCK_UNLOCK (1u << 1)
#define FUSE_FSYNC_FDATASYNC	  (1u << 0)
#define FUSE_POLL_SCHEDULE_NOTIFY (1u << 0)
#define FUSE_EXPIRE_ONLY	  (1u << 0)

/* ext_header.type: 0..31 is a count of security contexts. */
#define FUSE_MAX_NR_SECCTX 31
#define FUSE_EXT_GROUPS	   32

/* Device ioctls. */
#define FUSE_DEV_IOC_CLONE	   0x8004e500u
#define FUSE_DEV_IOC_BACKING_OPEN  0x4010e501u
#define FUSE_DEV_IOC_BACKING_CLOSE 0x4004e502u
#define FUSE_DEV_IOC_SYNC_INIT	   0x0000e503u

/* Sizes that replies and records had for older peers. */
#define FUSE_COMPAT_ENTRY_OUT_SIZE   120 /* minor < 9 */
#define FUSE_COMPAT_ATTR_OUT_SIZE    96	 /* minor < 9 */
#define FUSE_COMPAT_STATFS_SIZE	     48	 /* minor < 4 */
#define FUSE_COMPAT_INIT_OUT_SIZE    8	 /* minor < 5 */
#define FUSE_COMPAT_22_INIT_OUT_SIZE 24	 /* minor < 23 */

/* The smallest read buffer that the kernel accepts, whatever max_write is. */
#define FUSE_MIN_READ_BUFFER 8192

#define FUSE_REC_ALIGN(x) (((x) + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1))

#endif
