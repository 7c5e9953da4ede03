/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_access(t->m, FS_FILE, R_OK | X_OK), 0);
	fs_take(t->fs, PROTO_ACCESS, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.flags, R_OK | X_OK);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	check_eq(access(ops_path(t, "file"), R_OK), 0);
	fs_take(t->fs, PROTO_ACCESS, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.flags, R_OK);
	fs_script_error(t->fs, PROTO_ACCESS, EACCES);
	check_errno(access(ops_path(t, "file"), W_OK), EACCES);
	/* Remembered: everything is allowed. */
	fs_script_error(t->fs, PROTO_ACCESS, ENOSYS);
	check_eq(access(ops_path(t, "file"), W_OK), 0);
	fs_forget_calls(t->fs);
	check_eq(access(ops_path(t, "file"), W_OK), 0);
	check_eq(fs_count(t->fs, PROTO_ACCESS), 0);
}

OPS_TEST(.op = PROTO_ACCESS, .mock = on_mock, .mount = on_mount)
