/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls and numbers that the C library's headers may be too old for.
 * The call numbers are the same on every architecture but alpha, which counts
 * 110 higher.
 */
#ifndef PROFUSE_MOUNT_KERNEL_H
#define PROFUSE_MOUNT_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __alpha__
#define MNT_NR(n) ((n) + 110)
#else
#define MNT_NR(n) (n)
#endif

/* statx(2), with the mount id that was added later. */
#define MNT_STATX_ID	    0x1000U
#define MNT_STATX_ID_UNIQUE 0x4000U

struct mnt_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	uint64_t times[8];
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint64_t rest[13];
};
_Static_assert(sizeof(struct mnt_statx) == 256, "struct statx");
_Static_assert(offsetof(struct mnt_statx, mnt_id) == 0x90, "struct statx");

static inline long mnt_sys_statx(int dirfd, const char *path, int flags, unsigned int mask,
				 struct mnt_statx *out)
{
	return syscall(SYS_statx, dirfd, path, flags, mask, out);
}

/* statmount(2), Linux 6.8. */
#define MNT_STATMOUNT_BASIC 0x2U
#define MNT_STATMOUNT_POINT 0x10U

struct mnt_id_request {
	uint32_t size, spare;
	uint64_t mnt_id, param;
};

struct mnt_statmount {
	uint32_t size, mnt_opts;
	uint64_t mask;
	uint32_t sb_dev_major, sb_dev_minor;
	uint64_t sb_magic;
	uint32_t sb_flags, fs_type;
	uint64_t mnt_id, mnt_parent_id;
	uint32_t mnt_id_old, mnt_parent_id_old;
	uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
	uint32_t mnt_root, mnt_point; /* offsets into str */
	uint64_t rest[50];
	char str[];
};
_Static_assert(offsetof(struct mnt_statmount, str) == 512, "struct statmount");

static inline long mnt_sys_statmount(uint64_t id, uint64_t mask, struct mnt_statmount *out,
				     size_t size)
{
	struct mnt_id_request req = {.size = sizeof(req), .mnt_id = id, .param = mask};

	return syscall(MNT_NR(457), &req, out, size, 0U);
}

/* The mount API of Linux 5.2. */
#define MNT_FSOPEN_CLOEXEC  1U
#define MNT_FSMOUNT_CLOEXEC 1U
#define MNT_MOVE_F_EMPTY    0x4U  /* the mount is the descriptor itself */
#define MNT_MOVE_T_EMPTY    0x40U /* and so is the place */

#define MNT_CONFIG_FLAG	  0U
#define MNT_CONFIG_STRING 1U
#define MNT_CONFIG_CREATE 6U

#define MNT_ATTR_RDONLY	     0x1U
#define MNT_ATTR_NOSUID	     0x2U
#define MNT_ATTR_NODEV	     0x4U
#define MNT_ATTR_NOEXEC	     0x8U
#define MNT_ATTR_NOATIME     0x10U
#define MNT_ATTR_STRICTATIME 0x20U
#define MNT_ATTR_NODIRATIME  0x80U
#define MNT_ATTR_NOSYMFOLLOW 0x200000U

static inline long mnt_sys_move_mount(int from, int to)
{
	return syscall(MNT_NR(429), from, "", to, "", MNT_MOVE_F_EMPTY | MNT_MOVE_T_EMPTY);
}

static inline long mnt_sys_fsopen(const char *type, unsigned int flags)
{
	return syscall(MNT_NR(430), type, flags);
}

static inline long mnt_sys_fsconfig(int fd, unsigned int cmd, const char *key, const char *value)
{
	return syscall(MNT_NR(431), fd, cmd, key, value, 0);
}

static inline long mnt_sys_fsmount(int fd, unsigned int flags, unsigned int attr)
{
	return syscall(MNT_NR(432), fd, flags, attr);
}

static inline int mnt_sys_pidfd_open(pid_t pid)
{
	return (int)syscall(MNT_NR(434), pid, 0U);
}

static inline long mnt_sys_close_range(unsigned int first, unsigned int last)
{
	return syscall(MNT_NR(436), first, last, 0U);
}

/* Linux 6.18: attaching waits until INIT was answered. */
#define MNT_DEV_IOC_SYNC_INIT _IO(229, 3)

#endif
