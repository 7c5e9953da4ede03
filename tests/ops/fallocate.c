/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_fallocate(t->m, FS_FILE, 7, FALLOC_FL_KEEP_SIZE, 100, 200), 0);
	fs_take(t->fs, PROTO_FALLOCATE, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.flags, FALLOC_FL_KEEP_SIZE);
	check_eq(c.off, 100);
	check_eq(c.size, 200);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct fs_call c;

	check(fd >= 0);
	check_eq(fallocate(fd, FALLOC_FL_KEEP_SIZE, 100, 200), 0);
	fs_take(t->fs, PROTO_FALLOCATE, &c);
	check_eq(c.flags, FALLOC_FL_KEEP_SIZE);
	check_eq(c.off, 100);
	check_eq(c.size, 200);
	fs_script_error(t->fs, PROTO_FALLOCATE, ENOSPC);
	check_errno(fallocate(fd, 0, 0, 1), ENOSPC);
	/* Remembered. */
	fs_script_error(t->fs, PROTO_FALLOCATE, ENOSYS);
	check_errno(fallocate(fd, 0, 0, 1), EOPNOTSUPP);
	fs_forget_calls(t->fs);
	check_errno(fallocate(fd, 0, 0, 1), EOPNOTSUPP);
	check_eq(fs_count(t->fs, PROTO_FALLOCATE), 0);
	close(fd);
}

OPS_TEST(.op = PROTO_FALLOCATE, .mock = on_mock, .mount = on_mount)
