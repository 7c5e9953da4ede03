/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <dirent.h>

static void on_mock(struct ops *t)
{
	struct fuse_open_out o;
	struct fs_call c;

	check_eq(mock_opendir(t->m, FS_DIR, &o), 0);
	check_eq(o.fh, FS_FH);
	fs_take(t->fs, PROTO_OPENDIR, &c);
	check_eq(c.ino, FS_DIR);
	check_eq(mock_open_handles(t->m), 1);
	check_eq(mock_releasedir(t->m, FS_DIR, o.fh), 0);
}

static void on_mount(struct ops *t)
{
	DIR *d = opendir(ops_path(t, "dir"));
	struct fs_call c;

	check(d != NULL);
	closedir(d);
	fs_take(t->fs, PROTO_OPENDIR, &c);
	check_eq(c.ino, FS_DIR);
	fs_script_error(t->fs, PROTO_OPENDIR, EACCES);
	check(opendir(ops_path(t, "dir")) == NULL && errno == EACCES);
	/* Remembered: listed without being opened. */
	fs_script_error(t->fs, PROTO_OPENDIR, ENOSYS);
	d = opendir(t->mnt);
	check(d != NULL);
	closedir(d);
	fs_forget_calls(t->fs);
	d = opendir(t->mnt);
	check(d != NULL);
	check(readdir(d) != NULL);
	closedir(d);
	check_eq(fs_count(t->fs, PROTO_OPENDIR), 0);
	check_eq(fs_count(t->fs, PROTO_RELEASEDIR), 0);
}

OPS_TEST(.op = PROTO_OPENDIR, .mock = on_mock, .mount = on_mount)
