/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/sysmacros.h>

static void on_mock(struct ops *t)
{
	struct fuse_entry_out e;
	struct fs_call c;
	/* major 8, minor 0x123: the kernel's 32-bit form */
	uint32_t rdev = 0x23 | (8 << 8) | (0x100 << 12);

	check_eq(mock_mknod(t->m, FS_DIR, "new", S_IFCHR | 0600, rdev, &e), 0);
	check_eq(e.attr.mode, S_IFCHR | 0600);
	fs_take(t->fs, PROTO_MKNOD, &c);
	check_eq(c.ino, FS_DIR);
	check_str(c.name, "new");
	check_eq(c.mode, S_IFCHR | 0600);
	check_eq(major(c.rdev), 8);
	check_eq(minor(c.rdev), 0x123);
	check_eq(c.ctx.umask, mock_conn(t->m)->minor >= 12 ? 022 : 0);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;

	umask(027);
	check_eq(mkfifo(ops_path(t, "new"), 0666), 0);
	fs_take(t->fs, PROTO_MKNOD, &c);
	check_eq(c.mode, S_IFIFO | 0640);
	check_eq(c.ctx.umask, 027);
	check_eq(mknod(ops_path(t, "new2"), S_IFBLK | 0600, makedev(300, 70000)), 0);
	fs_take(t->fs, PROTO_MKNOD, &c);
	check_eq(major(c.rdev), 300);
	check_eq(minor(c.rdev), 70000);
	fs_script_error(t->fs, PROTO_MKNOD, ENOSPC);
	check_errno(mkfifo(ops_path(t, "new3"), 0666), ENOSPC);
	fs_script_error(t->fs, PROTO_MKNOD, ENOSYS);
	check_errno(mkfifo(ops_path(t, "new3"), 0666), ENOSYS);
	check_eq(mkfifo(ops_path(t, "new3"), 0666), 0);
}

OPS_TEST(.op = PROTO_MKNOD, .mock = on_mock, .mount = on_mount)
