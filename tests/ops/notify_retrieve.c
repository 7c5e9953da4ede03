/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

/* The question; what becomes of the answer is in notify_reply.c. */
static void on_mock(struct ops *t)
{
	struct fuse_notify_retrieve_out out[2];
	struct mock_notify n;

	for (int i = 0; i < 2; i++) {
		check_eq(fuse_lowlevel_notify_retrieve(t->se, FS_FILE, 100, 4096, NULL), 0);
		check(mock_next_notify(t->m, &n));
		check_eq(n.code, FUSE_NOTIFY_RETRIEVE);
		check_eq(n.len, sizeof(out[i]));
		memcpy(&out[i], n.body, sizeof(out[i]));
		mock_notify_free(&n);
	}
	check(out[0].notify_unique != out[1].notify_unique);
	/* Out of order, and one of them never. */
	check_eq(mock_retrieve_reply(t->m, out[1].notify_unique, FS_FILE, 4096, "", 0), 0);
	check_eq(mock_access(t->m, 1, 0), 0);
}

static void on_mount(struct ops *t)
{
	struct fs_call c;
	struct stat st;

	check_eq(stat(ops_path(t, "file"), &st), 0);
	/* Known but not cached: an answer without data. */
	check_eq(fuse_lowlevel_notify_retrieve(t->se, FS_FILE, 100, 0, (void *)1), 0);
	fs_take(t->fs, PROTO_NOTIFY_REPLY, &c);
	check_eq(c.number, 1);
	check_eq(c.data_len, 0);
}

OPS_TEST(.notify = FUSE_NOTIFY_RETRIEVE, .mock = on_mock, .mount = on_mount, .special = true)
