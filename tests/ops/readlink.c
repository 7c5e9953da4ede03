/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void longest(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	char target[4096];

	memset(target, 'l', 4095);
	target[4095] = '\0';
	check_eq(fuse_reply_readlink(c->req, target), 0);
}

static void on_mock(struct ops *t)
{
	struct fs_call c;
	char buf[4097];

	check_eq(mock_readlink(t->m, FS_LINK, buf, sizeof(buf)), 0);
	check_str(buf, "file");
	fs_take(t->fs, PROTO_READLINK, &c);
	check_eq(c.ino, FS_LINK);
	fs_script(t->fs, PROTO_READLINK, longest, NULL);
	check_eq(mock_readlink(t->m, FS_LINK, buf, sizeof(buf)), 0);
	check_eq(strlen(buf), 4095);
}

static void on_mount(struct ops *t)
{
	char buf[8192] = "";

	check_eq(readlink(ops_path(t, "link"), buf, sizeof(buf)), 4);
	check_str(buf, "file");
	check_eq(access(ops_path(t, "link"), F_OK), 0);
	fs_script(t->fs, PROTO_READLINK, longest, NULL);
	check_eq(readlink(ops_path(t, "link"), buf, sizeof(buf)), 4095);
	fs_script_error(t->fs, PROTO_READLINK, ELOOP);
	check_errno(readlink(ops_path(t, "link"), buf, sizeof(buf)), ELOOP);
	fs_script_error(t->fs, PROTO_READLINK, ENOSYS);
	check_errno(readlink(ops_path(t, "link"), buf, sizeof(buf)), ENOSYS);
	check_eq(readlink(ops_path(t, "link"), buf, sizeof(buf)), 4);
}

OPS_TEST(.op = PROTO_READLINK, .mock = on_mock, .mount = on_mount)
