/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_notify_inval_entry_out out;
	struct mock_notify n;

	check_eq(fuse_lowlevel_notify_inval_entry(t->se, FS_DIR, "names", 4), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_INVAL_ENTRY);
	check_eq(n.len, sizeof(out) + 5);
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.parent, FS_DIR);
	check_eq(out.namelen, 4);
	check_eq(out.flags, 0);
	check_str((char *)n.body + sizeof(out), "name");
	mock_notify_free(&n);
	if (!(mock_conn(t->m)->flags & FUSE_INIT_FLAG(HAS_EXPIRE_ONLY)) &&
	    mock_conn(t->m)->minor < 38) {
		check_eq(fuse_lowlevel_notify_expire_entry(t->se, FS_DIR, "name", 4), -ENOSYS);
		return;
	}
	check_eq(fuse_lowlevel_notify_expire_entry(t->se, FS_DIR, "name", 4), 0);
	check(mock_next_notify(t->m, &n));
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.flags, FUSE_EXPIRE_ONLY);
	mock_notify_free(&n);
}

/* An entry that the kernel may keep for an hour. */
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
	for (int expire = 0; expire < 2; expire++) {
		fs_script(t->fs, PROTO_LOOKUP, lasting, NULL);
		check_eq(lookups(t), 1);
		check_eq(lookups(t), 0);
		if (expire)
			check_eq(fuse_lowlevel_notify_expire_entry(t->se, 1, "file", 4), 0);
		else
			check_eq(fuse_lowlevel_notify_inval_entry(t->se, 1, "file", 4), 0);
		check_eq(lookups(t), 1);
	}
	check_eq(fuse_lowlevel_notify_inval_entry(t->se, 1, "unknown", 7), -ENOENT);
}

OPS_TEST(.notify = FUSE_NOTIFY_INVAL_ENTRY, .mock = on_mock, .mount = on_mount, .special = true)
