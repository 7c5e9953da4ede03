/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

/* WRITE for a filesystem that takes buffers instead of bytes. */
static void on_mock(struct ops *t)
{
	struct fs_call c;

	check_eq(mock_write(t->m, FS_FILE, 7, "hello", 5, 9), 5);
	fs_take(t->fs, PROTO_WRITE, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.off, 9);
	check_eq(c.size, 5);
	check(memcmp(c.data, "hello", 5) == 0);
	check_eq(mock_write(t->m, FS_FILE, 7, "", 0, 0), 0);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_WRONLY);
	static char data[131072];
	struct fs_call c;

	memset(data, 'w', sizeof(data));
	check(fd >= 0);
	check_eq(pwrite(fd, data, sizeof(data), 0), (long long)sizeof(data));
	fs_take(t->fs, PROTO_WRITE, &c);
	check(c.size >= 4096);
	check_eq(c.data_len, c.size);
	check(memcmp(c.data, data, sizeof(c.data) < c.size ? sizeof(c.data) : c.size) == 0);
	close(fd);
}

OPS_TEST(.op = PROTO_WRITE, .mock = on_mock, .mount = on_mount, .special = true,
	 .ops = fs_ops_with_write_buf)
