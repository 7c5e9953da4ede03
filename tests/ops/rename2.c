/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_rename(t->m, 1, "file", FS_DIR, "new", RENAME_NOREPLACE), 0);
	fs_take(t->fs, PROTO_RENAME2, &c);
	check_eq(c.ino, 1);
	check_eq(c.ino2, FS_DIR);
	check_str(c.name, "file");
	check_str(c.name2, "new");
	check_eq(c.flags, RENAME_NOREPLACE);
	check_eq(mock_rename(t->m, 1, "a", 1, "b", RENAME_EXCHANGE), 0);
	fs_take(t->fs, PROTO_RENAME2, &c);
	check_eq(c.flags, RENAME_EXCHANGE);
}

static int exchange(struct ops *t)
{
	return renameat2(AT_FDCWD, ops_path(t, "file"), AT_FDCWD, ops_path(t, "dir"),
			 RENAME_EXCHANGE);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	check_eq(renameat2(AT_FDCWD, ops_path(t, "file"), AT_FDCWD, ops_path(t, "new"),
			   RENAME_NOREPLACE),
		 0);
	fs_take(t->fs, PROTO_RENAME2, &c);
	check_eq(c.flags, RENAME_NOREPLACE);
	check_str(c.name2, "new");
	check_eq(rename(ops_path(t, "new"), ops_path(t, "file")), 0);
	fs_script_error(t->fs, PROTO_RENAME2, EBUSY);
	check_errno(exchange(t), EBUSY);
	/* Remembered: flags are not supported from now on. */
	fs_script_error(t->fs, PROTO_RENAME2, ENOSYS);
	check_errno(exchange(t), EINVAL);
	fs_forget_calls(t->fs);
	check_errno(exchange(t), EINVAL);
	check_eq(fs_count(t->fs, PROTO_RENAME2), 0);
}

OPS_TEST(.op = PROTO_RENAME2, .mock = on_mock, .mount = on_mount)
