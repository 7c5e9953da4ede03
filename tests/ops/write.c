/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void short_write(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	check_eq(fuse_reply_write(c->req, c->size - 1), 0);
}

static void check_write(struct ops *t, const char *data, size_t size, uint64_t off)
{
	struct fs_call c;

	check_eq(mock_write(t->m, FS_FILE, 7, data, (uint32_t)size, off), (long long)size);
	fs_take(t->fs, PROTO_WRITE, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.off, (off_t)off);
	check_eq(c.size, size);
	check_eq(c.data_len, size);
	check(memcmp(c.data, data, size < sizeof(c.data) ? size : sizeof(c.data)) == 0);
}

static void on_mock(struct ops *t)
{
	uint32_t most = mock_init_out(t->m)->max_write;
	char *data = malloc(most);

	for (uint32_t i = 0; i < most; i++)
		data[i] = (char)(i * 7);
	check_write(t, "hello", 5, 4096);
	check_write(t, data, 8192, 1);
	check_write(t, data, most, 0);
	check_write(t, "", 0, 0);
	fs_script(t->fs, PROTO_WRITE, short_write, NULL);
	check_eq(mock_write(t->m, FS_FILE, 7, "hello", 5, 0), 4);
	free(data);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_WRONLY);
	struct fs_call c;

	check(fd >= 0);
	check_eq(pwrite(fd, "hello", 5, 100), 5);
	fs_take(t->fs, PROTO_WRITE, &c);
	check_eq(c.ino, FS_FILE);
	check(c.fi.fh >= FS_FH);
	check_eq(c.off, 100);
	check_eq(c.size, 5);
	check(memcmp(c.data, "hello", 5) == 0);
	check_eq(c.fi.writepage, 0);
	fs_script(t->fs, PROTO_WRITE, short_write, NULL);
	check_eq(pwrite(fd, "hello", 5, 0), 4);
	fs_script_error(t->fs, PROTO_WRITE, ENOSPC);
	check_errno(pwrite(fd, "hello", 5, 0), ENOSPC);
	fs_script_error(t->fs, PROTO_WRITE, ENOSYS);
	check_errno(pwrite(fd, "hello", 5, 0), ENOSYS);
	check_eq(pwrite(fd, "hello", 5, 0), 5);
	close(fd);
}

OPS_TEST(.op = PROTO_WRITE, .mock = on_mock, .mount = on_mount)
