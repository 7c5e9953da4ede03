/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/xattr.h>

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_setxattr(t->m, FS_FILE, "user.name", "va\0ue", 5, XATTR_CREATE), 0);
	fs_take(t->fs, PROTO_SETXATTR, &c);
	check_eq(c.ino, FS_FILE);
	check_str(c.name, "user.name");
	check_eq(c.size, 5);
	check(memcmp(c.data, "va\0ue", 5) == 0);
	check_eq(c.flags, XATTR_CREATE);
	check_eq(mock_setxattr(t->m, FS_FILE, "user.name", "", 0, 0), 0);
	fs_take(t->fs, PROTO_SETXATTR, &c);
	check_eq(c.size, 0);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	check_eq(setxattr(ops_path(t, "file"), "user.a", "value", 5, XATTR_REPLACE), 0);
	fs_take(t->fs, PROTO_SETXATTR, &c);
	check_eq(c.ino, FS_FILE);
	check_str(c.name, "user.a");
	check(memcmp(c.data, "value", 5) == 0);
	check_eq(c.flags, XATTR_REPLACE);
	fs_script_error(t->fs, PROTO_SETXATTR, ENOSPC);
	check_errno(setxattr(ops_path(t, "file"), "user.a", "v", 1, 0), ENOSPC);
	/* Remembered. */
	fs_script_error(t->fs, PROTO_SETXATTR, ENOSYS);
	check_errno(setxattr(ops_path(t, "file"), "user.a", "v", 1, 0), EOPNOTSUPP);
	fs_forget_calls(t->fs);
	check_errno(setxattr(ops_path(t, "file"), "user.a", "v", 1, 0), EOPNOTSUPP);
	check_eq(fs_count(t->fs, PROTO_SETXATTR), 0);
}

OPS_TEST(.op = PROTO_SETXATTR, .mock = on_mock, .mount = on_mount)
