/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/xattr.h>

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_removexattr(t->m, FS_FILE, "user.name"), 0);
	fs_take(t->fs, PROTO_REMOVEXATTR, &c);
	check_eq(c.ino, FS_FILE);
	check_str(c.name, "user.name");
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	check_eq(removexattr(ops_path(t, "file"), "user.a"), 0);
	fs_take(t->fs, PROTO_REMOVEXATTR, &c);
	check_str(c.name, "user.a");
	fs_script_error(t->fs, PROTO_REMOVEXATTR, ENODATA);
	check_errno(removexattr(ops_path(t, "file"), "user.a"), ENODATA);
	/* Remembered. */
	fs_script_error(t->fs, PROTO_REMOVEXATTR, ENOSYS);
	check_errno(removexattr(ops_path(t, "file"), "user.a"), EOPNOTSUPP);
	fs_forget_calls(t->fs);
	check_errno(removexattr(ops_path(t, "file"), "user.a"), EOPNOTSUPP);
	check_eq(fs_count(t->fs, PROTO_REMOVEXATTR), 0);
}

OPS_TEST(.op = PROTO_REMOVEXATTR, .mock = on_mock, .mount = on_mount)
