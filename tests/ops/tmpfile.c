/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	struct fs_call c;

	check_eq(mock_tmpfile(t->m, FS_DIR, O_RDWR, S_IFREG | 0600, &e, &o), 0);
	check_eq(e.attr.mode, S_IFREG | 0600);
	fs_take(t->fs, PROTO_TMPFILE, &c);
	check_eq(c.ino, FS_DIR);
	check_eq(c.mode, S_IFREG | 0600);
	check_eq(c.fi.flags, O_RDWR);
	check_eq(c.ctx.umask, 022);
	check_eq(mock_lookups(t->m, e.nodeid), 1);
	check_eq(mock_release(t->m, e.nodeid, o.fh, 0), 0);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	int fd = open(t->mnt, O_TMPFILE | O_RDWR, 0600);
	struct fs_call c;

	check(fd >= 0);
	fs_take(t->fs, PROTO_TMPFILE, &c);
	check_eq(c.ino, 1);
	check_eq(c.mode & 07777, 0600);
	check_eq(write(fd, "x", 1), 1);
	close(fd);
	fs_script_error(t->fs, PROTO_TMPFILE, EDQUOT);
	check_errno(open(t->mnt, O_TMPFILE | O_RDWR, 0600), EDQUOT);
	/* Remembered. */
	fs_script_error(t->fs, PROTO_TMPFILE, ENOSYS);
	check_errno(open(t->mnt, O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
	fs_forget_calls(t->fs);
	check_errno(open(t->mnt, O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
	check_eq(fs_count(t->fs, PROTO_TMPFILE), 0);
}

OPS_TEST(.op = PROTO_TMPFILE, .mock = on_mock, .mount = on_mount)
