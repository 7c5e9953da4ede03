/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_fsync(t->m, FS_FILE, 7, false), 0);
	fs_take(t->fs, PROTO_FSYNC, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.flags, 0);
	check_eq(mock_fsync(t->m, FS_FILE, 7, true), 0);
	fs_take(t->fs, PROTO_FSYNC, &c);
	check(c.flags != 0);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct fs_call c;

	check(fd >= 0);
	check_eq(fsync(fd), 0);
	fs_take(t->fs, PROTO_FSYNC, &c);
	check_eq(c.ino, FS_FILE);
	check(c.fi.fh >= FS_FH);
	check_eq(c.flags, 0);
	check_eq(fdatasync(fd), 0);
	fs_take(t->fs, PROTO_FSYNC, &c);
	check(c.flags != 0);
	fs_script_error(t->fs, PROTO_FSYNC, EIO);
	check_errno(fsync(fd), EIO);
	/* Remembered as success. */
	fs_script_error(t->fs, PROTO_FSYNC, ENOSYS);
	check_eq(fsync(fd), 0);
	fs_forget_calls(t->fs);
	check_eq(fsync(fd), 0);
	check_eq(fs_count(t->fs, PROTO_FSYNC), 0);
	close(fd);
}

OPS_TEST(.op = PROTO_FSYNC, .mock = on_mock, .mount = on_mount)
