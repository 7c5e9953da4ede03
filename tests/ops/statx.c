/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_statx_in in = {.getattr_flags = FUSE_GETATTR_FH, .fh = 7, .sx_mask = 0xfff};
	struct fuse_statx_out out;
	struct fs_call c;

	check_eq(mock_statx(t->m, FS_FILE, &in, &out), 0);
	check_eq(out.stat.mode, S_IFREG | 0644);
	check_eq(out.stat.size, FS_SIZE);
	check_eq(out.stat.btime.tv_sec, 123456789);
	check_eq(out.stat.btime.tv_nsec, 5);
	check_eq(out.stat.mask & STATX_BTIME, STATX_BTIME);
	fs_take(t->fs, PROTO_STATX, &c);
	check_eq(c.ino, FS_FILE);
	check(c.has_fi);
	check_eq(c.fi.fh, 7);
	check_eq(c.cmd, 0xfff);
}

static void on_mount(struct ops *t)
{
	struct statx stx;
	struct fs_call c;

	check_eq(statx(AT_FDCWD, ops_path(t, "file"), 0, STATX_BASIC_STATS | STATX_BTIME, &stx), 0);
	check(stx.stx_mask & STATX_BTIME);
	check_eq(stx.stx_btime.tv_sec, 123456789);
	check_eq(stx.stx_size, FS_SIZE);
	fs_take(t->fs, PROTO_STATX, &c);
	check_eq(c.ino, FS_FILE);
	fs_script_error(t->fs, PROTO_STATX, EIO);
	check_errno(statx(AT_FDCWD, ops_path(t, "file"), 0, STATX_BTIME, &stx), EIO);
	/* Remembered: GETATTR instead, which knows no birth time. */
	fs_script_error(t->fs, PROTO_STATX, ENOSYS);
	check_eq(statx(AT_FDCWD, ops_path(t, "file"), 0, STATX_BASIC_STATS | STATX_BTIME, &stx), 0);
	check(!(stx.stx_mask & STATX_BTIME));
	fs_forget_calls(t->fs);
	check_eq(statx(AT_FDCWD, ops_path(t, "file"), 0, STATX_BASIC_STATS | STATX_BTIME, &stx), 0);
	check_eq(fs_count(t->fs, PROTO_STATX), 0);
	check(fs_count(t->fs, PROTO_GETATTR) > 0);
}

OPS_TEST(.op = PROTO_STATX, .mock = on_mock, .mount = on_mount)
