/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_flush(t->m, FS_FILE, 7, 99), 0);
	fs_take(t->fs, PROTO_FLUSH, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.fi.flush, 1);
	check_eq(c.fi.lock_owner, mock_conn(t->m)->minor >= 7 ? 99 : 0);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDWR), fd2 = dup(fd);
	struct fs_call c;

	check(fd >= 0 && fd2 >= 0);
	check_eq(close(fd2), 0);
	fs_take(t->fs, PROTO_FLUSH, &c);
	check_eq(c.fi.flush, 1);
	fs_script_error(t->fs, PROTO_FLUSH, EDQUOT);
	check_errno(close(fd), EDQUOT);
	/* Remembered as success. */
	fd = open(ops_path(t, "file"), O_RDWR);
	fs_script_error(t->fs, PROTO_FLUSH, ENOSYS);
	check_eq(close(fd), 0);
	fs_forget_calls(t->fs);
	fd = open(ops_path(t, "file"), O_RDWR);
	check_eq(close(fd), 0);
	check_eq(fs_count(t->fs, PROTO_FLUSH), 0);
}

OPS_TEST(.op = PROTO_FLUSH, .mock = on_mock, .mount = on_mount)
