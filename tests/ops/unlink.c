/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;

	check_eq(mock_unlink(t->m, 1, "file"), 0);
	fs_take(t->fs, PROTO_UNLINK, &c);
	check_eq(c.ino, 1);
	check_str(c.name, "file");
	check_eq(mock_lookup(t->m, 1, "file", &e), -ENOENT);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	fs_script_error(t->fs, PROTO_UNLINK, EBUSY);
	check_errno(unlink(ops_path(t, "file")), EBUSY);
	fs_script_error(t->fs, PROTO_UNLINK, ENOSYS);
	check_errno(unlink(ops_path(t, "file")), ENOSYS);
	fs_forget_calls(t->fs);
	check_eq(unlink(ops_path(t, "file")), 0);
	fs_take(t->fs, PROTO_UNLINK, &c);
	check_eq(c.ino, 1);
	check_str(c.name, "file");
	check_errno(unlink(ops_path(t, "file")), ENOENT);
}

OPS_TEST(.op = PROTO_UNLINK, .mock = on_mock, .mount = on_mount)
