/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;
	char longest[1025];

	check_eq(mock_lookup(t->m, 1, "file", &e), 0);
	fs_take(t->fs, PROTO_LOOKUP, &c);
	check_eq(c.ino, 1);
	check_str(c.name, "file");
	check_eq(e.nodeid, FS_FILE);
	check_eq(e.generation, 1);
	check_eq(e.attr.mode, S_IFREG | 0644);
	check_eq(e.attr.size, FS_SIZE);
	check_eq(e.attr.mtime, 1000000000);
	check_eq(e.attr.mtimensec, 5);
	check_eq(mock_lookup(t->m, 1, "nothing", &e), -ENOENT);

	memset(longest, 'n', 1024);
	longest[1024] = '\0';
	check_eq(mock_lookup(t->m, FS_DIR, longest, &e), -ENOENT);
	fs_take(t->fs, PROTO_LOOKUP, &c);
	fs_take(t->fs, PROTO_LOOKUP, &c);
	check_eq(c.ino, FS_DIR);
	check_str(c.name, longest);

	check_eq(mock_lookups(t->m, FS_FILE), 1);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;
	struct stat st;

	check_eq(stat(ops_path(t, "file"), &st), 0);
	check_eq(st.st_ino, FS_FILE);
	check_eq(st.st_size, FS_SIZE);
	check_eq(st.st_mtim.tv_nsec, 5);
	fs_take(t->fs, PROTO_LOOKUP, &c);
	check_eq(c.ino, 1);
	check_str(c.name, "file");
	check_eq(c.ctx.uid, geteuid());
	check_eq(c.ctx.pid, gettid());
	check_errno(stat(ops_path(t, "nothing"), &st), ENOENT);
	/* For a name that the kernel does not have; one that it has, it looks
	 * up once more after an error. */
	fs_script_error(t->fs, PROTO_LOOKUP, EACCES);
	check_errno(stat(ops_path(t, "dir"), &st), EACCES);
	/* Not remembered by the kernel. */
	fs_script_error(t->fs, PROTO_LOOKUP, ENOSYS);
	check_errno(stat(ops_path(t, "dir"), &st), ENOSYS);
	check_eq(stat(ops_path(t, "dir"), &st), 0);
}

OPS_TEST(.op = PROTO_LOOKUP, .mock = on_mock, .mount = on_mount)
