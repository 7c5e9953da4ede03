/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backing files: the kernel reads and writes them without asking. */
#include "lowlevel/backing.h"
#include "lowlevel/ll.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <profuse.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef ECRYPTFS_SUPER_MAGIC
#define ECRYPTFS_SUPER_MAGIC 0xf15f
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

static int device_fd(const struct fuse_session *se)
{
	return se->xport ? se->xport->fd : -1;
}

static int register_file(const struct fuse_session *se, int fd)
{
	struct fuse_backing_map map = {.fd = fd};
	int id = ioctl(device_fd(se), FUSE_DEV_IOC_BACKING_OPEN, &map);

	if (id > 0)
		return id;
	return id < 0 ? -errno : -EIO;
}

static bool clears_suid(const struct fuse_session *se)
{
	return se->conn.flags & FUSE_INIT_FLAG(HANDLE_KILLPRIV_V2);
}

/*
 * The kernel writes a backing file with the rights of the thread that registered
 * it. With HANDLE_KILLPRIV_V2 it leaves set-user-ID bits to the filesystem, which does not
 * hear of these writes. But where CAP_FSETID was missing, the file below loses
 * them by itself. The system calls change this thread alone.
 */
static int register_without_fsetid(const struct fuse_session *se, int fd)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3];
	uint32_t before;
	int id;

	if (syscall(SYS_capget, &head, own) < 0)
		return -errno;
	before = own[0].effective;
	own[0].effective &= ~(1u << CAP_FSETID);
	if (syscall(SYS_capset, &head, own) < 0)
		return -errno;
	id = register_file(se, fd);
	own[0].effective = before;
	syscall(SYS_capset, &head, own);
	return id;
}

static int backing_open(const struct fuse_session *se, int fd)
{
	return clears_suid(se) ? register_without_fsetid(se, fd) : register_file(se, fd);
}

int ll_backing_open(struct fuse_session *se, int fd)
{
	struct stat st;

	if (clears_suid(se) && !fstat(fd, &st) && (st.st_mode & (S_ISUID | S_ISGID)))
		return -EOPNOTSUPP;
	return backing_open(se, fd);
}

int ll_backing_close(struct fuse_session *se, int id)
{
	return ioctl(device_fd(se), FUSE_DEV_IOC_BACKING_CLOSE, &id) < 0 ? -errno : 0;
}

/* Programs that fall back to ordinary requests try again with the next file. */
static void complain(struct fuse_session *se, int fd, int err)
{
	if (atomic_exchange(&ll_of(se)->backing_logged, true))
		return;
	fuse_log(FUSE_LOG_ERR,
		 "fuse: descriptor %d cannot be a backing file: %s%s (further ones are not "
		 "reported)\n",
		 fd, strerror(err),
		 err == EPERM ? "; that needs FUSE_CAP_PASSTHROUGH and CAP_SYS_ADMIN outside of "
				"user namespaces"
			      : "");
}

/* 0 is the interface's way of saying that it failed. */
PROFUSE_EXPORT int fuse_passthrough_open(fuse_req_t req, int fd)
{
	struct fuse_session *se = sess_of(req);
	int id = backing_open(se, fd);

	if (id > 0)
		return id;
	complain(se, fd, -id);
	errno = -id;
	return 0;
}

PROFUSE_EXPORT int fuse_passthrough_close(fuse_req_t req, int backing_id)
{
	int err = ll_backing_close(sess_of(req), backing_id);

	if (!err)
		return 0;
	fuse_log(FUSE_LOG_ERR, "fuse: backing file %d cannot be closed: %s\n", backing_id,
		 strerror(-err));
	errno = -err;
	return -1;
}

/* ---- how deep ---- */

/* A filesystem that lies on others, where files are one level deeper. */
static bool is_stacked(int fd)
{
	struct statfs st;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return true;
	return st.f_type == OVERLAYFS_SUPER_MAGIC || st.f_type == ECRYPTFS_SUPER_MAGIC ||
	       st.f_type == FUSE_SUPER_MAGIC;
}

PROFUSE_EXPORT bool profuse_want_backing_files(struct fuse_conn_info *conn, int fd)
{
	if ((conn->want_ext & FUSE_CAP_WRITEBACK_CACHE) ||
	    !fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH))
		return false;
	conn->max_backing_stack_depth =
		is_stacked(fd) ? FUSE_BACKING_STACKED_OVER : FUSE_BACKING_STACKED_UNDER;
	return true;
}
