/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_attr_out a;
	struct fs_call c;
	uint64_t fh = 77;

	check_eq(mock_getattr(t->m, FS_FILE, NULL, &a), 0);
	check_eq(a.attr.ino, FS_FILE);
	check_eq(a.attr.mode, S_IFREG | 0644);
	check_eq(a.attr.size, FS_SIZE);
	check_eq(a.attr.blksize, mock_conn(t->m)->minor < 9 ? 0 : 4096);
	check_eq(a.attr_valid, 0);
	fs_take(t->fs, PROTO_GETATTR, &c);
	check_eq(c.ino, FS_FILE);
	check(!c.has_fi);
	check_eq(mock_getattr(t->m, FS_FILE, &fh, &a), 0);
	fs_take(t->fs, PROTO_GETATTR, &c);
	/* 7.8 has no room for a handle in this request. */
	check_eq(c.has_fi, mock_conn(t->m)->minor >= 9);
	check_eq(c.fi.fh, mock_conn(t->m)->minor >= 9 ? 77 : 0);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;
	struct stat st;

	check_eq(stat(t->mnt, &st), 0);
	check_eq(st.st_mode, S_IFDIR | 0755);
	fs_take(t->fs, PROTO_GETATTR, &c);
	check_eq(c.ino, 1);
	fs_script_error(t->fs, PROTO_GETATTR, EIO);
	check_errno(stat(t->mnt, &st), EIO);
	fs_script_error(t->fs, PROTO_GETATTR, ENOSYS);
	check_errno(stat(t->mnt, &st), ENOSYS);
	check_eq(stat(t->mnt, &st), 0);
}

OPS_TEST(.op = PROTO_GETATTR, .mock = on_mock, .mount = on_mount)
