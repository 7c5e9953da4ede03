/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "responder.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int reply(int fd, uint64_t unique, int err, const void *arg, size_t len)
{
	struct fuse_out_header h = {
		.len = (uint32_t)(sizeof(h) + (err ? 0 : len)),
		.error = -err,
		.unique = unique,
	};
	struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)arg, err ? 0 : len}};

	return writev(fd, iov, 2) < 0 ? -errno : 0;
}

static int reply_init(int fd, const struct fuse_in_header *in, int err)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_readahead = 65536,
		.max_write = 65536,
		.time_gran = 1,
	};

	return reply(fd, in->unique, err, &out, sizeof(out));
}

static int reply_attr(int fd, const struct fuse_in_header *in, mode_t root_type)
{
	struct fuse_attr_out out = {
		.attr_valid = 1,
		.attr = {.ino = 1, .mode = root_type | 0755, .nlink = 2},
	};

	out.attr.uid = getuid();
	out.attr.gid = getgid();
	return reply(fd, in->unique, 0, &out, sizeof(out));
}

int responder_serve_one(int fd, mode_t root_type, int init_err, int hang)
{
	static _Thread_local union {
		struct fuse_in_header h;
		char room[132 * 1024];
	} in;
	struct fuse_statfs_out fs = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
	struct fuse_open_out open_out = {.fh = 1};
	ssize_t n;

	do {
		n = read(fd, &in, sizeof(in));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT));
	if (n < 0)
		return -errno;
	if ((int)in.h.opcode == hang)
		return hang;
	switch (in.h.opcode) {
	case FUSE_INIT:
		reply_init(fd, &in.h, init_err);
		break;
	case FUSE_GETATTR:
		reply_attr(fd, &in.h, root_type);
		break;
	case FUSE_STATFS:
		reply(fd, in.h.unique, 0, &fs, sizeof(fs));
		break;
	case FUSE_OPENDIR:
		reply(fd, in.h.unique, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_READDIR:
	case FUSE_RELEASEDIR:
	case FUSE_ACCESS:
		reply(fd, in.h.unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_LOOKUP:
		reply(fd, in.h.unique, ENOENT, NULL, 0);
		break;
	default:
		reply(fd, in.h.unique, ENOSYS, NULL, 0);
		break;
	}
	return (int)in.h.opcode;
}

int responder_serve(int fd, mode_t root_type)
{
	int r;

	do {
		r = responder_serve_one(fd, root_type, 0, -1);
	} while (r >= 0);
	return r;
}

static void *serve_thread(void *arg)
{
	struct responder *r = arg;

	responder_serve(r->fd, r->root_type);
	return NULL;
}

static void *init_thread(void *arg)
{
	struct responder *r = arg;

	responder_serve_one(r->fd, r->root_type, r->init_err, -1);
	return NULL;
}

static void begin(struct responder *r, int fd, void *(*fn)(void *))
{
	if (!r->root_type)
		r->root_type = S_IFDIR;
	r->fd = fd;
	if (pthread_create(&r->thread, NULL, fn, r) != 0)
		abort();
	r->running = true;
}

void responder_start(struct responder *r, int fd)
{
	responder_stop(r); /* a thread that answered INIT, if any */
	begin(r, fd, serve_thread);
}

void responder_stop(struct responder *r)
{
	if (!r->running)
		return;
	pthread_cancel(r->thread);
	pthread_join(r->thread, NULL);
	r->running = false;
}

static int hook_start(void *data, int fd)
{
	struct responder *r = data;

	r->starts++;
	begin(r, fd, init_thread);
	return 0;
}

static void hook_stop(void *data, int fd)
{
	struct responder *r = data;

	(void)fd;
	r->stops++;
	responder_stop(r);
}

struct mnt_hooks responder_hooks(struct responder *r)
{
	return (struct mnt_hooks){hook_start, hook_stop, r};
}
