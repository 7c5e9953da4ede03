/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_release_in in = {.fh = 7,
				     .flags = O_RDWR,
				     .lock_owner = 99,
				     .release_flags = FUSE_RELEASE_FLOCK_UNLOCK};
	struct mock_call call = {.op = PROTO_RELEASE, .nodeid = FS_FILE, .in = &in};
	struct fs_call c;

	check_eq(mock_release(t->m, FS_FILE, 7, O_RDWR), 0);
	fs_take(t->fs, PROTO_RELEASE, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.fi.flags, O_RDWR);
	check_eq(c.fi.flock_release, 0);
	check_eq(mock_call_into(t->m, &call, NULL, 0), 0);
	fs_take(t->fs, PROTO_RELEASE, &c);
	check_eq(c.fi.flock_release, 1);
	check_eq(c.fi.lock_owner, 99);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct fs_call c;

	check(fd >= 0);
	check_eq(close(fd), 0);
	fs_take(t->fs, PROTO_RELEASE, &c);
	check_eq(c.ino, FS_FILE);
	check(c.fi.fh >= FS_FH);
	check_eq(c.fi.flags & O_ACCMODE, O_RDWR);
	check_eq(c.ctx.uid, 0);
	check_eq(c.ctx.pid, 0);
	/* Its error is nobody's. */
	fs_script_error(t->fs, PROTO_RELEASE, EIO);
	fd = open(ops_path(t, "file"), O_RDWR);
	check_eq(close(fd), 0);
	fs_take(t->fs, PROTO_RELEASE, &c);
}

OPS_TEST(.op = PROTO_RELEASE, .mock = on_mock, .mount = on_mount)
