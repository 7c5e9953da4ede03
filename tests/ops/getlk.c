/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void somebody(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10, .l_pid = 77};

	check_eq(fuse_reply_lock(c->req, &lock), 0);
}

static void on_mock(struct ops *t)
{
	struct fuse_lk_in in = {
		.fh = 7, .owner = 99, .lk = {.start = 10, .end = 19, .type = F_RDLCK, .pid = 3}};
	struct fuse_lk_out out;
	struct fs_call c;

	check_eq(mock_getlk(t->m, FS_FILE, &in, &out), 0);
	check_eq(out.lk.type, F_UNLCK);
	fs_take(t->fs, PROTO_GETLK, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.fi.lock_owner, 99);
	check_eq(c.lock.l_type, F_RDLCK);
	check_eq(c.lock.l_whence, SEEK_SET);
	check_eq(c.lock.l_start, 10);
	check_eq(c.lock.l_len, 10);
	fs_script(t->fs, PROTO_GETLK, somebody, NULL);
	check_eq(mock_getlk(t->m, FS_FILE, &in, &out), 0);
	check_eq(out.lk.type, F_WRLCK);
	check_eq(out.lk.start, 5);
	check_eq(out.lk.end, 14);
	check_eq(out.lk.pid, 77);
	/* To the end of the file is length 0. */
	in.lk.end = INT64_MAX;
	check_eq(mock_getlk(t->m, FS_FILE, &in, &out), 0);
	fs_take(t->fs, PROTO_GETLK, &c);
	fs_take(t->fs, PROTO_GETLK, &c);
	check_eq(c.lock.l_len, 0);
}

static void on_mount(struct ops *t)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5};
	int fd = open(ops_path(t, "file"), O_RDWR);

	check(fd >= 0);
	check_eq(fcntl(fd, F_GETLK, &lock), 0);
	check_eq(lock.l_type, F_UNLCK);
	lock = (struct flock){.l_type = F_WRLCK, .l_start = 10, .l_len = 5};
	fs_script(t->fs, PROTO_GETLK, somebody, NULL);
	check_eq(fcntl(fd, F_GETLK, &lock), 0);
	check_eq(lock.l_type, F_WRLCK);
	check_eq(lock.l_start, 5);
	check_eq(lock.l_len, 10);
	fs_script_error(t->fs, PROTO_GETLK, ENOLCK);
	check_errno(fcntl(fd, F_GETLK, &lock), ENOLCK);
	close(fd);
}

OPS_TEST(.op = PROTO_GETLK, .mock = on_mock, .mount = on_mount)
