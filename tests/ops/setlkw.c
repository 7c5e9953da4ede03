/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <signal.h>
#include <sys/file.h>

static void on_mock(struct ops *t)
{
	struct fuse_lk_in in = {
		.fh = 7, .owner = 99, .lk = {.start = 10, .end = 19, .type = F_WRLCK, .pid = 3}};
	struct mock_call call = {.op = PROTO_SETLKW, .nodeid = FS_FILE, .in = &in};
	struct fs_call c;
	uint64_t unique;

	/* One that waits does not hinder others. */
	fs_script_hold(t->fs, PROTO_SETLKW);
	unique = mock_send(t->m, &call);
	fs_take(t->fs, PROTO_SETLKW, &c);
	check_eq(c.fi.lock_owner, 99);
	check_eq(c.lock.l_len, 10);
	check_eq(mock_access(t->m, 1, 0), 0);
	check_eq(mock_wait_ms(t->m, unique, 0, NULL), -EAGAIN);
	check_eq(fuse_reply_err(c.req, 0), 0);
	check_eq(mock_wait(t->m, unique, NULL), 0);
}

static int lock_file(void *arg)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5};
	int fd = *(int *)arg;

	return fcntl(fd, F_SETLKW, &lock) == 0 ? 0 : -errno;
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct ops_async *waiter;
	struct statvfs st;
	struct fs_call c;

	check(fd >= 0);
	fs_script_hold(t->fs, PROTO_SETLKW);
	waiter = ops_async(lock_file, &fd);
	fs_take(t->fs, PROTO_SETLKW, &c);
	check_eq(c.lock.l_start, 10);
	check_eq(statvfs(t->mnt, &st), 0);
	check(!ops_async_done(waiter));
	check_eq(fuse_reply_err(c.req, EDEADLK), 0);
	check_eq(ops_async_join(waiter), -EDEADLK);
	check_eq(flock(fd, LOCK_SH), 0);
	fs_take(t->fs, PROTO_SETLKW, &c);
	check_str(c.name, "flock");
	check_eq(c.flags, LOCK_SH);
	close(fd);
}

OPS_TEST(.op = PROTO_SETLKW, .mock = on_mock, .mount = on_mount)
