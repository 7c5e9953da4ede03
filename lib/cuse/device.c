/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device is a filesystem session with the operations that a device has. The
 * program's callbacks carry no inode; small adapters leave it out. Everything
 * else, replies included, is the low-level API's.
 */
#include "cuse/cuse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "session/session.h"

/* The kernel takes this much of strings in the handshake. */
#define STRINGS_MAX 4096

struct cuse {
	struct sess_device device;
	struct cuse_lowlevel_ops ops;
};

static const struct cuse_lowlevel_ops *ops_of(fuse_req_t req)
{
	return &container_of(sess_of(req)->device, struct cuse, device)->ops;
}

/* ---- adapters ---- */

static void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	ops_of(req)->open(req, fi);
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	ops_of(req)->read(req, size, off, fi);
}

static void do_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	ops_of(req)->write(req, buf, size, off, fi);
}

static void do_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	ops_of(req)->flush(req, fi);
}

static void do_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	ops_of(req)->release(req, fi);
}

static void do_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	ops_of(req)->fsync(req, datasync, fi);
}

static void do_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		     struct fuse_file_info *fi, unsigned flags, const void *in_buf, size_t in_size,
		     size_t out_size)
{
	ops_of(req)->ioctl(req, cmd, arg, fi, flags, in_buf, in_size, out_size);
}

static void do_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *ph)
{
	ops_of(req)->poll(req, fi, ph);
}

static struct fuse_lowlevel_ops adapt(const struct cuse_lowlevel_ops *clop)
{
	return (struct fuse_lowlevel_ops){
		.init = clop->init,
		.destroy = clop->destroy,
		.open = clop->open ? do_open : NULL,
		.read = clop->read ? do_read : NULL,
		.write = clop->write ? do_write : NULL,
		.flush = clop->flush ? do_flush : NULL,
		.release = clop->release ? do_release : NULL,
		.fsync = clop->fsync ? do_fsync : NULL,
		.ioctl = clop->ioctl ? do_ioctl : NULL,
		.poll = clop->poll ? do_poll : NULL,
	};
}

/* ---- life ---- */

static void cuse_free(struct sess_device *device)
{
	struct cuse *c = container_of(device, struct cuse, device);

	free(device->strings);
	free(c);
}

/* The strings one after the other: 0 or -errno. */
static int join_strings(const struct cuse_info *ci, struct sess_device *device)
{
	size_t size = 0;

	for (unsigned int i = 0; i < ci->dev_info_argc; i++) {
		if (!size_add(size, strlen(ci->dev_info_argv[i]) + 1, &size))
			return -EOVERFLOW;
	}
	if (size > STRINGS_MAX)
		return -E2BIG;
	device->strings = malloc(size ? size : 1);
	if (!device->strings)
		return -ENOMEM;
	for (unsigned int i = 0; i < ci->dev_info_argc; i++) {
		size_t len = strlen(ci->dev_info_argv[i]) + 1;

		memcpy(device->strings + device->strings_len, ci->dev_info_argv[i], len);
		device->strings_len += len;
	}
	return 0;
}

static struct cuse *device_new(const struct cuse_info *ci, const struct cuse_lowlevel_ops *clop,
			       size_t clop_size)
{
	struct cuse *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return NULL;
	c->device = (struct sess_device){
		.flags = ci->flags,
		.major = ci->dev_major,
		.minor = ci->dev_minor,
		.free = cuse_free,
	};
	memcpy(&c->ops, clop, clop_size < sizeof(c->ops) ? clop_size : sizeof(c->ops));
	c->device.init_done = c->ops.init_done;
	err = join_strings(ci, &c->device);
	if (err == -E2BIG)
		fuse_log(FUSE_LOG_ERR, "cuse: the device's strings are longer than %d bytes\n",
			 STRINGS_MAX);
	if (err) {
		cuse_free(&c->device);
		return NULL;
	}
	return c;
}

struct fuse_session *cuse_new(struct fuse_args *args, const struct cuse_info *ci,
			      const struct cuse_lowlevel_ops *clop, size_t clop_size,
			      void *userdata)
{
	struct fuse_lowlevel_ops ops;
	struct fuse_session *se;
	struct cuse *c = device_new(ci, clop, clop_size);

	if (!c)
		return NULL;
	ops = adapt(&c->ops);
	se = fuse_session_new(args, &ops, sizeof(ops), userdata);
	if (!se) {
		cuse_free(&c->device);
		return NULL;
	}
	se->device = &c->device;
	return se;
}

PROFUSE_EXPORT struct fuse_session *
cuse_lowlevel_new_319(struct fuse_args *args, const struct cuse_info *ci,
		      const struct cuse_lowlevel_ops *clop, size_t clop_size,
		      const struct libfuse_version *version, void *userdata)
{
	return cuse_new(args, ci, clop, clop_size, userdata);
}
