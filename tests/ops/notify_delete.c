/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_notify_delete_out out;
	struct mock_notify n;

	check_eq(fuse_lowlevel_notify_delete(t->se, FS_DIR, FS_FILE, "names", 4), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_DELETE);
	check_eq(n.len, sizeof(out) + 5);
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.parent, FS_DIR);
	check_eq(out.child, FS_FILE);
	check_eq(out.namelen, 4);
	check_str((char *)n.body + sizeof(out), "name");
	mock_notify_free(&n);
}

static void on_mount(struct ops *t)
{
	struct stat st;
	/* Held open, so that the kernel has the name. */
	int fd = open(ops_path(t, "file"), O_RDONLY);

	check(fd >= 0);
	check_eq(fuse_lowlevel_notify_delete(t->se, 1, FS_FILE, "file", 4), 0);
	fs_script_error(t->fs, PROTO_LOOKUP, ENOENT);
	check_errno(stat(ops_path(t, "file"), &st), ENOENT);
	check_eq(stat(ops_path(t, "dir"), &st), 0);
	check_eq(fuse_lowlevel_notify_delete(t->se, 1, FS_LINK, "dir", 3), -ENOENT);
	close(fd);
}

OPS_TEST(.notify = FUSE_NOTIFY_DELETE, .mock = on_mock, .mount = on_mount, .special = true)
