/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void every_flag(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct fuse_file_info fi = c->fi;

	fi.fh = 0x123456789abcdef0;
	fi.direct_io = 1;
	fi.keep_cache = 1;
	fi.nonseekable = 1;
	fi.noflush = 1;
	fi.parallel_direct_writes = 1;
	check_eq(fuse_reply_open(c->req, &fi), 0);
}

static void on_mock(struct ops *t)
{
	struct fuse_open_out o;
	struct fs_call c;

	check_eq(mock_open(t->m, FS_FILE, O_RDWR | O_APPEND, &o), 0);
	check_eq(o.fh, FS_FH);
	check_eq(o.open_flags, 0);
	fs_take(t->fs, PROTO_OPEN, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.flags, O_RDWR | O_APPEND);
	check_eq(mock_release(t->m, FS_FILE, o.fh, 0), 0);
	fs_script(t->fs, PROTO_OPEN, every_flag, NULL);
	check_eq(mock_open(t->m, FS_FILE, O_RDONLY, &o), 0);
	check(o.fh == 0x123456789abcdef0);
	check_eq(o.open_flags, FOPEN_DIRECT_IO | FOPEN_KEEP_CACHE | FOPEN_NONSEEKABLE |
				       FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES);
	check_eq(mock_release(t->m, FS_FILE, o.fh, 0), 0);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct fs_call c;
	char byte;

	check(fd >= 0);
	fs_take(t->fs, PROTO_OPEN, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.flags & O_ACCMODE, O_RDWR);
	check_eq(close(fd), 0);
	fs_script_error(t->fs, PROTO_OPEN, EACCES);
	check_errno(open(ops_path(t, "file"), O_RDWR), EACCES);
	/* Remembered: open without asking, handle 0, and nothing to release. */
	fs_script_error(t->fs, PROTO_OPEN, ENOSYS);
	fd = open(ops_path(t, "file"), O_RDONLY);
	check(fd >= 0);
	close(fd);
	fs_forget_calls(t->fs);
	fd = open(ops_path(t, "file"), O_RDONLY);
	check(fd >= 0);
	check_eq(read(fd, &byte, 1), 1);
	close(fd);
	fs_take(t->fs, PROTO_READ, &c);
	check_eq(c.fi.fh, 0);
	check_eq(fs_count(t->fs, PROTO_OPEN), 0);
}

OPS_TEST(.op = PROTO_OPEN, .mock = on_mock, .mount = on_mount)
