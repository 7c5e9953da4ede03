/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

/* More than 32 bits hold. */
static void much(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	check_eq(fuse_reply_write(c->req, c->size), 0);
}

static void on_mock(struct ops *t)
{
	struct fuse_copy_file_range_in in = {.fh_in = 7,
					     .off_in = 1,
					     .nodeid_out = FS_LINK,
					     .fh_out = 8,
					     .off_out = 2,
					     .len = 0x300000000};
	struct fs_call c;

	fs_script(t->fs, PROTO_COPY_FILE_RANGE, much, NULL);
	check_eq(mock_copy_file_range(t->m, FS_FILE, &in, true), 0x300000000);
	fs_take(t->fs, PROTO_COPY_FILE_RANGE, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.off, 1);
	check_eq(c.ino2, FS_LINK);
	check_eq(c.fi2.fh, 8);
	check_eq(c.off2, 2);
	check_eq(c.size, 0x300000000);
	check_eq(c.flags, 0);
}

static void on_mount(struct ops *t)
{
	int in = open(ops_path(t, "file"), O_RDONLY),
	    out = open(ops_path(t, "new"), O_CREAT | O_RDWR, 0644);
	off_t from = 10, to = 20;
	struct fs_call c;

	check(in >= 0 && out >= 0);
	check_eq(copy_file_range(in, &from, out, &to, 100, 0), 100);
	fs_take(t->fs, PROTO_COPY_FILE_RANGE, &c);
	check_eq(c.ino, FS_FILE);
	check(c.ino2 >= 10);
	check_eq(c.off, 10);
	check_eq(c.off2, 20);
	check_eq(c.size, 100);
	check_eq(fs_seen_op(t->fs, PROTO_COPY_FILE_RANGE_64), 1);
	fs_script_error(t->fs, PROTO_COPY_FILE_RANGE, ENOSPC);
	check_errno(copy_file_range(in, &from, out, &to, 100, 0), ENOSPC);
	close(in);
	close(out);
}

OPS_TEST(.op = PROTO_COPY_FILE_RANGE_64, .mock = on_mock, .mount = on_mount)
