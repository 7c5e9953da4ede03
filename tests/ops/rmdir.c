/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;

	check_eq(mock_rmdir(t->m, 1, "dir"), 0);
	fs_take(t->fs, PROTO_RMDIR, &c);
	check_eq(c.ino, 1);
	check_str(c.name, "dir");
	check_eq(mock_lookup(t->m, 1, "dir", &e), -ENOENT);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	fs_script_error(t->fs, PROTO_RMDIR, EBUSY);
	check_errno(rmdir(ops_path(t, "dir")), EBUSY);
	fs_script_error(t->fs, PROTO_RMDIR, ENOSYS);
	check_errno(rmdir(ops_path(t, "dir")), ENOSYS);
	fs_forget_calls(t->fs);
	check_eq(rmdir(ops_path(t, "dir")), 0);
	fs_take(t->fs, PROTO_RMDIR, &c);
	check_eq(c.ino, 1);
	check_str(c.name, "dir");
	check_errno(rmdir(ops_path(t, "dir")), ENOENT);
}

OPS_TEST(.op = PROTO_RMDIR, .mock = on_mock, .mount = on_mount)
