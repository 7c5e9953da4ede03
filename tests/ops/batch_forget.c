/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static const struct fuse_forget_one list[] = {{2, 1}, {3, 7}, {4, UINT64_MAX}};

static void on_mock(struct ops *t)
{
	const struct fuse_forget_data *got;
	struct fs_call c;

	check_eq(mock_batch_forget(t->m, list, 3), 0);
	fs_take(t->fs, PROTO_BATCH_FORGET, &c);
	check_eq(c.size, 3);
	got = (const void *)c.data;
	for (int i = 0; i < 3; i++) {
		check_eq(got[i].ino, list[i].nodeid);
		check(got[i].nlookup == list[i].nlookup);
	}
	check_eq(mock_batch_forget(t->m, list, 0), 0); /* nothing to forget: no callback */
	check_eq(mock_access(t->m, 1, 0), 0);
	check_eq(fs_count(t->fs, PROTO_BATCH_FORGET), 0);
}

/* The handler of STATFS makes the kernel drop three nodes. With one thread,
 * nobody reads the forgets until it is done, so they come together. */
static void prune(struct scriptfs *fs, const struct fs_call *call, void *data)
{
	struct ops *t = data;
	fuse_ino_t nodes[] = {FS_FILE, FS_DIR, FS_LINK};

	check_eq(fuse_lowlevel_notify_prune(t->se, nodes, 3), 0);
	fs_answer_default(fs, call);
}

static void on_mount(struct ops *t)
{
	struct statvfs st;
	struct stat s;
	struct fs_call c;

	if (t->threads)
		return; /* others would fetch them one by one */
	check_eq(lstat(ops_path(t, "file"), &s), 0);
	check_eq(lstat(ops_path(t, "dir"), &s), 0);
	check_eq(lstat(ops_path(t, "link"), &s), 0);
	fs_script(t->fs, PROTO_STATFS, prune, t);
	check_eq(statvfs(t->mnt, &st), 0);
	fs_take(t->fs, PROTO_BATCH_FORGET, &c);
	check(c.size >= 2);
}

OPS_TEST(.op = PROTO_BATCH_FORGET, .mock = on_mock, .mount = on_mount, .special = true)
