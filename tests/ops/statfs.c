/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_statfs_out out;
	struct fs_call c;

	check_eq(mock_statfs(t->m, FS_DIR, &out), 0);
	check_eq(out.st.blocks, 1000);
	check_eq(out.st.bfree, 500);
	check_eq(out.st.bavail, 400);
	check_eq(out.st.files, 30);
	check_eq(out.st.ffree, 20);
	check_eq(out.st.bsize, 4096);
	check_eq(out.st.frsize, 512);
	check_eq(out.st.namelen, 255);
	fs_take(t->fs, PROTO_STATFS, &c);
	check_eq(c.ino, FS_DIR);
}

static void on_mount(struct ops *t)
{
	struct statvfs st;

	check_eq(statvfs(ops_path(t, "file"), &st), 0);
	check_eq(st.f_blocks, 1000);
	check_eq(st.f_bavail, 400);
	check_eq(st.f_bsize, 4096);
	check_eq(st.f_frsize, 512);
	check_eq(st.f_namemax, 255);
	fs_script_error(t->fs, PROTO_STATFS, EIO);
	check_errno(statvfs(t->mnt, &st), EIO);
	fs_script_error(t->fs, PROTO_STATFS, ENOSYS);
	check_errno(statvfs(t->mnt, &st), ENOSYS);
	check_eq(statvfs(t->mnt, &st), 0);
}

OPS_TEST(.op = PROTO_STATFS, .mock = on_mock, .mount = on_mount)
