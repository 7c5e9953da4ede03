/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/ioctl.h>

#define CMD _IOWR('x', 1, char[16])

static void on_mock(struct ops *t)
{
	struct fuse_ioctl_in in = {
		.fh = 7, .cmd = (uint32_t)CMD, .arg = 0x7fff12345678, .out_size = 16};
	struct mock_call call = {.op = PROTO_IOCTL,
				 .nodeid = FS_FILE,
				 .in = &in,
				 .data = "0123456789abcdef",
				 .data_len = 16};
	struct fuse_ioctl_out *out;
	struct mock_reply r;
	struct fs_call c;

	check_eq(mock_call(t->m, &call, &r), 0);
	check_eq(r.len, sizeof(*out) + 16);
	out = (void *)r.body;
	check_eq(out->result, 42);
	check_eq(out->flags, 0);
	check_str((char *)(out + 1), "answer");
	mock_reply_free(&r);
	fs_take(t->fs, PROTO_IOCTL, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.cmd, (uint32_t)CMD);
	check_eq(c.number, 0x7fff12345678);
	check_eq(c.size, 16);
	check_eq(c.size2, 16);
	check(memcmp(c.data, "0123456789abcdef", 16) == 0);
	in.cmd = 5;
	in.out_size = 0;
	call.data_len = 0;
	check_eq(mock_call(t->m, &call, &r), 0);
	check_eq(r.len, sizeof(*out));
	mock_reply_free(&r);
}

/* A server for devices may ask to be called again with other memory. */
static void retry(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct iovec in = {(void *)0x1000, 8}, out[2] = {{(void *)0x2000, 4}, {(void *)0x3000, 2}};

	fs_set_last_reply(fs, fuse_reply_ioctl_retry(c->req, &in, 1, out, 2));
}

static void retried_on_mock(struct ops *t)
{
	struct fuse_ioctl_in in = {.fh = 7, .flags = FUSE_IOCTL_UNRESTRICTED, .cmd = 5};
	struct mock_call call = {.op = PROTO_IOCTL, .nodeid = FS_FILE, .in = &in};
	struct fuse_ioctl_iovec *iov;
	struct fuse_ioctl_out *out;
	struct mock_reply r;

	if (mock_conn(t->m)->minor < 16)
		return; /* native iovecs, of which the sizes differ */
	fs_script(t->fs, PROTO_IOCTL, retry, NULL);
	check_eq(mock_call(t->m, &call, &r), 0);
	check_eq(r.len, sizeof(*out) + 3 * sizeof(*iov));
	out = (void *)r.body;
	iov = (void *)(out + 1);
	check_eq(out->flags, FUSE_IOCTL_RETRY);
	check_eq(out->in_iovs, 1);
	check_eq(out->out_iovs, 2);
	check_eq(iov[0].base, 0x1000);
	check_eq(iov[0].len, 8);
	check_eq(iov[2].base, 0x3000);
	mock_reply_free(&r);
}

static void both_on_mock(struct ops *t)
{
	on_mock(t);
	retried_on_mock(t);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY);
	char buf[16] = "question";
	struct fs_call c;

	check(fd >= 0);
	check_eq(ioctl(fd, CMD, buf), 42);
	check_str(buf, "answer");
	fs_take(t->fs, PROTO_IOCTL, &c);
	check_eq(c.cmd, (uint32_t)CMD);
	check_str((char *)c.data, "question");
	check_eq(c.size2, 16);
	fs_script_error(t->fs, PROTO_IOCTL, EBADF);
	check_errno(ioctl(fd, CMD, buf), EBADF);
	/* Shown as ENOTTY, and asked again. */
	fs_script_error(t->fs, PROTO_IOCTL, ENOSYS);
	check_errno(ioctl(fd, CMD, buf), ENOTTY);
	check_eq(ioctl(fd, CMD, buf), 42);
	/* A filesystem on a disk may not look around in its caller's memory. */
	fs_script(t->fs, PROTO_IOCTL, retry, NULL);
	check_errno(ioctl(fd, CMD, buf), EIO);
	fs_logged(t->fs, "IOCTL");
	close(fd);
}

OPS_TEST(.op = PROTO_IOCTL, .mock = both_on_mock, .mount = on_mount)
