/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static int store(struct ops *t, fuse_ino_t ino, off_t off, const char *data, size_t len)
{
	struct fuse_bufvec v = FUSE_BUFVEC_INIT(len);

	v.buf[0].mem = (void *)(uintptr_t)data;
	return fuse_lowlevel_notify_store(t->se, ino, off, &v, 0);
}

static void on_mock(struct ops *t)
{
	struct fuse_notify_store_out out;
	struct mock_notify n;

	check_eq(store(t, FS_FILE, 4096, "stored", 6), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_STORE);
	check_eq(n.len, sizeof(out) + 6);
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.nodeid, FS_FILE);
	check_eq(out.offset, 4096);
	check_eq(out.size, 6);
	check(memcmp(n.body + sizeof(out), "stored", 6) == 0);
	mock_notify_free(&n);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY);
	char data[4096], buf[4096];

	check(fd >= 0);
	memset(data, 'S', sizeof(data));
	check_eq(store(t, FS_FILE, 0, data, sizeof(data)), 0);
	check_eq(pread(fd, buf, sizeof(buf), 0), 4096);
	check(memcmp(buf, data, sizeof(buf)) == 0);
	check_eq(store(t, 999, 0, data, sizeof(data)), -ENOENT);
	close(fd);
}

OPS_TEST(.notify = FUSE_NOTIFY_STORE, .mock = on_mock, .mount = on_mount, .special = true)
