/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_syncfs(t->m, 1), 0);
	fs_take(t->fs, PROTO_SYNCFS, &c);
	check_eq(c.ino, 1);
}

static void on_mount(struct ops *t)
{
	int fd = open(t->mnt, O_RDONLY);
	struct fs_call c;

	check(fd >= 0);
	check_eq(syncfs(fd), 0);
	fs_take(t->fs, PROTO_SYNCFS, &c);
	check_eq(c.ino, 1);
	fs_script_error(t->fs, PROTO_SYNCFS, EIO);
	check_errno(syncfs(fd), EIO);
	/* Remembered as success. */
	fs_script_error(t->fs, PROTO_SYNCFS, ENOSYS);
	check_eq(syncfs(fd), 0);
	fs_forget_calls(t->fs);
	check_eq(syncfs(fd), 0);
	check_eq(fs_count(t->fs, PROTO_SYNCFS), 0);
	close(fd);
}

OPS_TEST(.op = PROTO_SYNCFS, .mock = on_mock, .mount = on_mount, .block = true)
