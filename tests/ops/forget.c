/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;

	check_eq(mock_lookup(t->m, 1, "file", &e), 0);
	check_eq(mock_lookup(t->m, 1, "file", &e), 0);
	check_eq(mock_forget(t->m, FS_FILE, 2), 0);
	fs_take(t->fs, PROTO_FORGET, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.number, 2);
	check_eq(mock_forget(t->m, FS_DIR, UINT64_MAX), 0);
	fs_take(t->fs, PROTO_FORGET, &c);
	check(c.number == UINT64_MAX);
	check_eq(mock_lookup(t->m, 1, "nothing", &e), -ENOENT); /* no answer came between */
}

static void on_mount(struct ops *t)
{
	struct fs_call c;
	int fd = open(ops_path(t, "new"), O_CREAT | O_RDWR, 0644);

	check(fd >= 0);
	check_eq(close(fd), 0);
	check_eq(unlink(ops_path(t, "new")), 0);
	fs_take(t->fs, PROTO_FORGET, &c);
	check(c.ino >= 10);
	check(c.number >= 1);
}

OPS_TEST(.op = PROTO_FORGET, .mock = on_mock, .mount = on_mount, .special = true)
