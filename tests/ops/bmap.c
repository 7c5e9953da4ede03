/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

static void on_mock(struct ops *t)
{
	struct fs_call c;
	uint64_t block;

	check_eq(mock_bmap(t->m, FS_FILE, 5, 512, &block), 0);
	check_eq(block, 105);
	fs_take(t->fs, PROTO_BMAP, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.size, 512);
	check_eq(c.number, 5);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY), block = 5;
	struct fs_call c;

	check(fd >= 0);
	check_eq(ioctl(fd, FIBMAP, &block), 0);
	check_eq(block, 105);
	fs_take(t->fs, PROTO_BMAP, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.number, 5);
	/* Remembered: block 0. */
	block = 5;
	fs_script_error(t->fs, PROTO_BMAP, ENOSYS);
	check_eq(ioctl(fd, FIBMAP, &block), 0);
	check_eq(block, 0);
	fs_forget_calls(t->fs);
	block = 5;
	check_eq(ioctl(fd, FIBMAP, &block), 0);
	check_eq(block, 0);
	check_eq(fs_count(t->fs, PROTO_BMAP), 0);
	close(fd);
}

OPS_TEST(.op = PROTO_BMAP, .mock = on_mock, .mount = on_mount, .block = true)
