/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_notify_prune_out out;
	fuse_ino_t nodes[] = {FS_FILE, FS_DIR, 1ULL << 40};
	struct mock_notify n;

	check_eq(fuse_lowlevel_notify_prune(t->se, nodes, 3), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_PRUNE);
	check_eq(n.len, sizeof(out) + 24);
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.count, 3);
	check(memcmp(n.body + sizeof(out), nodes, sizeof(nodes)) == 0);
	mock_notify_free(&n);
}

static void on_mount(struct ops *t)
{
	fuse_ino_t nodes[] = {FS_FILE, 999};
	struct stat st;

	check_eq(stat(ops_path(t, "file"), &st), 0);
	check_eq(fuse_lowlevel_notify_prune(t->se, nodes, 2), 0);
	for (;;) { /* forgotten, alone or with others */
		struct fs_call c;

		if (fs_count(t->fs, PROTO_BATCH_FORGET))
			break;
		fs_take(t->fs, PROTO_FORGET, &c);
		if (c.ino == FS_FILE)
			break;
	}
}

OPS_TEST(.notify = FUSE_NOTIFY_PRUNE, .mock = on_mock, .mount = on_mount, .special = true)
