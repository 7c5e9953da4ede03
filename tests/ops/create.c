/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	struct fs_call c;

	check_eq(
		mock_create(t->m, FS_DIR, "new", O_RDWR | O_CREAT | O_EXCL, S_IFREG | 0640, &e, &o),
		0);
	check_eq(e.attr.mode, S_IFREG | 0640);
	check_eq(o.fh, FS_FH);
	fs_take(t->fs, PROTO_CREATE, &c);
	check_eq(c.ino, FS_DIR);
	check_str(c.name, "new");
	check_eq(c.mode, S_IFREG | 0640);
	check_eq(c.fi.flags, O_RDWR | O_CREAT | O_EXCL);
	check_eq(c.ctx.umask, mock_conn(t->m)->minor >= 12 ? 022 : 0);
	check_eq(mock_lookups(t->m, e.nodeid), 1);
	check_eq(mock_open_handles(t->m), 1);
	check_eq(mock_release(t->m, e.nodeid, o.fh, 0), 0);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;
	int fd;

	umask(027);
	fd = open(ops_path(t, "new"), O_CREAT | O_RDWR | O_EXCL, 0666);
	check(fd >= 0);
	close(fd);
	fs_take(t->fs, PROTO_CREATE, &c);
	check_str(c.name, "new");
	check_eq(c.mode & 07777, 0640);
	check_eq(c.ctx.umask, 027);
	check((c.fi.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL));
	fs_script_error(t->fs, PROTO_CREATE, ENOSPC);
	check_errno(open(ops_path(t, "new2"), O_CREAT | O_RDWR, 0666), ENOSPC);
	/* Remembered: MKNOD and OPEN take its place. */
	fs_script_error(t->fs, PROTO_CREATE, ENOSYS);
	fd = open(ops_path(t, "new2"), O_CREAT | O_RDWR, 0666);
	check(fd >= 0);
	close(fd);
	fs_take(t->fs, PROTO_MKNOD, &c);
	check_eq(c.mode, S_IFREG | 0640);
	fs_forget_calls(t->fs);
	fd = open(ops_path(t, "new3"), O_CREAT | O_RDWR, 0666);
	check(fd >= 0);
	close(fd);
	check_eq(fs_count(t->fs, PROTO_CREATE), 0);
	check_eq(fs_count(t->fs, PROTO_MKNOD), 1);
}

OPS_TEST(.op = PROTO_CREATE, .mock = on_mock, .mount = on_mount)
