/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_copy_file_range_in in = {.fh_in = 7,
					     .off_in = 1,
					     .nodeid_out = FS_LINK,
					     .fh_out = 8,
					     .off_out = 2,
					     .len = 100000};
	struct fs_call c;

	check_eq(mock_copy_file_range(t->m, FS_FILE, &in, false), 100000);
	fs_take(t->fs, PROTO_COPY_FILE_RANGE, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.off, 1);
	check_eq(c.ino2, FS_LINK);
	check_eq(c.fi2.fh, 8);
	check_eq(c.off2, 2);
	check_eq(c.size, 100000);
	check_eq(c.flags, 0);
}

/* The kernel asks with the wider operation first. Told that there is none, it
 * asks with this one at once, and from then on. */
static void on_mount(struct ops *t)
{
	int in = open(ops_path(t, "file"), O_RDONLY),
	    out = open(ops_path(t, "new"), O_CREAT | O_RDWR, 0644);
	off_t from = 10, to = 20;
	struct fs_call c;

	check(in >= 0 && out >= 0);
	fs_script_error(t->fs, PROTO_COPY_FILE_RANGE, ENOSYS);
	check_eq(copy_file_range(in, &from, out, &to, 100, 0), 100);
	check(fs_seen_op(t->fs, PROTO_COPY_FILE_RANGE));
	fs_take(t->fs, PROTO_COPY_FILE_RANGE, &c);
	fs_take(t->fs, PROTO_COPY_FILE_RANGE, &c);
	check_eq(c.off, 10);
	check_eq(c.off2, 20);
	check_eq(c.size, 100);
	/* Remembered: the kernel copies by itself. */
	fs_script_error(t->fs, PROTO_COPY_FILE_RANGE, ENOSYS);
	from = to = 0;
	check_eq(copy_file_range(in, &from, out, &to, 100, 0), 100);
	check(fs_count(t->fs, PROTO_WRITE) > 0);
	fs_forget_calls(t->fs);
	check_eq(copy_file_range(in, &from, out, &to, 100, 0), 100);
	check_eq(fs_count(t->fs, PROTO_COPY_FILE_RANGE), 0);
	close(in);
	close(out);
}

OPS_TEST(.op = PROTO_COPY_FILE_RANGE, .mock = on_mock, .mount = on_mount)
