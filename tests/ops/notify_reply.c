/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_notify_retrieve_out out;
	struct mock_notify n;
	struct fs_call c;

	check_eq(fuse_lowlevel_notify_retrieve(t->se, FS_FILE, 100, 4096, (void *)0x77), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_RETRIEVE);
	memcpy(&out, n.body, sizeof(out));
	mock_notify_free(&n);
	check_eq(out.nodeid, FS_FILE);
	check_eq(out.offset, 4096);
	check_eq(out.size, 100);
	/* Even, not zero: on a ring it doubles as the request's name. */
	check(out.notify_unique != 0 && out.notify_unique % 2 == 0);
	check_eq(mock_retrieve_reply(t->m, out.notify_unique, FS_FILE, 4096, "cached", 6), 0);
	fs_take(t->fs, PROTO_NOTIFY_REPLY, &c);
	check_eq(c.number, 0x77);
	check_eq(c.ino, FS_FILE);
	check_eq(c.off, 4096);
	check_eq(c.data_len, 6);
	check(memcmp(c.data, "cached", 6) == 0);
	/* A second answer, and one to nothing, reach no callback. */
	check_eq(mock_retrieve_reply(t->m, out.notify_unique, FS_FILE, 0, "again", 5), 0);
	check_eq(mock_retrieve_reply(t->m, 1ULL << 40, FS_FILE, 0, "what", 4), 0);
	check_eq(mock_access(t->m, 1, 0), 0);
	check_eq(mock_access(t->m, 1, 0), 0);
	check_eq(fs_count(t->fs, PROTO_NOTIFY_REPLY), 0);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY);
	char buf[4096];
	struct fs_call c;

	check(fd >= 0);
	check_eq(read(fd, buf, sizeof(buf)), 4096);
	check_eq(fuse_lowlevel_notify_retrieve(t->se, FS_FILE, 100, 26, (void *)0x77), 0);
	fs_take(t->fs, PROTO_NOTIFY_REPLY, &c);
	check_eq(c.number, 0x77);
	check_eq(c.data_len, 100);
	check(memcmp(c.data, "abcdefghijklmnopqrstuvwxyzab", 28) == 0);
	check_eq(fuse_lowlevel_notify_retrieve(t->se, 999, 100, 0, NULL), -ENOENT);
	close(fd);
}

OPS_TEST(.op = PROTO_NOTIFY_REPLY, .mock = on_mock, .mount = on_mount, .special = true)
