/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/xattr.h>

static void on_mock(struct ops *t)
{
	struct fs_call c;
	char buf[100];

	check_eq(mock_listxattr(t->m, FS_FILE, NULL, 0), 18);
	fs_take(t->fs, PROTO_LISTXATTR, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.size, 0);
	check_eq(mock_listxattr(t->m, FS_FILE, buf, 100), 18);
	check(memcmp(buf, "user.one\0user.two", 18) == 0);
	check_eq(mock_listxattr(t->m, FS_FILE, buf, 10), -ERANGE);
}

static void on_mount(struct ops *t)
{
	char buf[100];

	check_eq(listxattr(ops_path(t, "file"), NULL, 0), 18);
	check_eq(listxattr(ops_path(t, "file"), buf, sizeof(buf)), 18);
	check(memcmp(buf, "user.one\0user.two", 18) == 0);
	check_errno(listxattr(ops_path(t, "file"), buf, 10), ERANGE);
	fs_script_error(t->fs, PROTO_LISTXATTR, EIO);
	check_errno(listxattr(ops_path(t, "file"), buf, sizeof(buf)), EIO);
	/* Remembered. */
	fs_script_error(t->fs, PROTO_LISTXATTR, ENOSYS);
	check_errno(listxattr(ops_path(t, "file"), buf, sizeof(buf)), EOPNOTSUPP);
	fs_forget_calls(t->fs);
	check_errno(listxattr(ops_path(t, "file"), buf, sizeof(buf)), EOPNOTSUPP);
	check_eq(fs_count(t->fs, PROTO_LISTXATTR), 0);
}

OPS_TEST(.op = PROTO_LISTXATTR, .mock = on_mock, .mount = on_mount)
