/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;

	check_eq(mock_symlink(t->m, FS_DIR, "new", "some/where//else", &e), 0);
	check_eq(e.attr.mode, S_IFLNK | 0777);
	fs_take(t->fs, PROTO_SYMLINK, &c);
	check_eq(c.ino, FS_DIR);
	check_str(c.name, "new");
	check_str(c.name2, "some/where//else");
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	check_eq(symlink("a/target", ops_path(t, "new")), 0);
	fs_take(t->fs, PROTO_SYMLINK, &c);
	check_str(c.name, "new");
	check_str(c.name2, "a/target");
	fs_script_error(t->fs, PROTO_SYMLINK, EROFS);
	check_errno(symlink("x", ops_path(t, "new2")), EROFS);
	fs_script_error(t->fs, PROTO_SYMLINK, ENOSYS);
	check_errno(symlink("x", ops_path(t, "new2")), ENOSYS);
	check_eq(symlink("x", ops_path(t, "new2")), 0);
}

OPS_TEST(.op = PROTO_SYMLINK, .mock = on_mock, .mount = on_mount)
