/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <poll.h>

static void on_mock(struct ops *t)
{
	struct fuse_poll_in in = {.fh = 7, .kh = 0x1234, .events = POLLIN | POLLOUT};
	struct fs_call c;
	uint32_t revents;

	check_eq(mock_poll(t->m, FS_FILE, &in, &revents), 0);
	check_eq(revents, POLLIN);
	fs_take(t->fs, PROTO_POLL, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check(c.poll == NULL); /* nobody sleeps, so nobody is to be woken */
	in.flags = FUSE_POLL_SCHEDULE_NOTIFY;
	check_eq(mock_poll(t->m, FS_FILE, &in, &revents), 0);
	fs_take(t->fs, PROTO_POLL, &c);
	check(c.poll != NULL);
}

static void on_mount(struct ops *t)
{
	struct pollfd p = {.fd = open(ops_path(t, "file"), O_RDWR), .events = POLLIN | POLLOUT};

	check(p.fd >= 0);
	check_eq(poll(&p, 1, 1000), 1);
	check_eq(p.revents, POLLIN);
	/* Remembered: always ready. */
	fs_script_error(t->fs, PROTO_POLL, ENOSYS);
	check_eq(poll(&p, 1, 0), 1);
	check_eq(p.revents, POLLIN | POLLOUT);
	fs_forget_calls(t->fs);
	check_eq(poll(&p, 1, 0), 1);
	check_eq(p.revents, POLLIN | POLLOUT);
	check_eq(fs_count(t->fs, PROTO_POLL), 0);
	close(p.fd);
}

OPS_TEST(.op = PROTO_POLL, .mock = on_mock, .mount = on_mount)
