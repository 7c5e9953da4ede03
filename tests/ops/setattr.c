/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/time.h>

static void on_mock(struct ops *t)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE | FATTR_ATIME |
			 FATTR_MTIME | FATTR_FH,
		.fh = 9,
		.size = 1234,
		.mode = S_IFREG | 0600,
		.uid = 11,
		.gid = 12,
		.atime = 1,
		.mtime = 2,
		.atimensec = 3,
		.mtimensec = 4,
	};
	struct fuse_attr_out a;
	struct fs_call c;

	check_eq(mock_setattr(t->m, FS_FILE, &in, &a), 0);
	check_eq(a.attr.size, 1234);
	fs_take(t->fs, PROTO_SETATTR, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.flags & 0x3f, FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID |
					 FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_ATIME |
					 FUSE_SET_ATTR_MTIME);
	check(c.has_fi);
	check_eq(c.fi.fh, 9);
	check_eq(c.attr.st_mode, S_IFREG | 0600);
	check_eq(c.attr.st_uid, 11);
	check_eq(c.attr.st_gid, 12);
	check_eq(c.attr.st_size, 1234);
	check_eq(c.attr.st_atim.tv_sec, 1);
	check_eq(c.attr.st_mtim.tv_sec, 2);
	check_eq(c.attr.st_atim.tv_nsec, 3);
	check_eq(c.attr.st_mtim.tv_nsec, 4);

	in = (struct fuse_setattr_in){.valid = FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME |
					       FATTR_MTIME_NOW | FATTR_CTIME,
				      .ctime = 5};
	check_eq(mock_setattr(t->m, FS_FILE, &in, &a), 0);
	fs_take(t->fs, PROTO_SETATTR, &c);
	check(c.flags & FUSE_SET_ATTR_ATIME_NOW);
	check(c.flags & FUSE_SET_ATTR_MTIME_NOW);
	check(c.flags & FUSE_SET_ATTR_CTIME);
	check(!c.has_fi);
	check_eq(c.attr.st_ctim.tv_sec, 5);

	in = (struct fuse_setattr_in){0}; /* asks for nothing, and gets attributes */
	check_eq(mock_setattr(t->m, FS_FILE, &in, &a), 0);
	fs_take(t->fs, PROTO_SETATTR, &c);
	check_eq(c.flags, 0);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;
	struct stat st;

	check_eq(chmod(ops_path(t, "file"), 0600), 0);
	fs_take(t->fs, PROTO_SETATTR, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.flags & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_SIZE), FUSE_SET_ATTR_MODE);
	check_eq(c.attr.st_mode, S_IFREG | 0600);
	check_eq(truncate(ops_path(t, "file"), 100), 0);
	fs_take(t->fs, PROTO_SETATTR, &c);
	check(c.flags & FUSE_SET_ATTR_SIZE);
	check_eq(c.attr.st_size, 100);
	check_eq(stat(ops_path(t, "file"), &st), 0);
	check_eq(st.st_size, 100);
	check_eq(utimensat(AT_FDCWD, ops_path(t, "file"), NULL, 0), 0);
	fs_take(t->fs, PROTO_SETATTR, &c);
	check(c.flags & FUSE_SET_ATTR_MTIME_NOW);
	fs_script_error(t->fs, PROTO_SETATTR, EPERM);
	check_errno(chmod(ops_path(t, "file"), 0644), EPERM);
	fs_script_error(t->fs, PROTO_SETATTR, ENOSYS);
	check_errno(chmod(ops_path(t, "file"), 0644), ENOSYS);
	check_eq(chmod(ops_path(t, "file"), 0644), 0);
}

OPS_TEST(.op = PROTO_SETATTR, .mock = on_mock, .mount = on_mount)
