/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backing files: the kernel reads and writes them without asking. */
#include "lowlevel/ll.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static int device_fd(fuse_req_t req)
{
	const struct xport *x = sess_of(req)->xport;

	return x ? x->fd : -1;
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
	struct fuse_backing_map map = {.fd = fd};
	int id = ioctl(device_fd(req), FUSE_DEV_IOC_BACKING_OPEN, &map);
	int err;

	if (id > 0)
		return id;
	err = id < 0 ? errno : EIO;
	complain(sess_of(req), fd, err);
	errno = err;
	return 0;
}

PROFUSE_EXPORT int fuse_passthrough_close(fuse_req_t req, int backing_id)
{
	if (ioctl(device_fd(req), FUSE_DEV_IOC_BACKING_CLOSE, &backing_id) >= 0)
		return 0;
	fuse_log(FUSE_LOG_ERR, "fuse: backing file %d cannot be closed: %s\n", backing_id,
		 strerror(errno));
	return -1;
}
