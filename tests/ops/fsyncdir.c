/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_fsyncdir(t->m, FS_DIR, 7, false), 0);
	fs_take(t->fs, PROTO_FSYNCDIR, &c);
	check_eq(c.ino, FS_DIR);
	check_eq(c.fi.fh, 7);
	check_eq(c.flags, 0);
	check_eq(mock_fsyncdir(t->m, FS_DIR, 7, true), 0);
	fs_take(t->fs, PROTO_FSYNCDIR, &c);
	check(c.flags != 0);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "dir"), O_RDONLY | O_DIRECTORY);
	struct fs_call c;

	check(fd >= 0);
	check_eq(fsync(fd), 0);
	fs_take(t->fs, PROTO_FSYNCDIR, &c);
	check_eq(c.ino, FS_DIR);
	check(c.fi.fh >= FS_FH);
	check_eq(c.flags, 0);
	check_eq(fdatasync(fd), 0);
	fs_take(t->fs, PROTO_FSYNCDIR, &c);
	check(c.flags != 0);
	fs_script_error(t->fs, PROTO_FSYNCDIR, EIO);
	check_errno(fsync(fd), EIO);
	/* Remembered as success. */
	fs_script_error(t->fs, PROTO_FSYNCDIR, ENOSYS);
	check_eq(fsync(fd), 0);
	fs_forget_calls(t->fs);
	check_eq(fsync(fd), 0);
	check_eq(fs_count(t->fs, PROTO_FSYNCDIR), 0);
	close(fd);
}

OPS_TEST(.op = PROTO_FSYNCDIR, .mock = on_mock, .mount = on_mount)
