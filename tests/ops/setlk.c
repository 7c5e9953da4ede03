/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/file.h>

static void on_mock(struct ops *t)
{
	struct fuse_lk_in in = {
		.fh = 7, .owner = 99, .lk = {.start = 10, .end = 19, .type = F_WRLCK, .pid = 3}};
	struct fs_call c;

	check_eq(mock_setlk(t->m, FS_FILE, &in, false), 0);
	fs_take(t->fs, PROTO_SETLK, &c);
	check_eq(c.fi.fh, 7);
	check_eq(c.fi.lock_owner, 99);
	check_eq(c.lock.l_type, F_WRLCK);
	check_eq(c.lock.l_start, 10);
	check_eq(c.lock.l_len, 10);
	check_eq(c.lock.l_pid, 3);
	check_str(c.name, "");
	if (mock_conn(t->m)->minor < 9)
		return; /* no room for the flag below */
	in.lk_flags = FUSE_LK_FLOCK;
	in.lk = (struct fuse_file_lock){.end = INT64_MAX, .type = F_RDLCK};
	check_eq(mock_setlk(t->m, FS_FILE, &in, false), 0);
	fs_take(t->fs, PROTO_SETLK, &c);
	check_str(c.name, "flock");
	check_eq(c.flags, LOCK_SH | LOCK_NB);
}

static void on_mount(struct ops *t)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5};
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct fs_call c;

	check(fd >= 0);
	check_eq(fcntl(fd, F_SETLK, &lock), 0);
	fs_take(t->fs, PROTO_SETLK, &c);
	check_eq(c.lock.l_type, F_WRLCK);
	check_eq(c.lock.l_start, 10);
	check_eq(c.lock.l_len, 5);
	fs_script_error(t->fs, PROTO_SETLK, EAGAIN);
	check_errno(fcntl(fd, F_SETLK, &lock), EAGAIN);
	check_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	fs_take(t->fs, PROTO_SETLK, &c);
	fs_take(t->fs, PROTO_SETLK, &c);
	check_str(c.name, "flock");
	check_eq(c.flags, LOCK_EX | LOCK_NB);
	check_eq(flock(fd, LOCK_UN), 0);
	close(fd);
}

OPS_TEST(.op = PROTO_SETLK, .mock = on_mock, .mount = on_mount)
