/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <poll.h>

static void not_yet(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	check_eq(fuse_reply_poll(c->req, 0), 0);
}

static void on_mock(struct ops *t)
{
	struct fuse_poll_in in = {.fh = 7, .kh = 0x1234, .flags = FUSE_POLL_SCHEDULE_NOTIFY};
	struct fuse_notify_poll_wakeup_out out;
	struct mock_notify n;
	struct fs_call c;
	uint32_t revents;

	fs_script(t->fs, PROTO_POLL, not_yet, NULL);
	check_eq(mock_poll(t->m, FS_FILE, &in, &revents), 0);
	check_eq(revents, 0);
	fs_take(t->fs, PROTO_POLL, &c);
	check_eq(fuse_lowlevel_notify_poll(c.poll), 0);
	fuse_pollhandle_destroy(c.poll);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_POLL);
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.kh, 0x1234);
	mock_notify_free(&n);
}

static int wait_for_data(void *arg)
{
	struct pollfd p = {.fd = *(int *)arg, .events = POLLIN};

	return poll(&p, 1, 20000) == 1 ? p.revents : -1;
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct ops_async *a;
	struct fs_call c;

	check(fd >= 0);
	fs_script(t->fs, PROTO_POLL, not_yet, NULL);
	a = ops_async(wait_for_data, &fd);
	fs_take(t->fs, PROTO_POLL, &c);
	check(c.poll != NULL);
	check(!ops_async_done(a));
	check_eq(fuse_lowlevel_notify_poll(c.poll), 0);
	fuse_pollhandle_destroy(c.poll);
	check_eq(ops_async_join(a), POLLIN);
	close(fd);
}

OPS_TEST(.notify = FUSE_NOTIFY_POLL, .mock = on_mock, .mount = on_mount, .special = true)
