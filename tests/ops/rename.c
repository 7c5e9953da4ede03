/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;

	check_eq(mock_rename(t->m, 1, "file", FS_DIR, "new", 0), 0);
	fs_take(t->fs, PROTO_RENAME, &c);
	check_eq(c.ino, 1);
	check_eq(c.ino2, FS_DIR);
	check_str(c.name, "file");
	check_str(c.name2, "new");
	check_eq(c.flags, 0);
	check_eq(mock_lookup(t->m, FS_DIR, "new", &e), 0);
	check_eq(e.nodeid, FS_FILE);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	check_eq(rename(ops_path(t, "file"), ops_path(t, "dir/new")), 0);
	fs_take(t->fs, PROTO_RENAME, &c);
	check_eq(c.ino, 1);
	check_eq(c.ino2, FS_DIR);
	check_str(c.name, "file");
	check_str(c.name2, "new");
	fs_script_error(t->fs, PROTO_RENAME, EXDEV);
	check_errno(rename(ops_path(t, "dir/new"), ops_path(t, "file")), EXDEV);
	fs_script_error(t->fs, PROTO_RENAME, ENOSYS);
	check_errno(rename(ops_path(t, "dir/new"), ops_path(t, "file")), ENOSYS);
	check_eq(rename(ops_path(t, "dir/new"), ops_path(t, "file")), 0);
}

OPS_TEST(.op = PROTO_RENAME, .mock = on_mock, .mount = on_mount)
