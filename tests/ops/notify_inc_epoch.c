/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct mock_notify n;

	check_eq(fuse_lowlevel_notify_increment_epoch(t->se), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_INC_EPOCH);
	check_eq(n.len, 0);
	mock_notify_free(&n);
}

static void lasting(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct fuse_entry_param e;

	fs_entry(fs, FS_FILE, 0, &e);
	e.entry_timeout = e.attr_timeout = 3600;
	check_eq(fuse_reply_entry(c->req, &e), 0);
}

static size_t lookups(struct ops *t)
{
	struct stat st;

	fs_forget_calls(t->fs);
	check_eq(stat(ops_path(t, "file"), &st), 0);
	return fs_count(t->fs, PROTO_LOOKUP);
}

static void on_mount(struct ops *t)
{
	fs_script(t->fs, PROTO_LOOKUP, lasting, NULL);
	check_eq(lookups(t), 1);
	check_eq(lookups(t), 0);
	check_eq(fuse_lowlevel_notify_increment_epoch(t->se), 0);
	check_eq(lookups(t), 1);
}

OPS_TEST(.notify = FUSE_NOTIFY_INC_EPOCH, .mock = on_mock, .mount = on_mount, .special = true)
