/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/xattr.h>

static void on_mock(struct ops *t)
{
	struct fs_call c;
	char buf[100];

	check_eq(mock_getxattr(t->m, FS_FILE, "user.a", NULL, 0), 5);
	fs_take(t->fs, PROTO_GETXATTR, &c);
	check_eq(c.ino, FS_FILE);
	check_str(c.name, "user.a");
	check_eq(c.size, 0);
	check_eq(mock_getxattr(t->m, FS_FILE, "user.a", buf, 100), 5);
	check(memcmp(buf, "value", 5) == 0);
	check_eq(mock_getxattr(t->m, FS_FILE, "user.a", buf, 4), -ERANGE);
	check_eq(mock_getxattr(t->m, FS_FILE, "security.x", buf, 100), -ENODATA);
}

static void on_mount(struct ops *t)
{
	char buf[100];

	check_eq(getxattr(ops_path(t, "file"), "user.a", NULL, 0), 5);
	check_eq(getxattr(ops_path(t, "file"), "user.a", buf, sizeof(buf)), 5);
	check(memcmp(buf, "value", 5) == 0);
	check_errno(getxattr(ops_path(t, "file"), "user.a", buf, 4), ERANGE);
	fs_script_error(t->fs, PROTO_GETXATTR, ENODATA);
	check_errno(getxattr(ops_path(t, "file"), "user.b", buf, 4), ENODATA);
	/* Remembered. */
	fs_script_error(t->fs, PROTO_GETXATTR, ENOSYS);
	check_errno(getxattr(ops_path(t, "file"), "user.a", buf, 4), EOPNOTSUPP);
	fs_forget_calls(t->fs);
	check_errno(getxattr(ops_path(t, "file"), "user.a", buf, 4), EOPNOTSUPP);
	check_eq(fs_count(t->fs, PROTO_GETXATTR), 0);
}

OPS_TEST(.op = PROTO_GETXATTR, .mock = on_mock, .mount = on_mount)
