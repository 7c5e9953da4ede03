/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_releasedir(t->m, FS_DIR, 7), 0);
	fs_take(t->fs, PROTO_RELEASEDIR, &c);
	check_eq(c.ino, FS_DIR);
	check_eq(c.fi.fh, 7);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "dir"), O_RDONLY | O_DIRECTORY);
	struct fs_call c;

	check(fd >= 0);
	check_eq(close(fd), 0);
	fs_take(t->fs, PROTO_RELEASEDIR, &c);
	check_eq(c.ino, FS_DIR);
	check(c.fi.fh >= FS_FH);
}

OPS_TEST(.op = PROTO_RELEASEDIR, .mock = on_mock, .mount = on_mount)
