/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fs_call c;
	uint64_t off;

	check_eq(mock_lseek(t->m, FS_FILE, 7, 100, SEEK_DATA, &off), 0);
	check_eq(off, 100);
	fs_take(t->fs, PROTO_LSEEK, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.off, 100);
	check_eq(c.flags, SEEK_DATA);
	check_eq(mock_lseek(t->m, FS_FILE, 7, 100, SEEK_HOLE, &off), 0);
	check_eq(off, FS_SIZE);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY);
	struct fs_call c;

	check(fd >= 0);
	check_eq(lseek(fd, 100, SEEK_DATA), 100);
	fs_take(t->fs, PROTO_LSEEK, &c);
	check_eq(c.off, 100);
	check_eq(c.flags, SEEK_DATA);
	check_eq(lseek(fd, 100, SEEK_HOLE), FS_SIZE);
	fs_script_error(t->fs, PROTO_LSEEK, ENXIO);
	check_errno(lseek(fd, 100, SEEK_DATA), ENXIO);
	/* Remembered: one block of data up to the size. */
	fs_script_error(t->fs, PROTO_LSEEK, ENOSYS);
	check_eq(lseek(fd, 7, SEEK_HOLE), FS_SIZE);
	fs_forget_calls(t->fs);
	check_eq(lseek(fd, 7, SEEK_DATA), 7);
	check_eq(fs_count(t->fs, PROTO_LSEEK), 0);
	close(fd);
}

OPS_TEST(.op = PROTO_LSEEK, .mock = on_mock, .mount = on_mount)
