/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;

	check_eq(mock_mkdir(t->m, FS_DIR, "new", 0750, &e), 0);
	check_eq(e.attr.mode, S_IFDIR | 0750);
	check(e.nodeid >= 10);
	fs_take(t->fs, PROTO_MKDIR, &c);
	check_eq(c.ino, FS_DIR);
	check_str(c.name, "new");
	check_eq(c.mode, 0750);
	check_eq(c.ctx.umask, mock_conn(t->m)->minor >= 12 ? 022 : 0);
	check_eq(mock_lookups(t->m, e.nodeid), 1);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;
	struct stat st;

	umask(027);
	check_eq(mkdir(ops_path(t, "new"), 0777), 0);
	fs_take(t->fs, PROTO_MKDIR, &c);
	check_eq(c.mode, 0750);
	check_eq(c.ctx.umask, 027);
	check_eq(stat(ops_path(t, "new"), &st), 0);
	check_eq(st.st_mode, S_IFDIR | 0750);
	fs_script_error(t->fs, PROTO_MKDIR, EDQUOT);
	check_errno(mkdir(ops_path(t, "new2"), 0777), EDQUOT);
	fs_script_error(t->fs, PROTO_MKDIR, ENOSYS);
	check_errno(mkdir(ops_path(t, "new2"), 0777), ENOSYS);
	check_eq(mkdir(ops_path(t, "new2"), 0777), 0);
}

OPS_TEST(.op = PROTO_MKDIR, .mock = on_mock, .mount = on_mount)
