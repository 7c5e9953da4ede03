/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;

	check_eq(mock_link(t->m, FS_FILE, FS_DIR, "new", &e), 0);
	check_eq(e.nodeid, FS_FILE);
	fs_take(t->fs, PROTO_LINK, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.ino2, FS_DIR);
	check_str(c.name, "new");
	check_eq(mock_lookups(t->m, FS_FILE), 1);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	check_eq(link(ops_path(t, "file"), ops_path(t, "dir/new")), 0);
	fs_take(t->fs, PROTO_LINK, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.ino2, FS_DIR);
	check_str(c.name, "new");
	fs_script_error(t->fs, PROTO_LINK, EMLINK);
	check_errno(link(ops_path(t, "file"), ops_path(t, "new")), EMLINK);
	/* Remembered: EPERM from now on. */
	fs_script_error(t->fs, PROTO_LINK, ENOSYS);
	check_errno(link(ops_path(t, "file"), ops_path(t, "new")), EPERM);
	fs_forget_calls(t->fs);
	check_errno(link(ops_path(t, "file"), ops_path(t, "new")), EPERM);
	check_eq(fs_count(t->fs, PROTO_LINK), 0);
}

OPS_TEST(.op = PROTO_LINK, .mock = on_mock, .mount = on_mount)
