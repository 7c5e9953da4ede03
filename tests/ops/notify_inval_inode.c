/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static void on_mock(struct ops *t)
{
	struct fuse_notify_inval_inode_out out;
	struct mock_notify n;

	check_eq(fuse_lowlevel_notify_inval_inode(t->se, FS_FILE, -1, 0), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_INVAL_INODE);
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.ino, FS_FILE);
	check_eq(out.off, -1);
	check_eq(out.len, 0);
	mock_notify_free(&n);
	check_eq(profuse_notify_queue_inval_inode(t->se, FS_FILE, 10, 20), 0);
	check_eq(profuse_notify_flush(t->se, 10000), 0);
	check(mock_next_notify(t->m, &n));
	memcpy(&out, n.body, sizeof(out));
	check_eq(out.off, 10);
	check_eq(out.len, 20);
	mock_notify_free(&n);
}

static void keep(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct fuse_file_info fi = c->fi;

	fi.keep_cache = 1;
	check_eq(fuse_reply_open(c->req, &fi), 0);
}

static size_t reads_of(struct ops *t)
{
	char byte;
	int fd;

	fs_forget_calls(t->fs);
	fs_script(t->fs, PROTO_OPEN, keep, NULL);
	fd = open(ops_path(t, "file"), O_RDONLY);
	check(fd >= 0);
	check_eq(pread(fd, &byte, 1, 0), 1);
	close(fd);
	return fs_count(t->fs, PROTO_READ);
}

static void on_mount(struct ops *t)
{
	check(reads_of(t) > 0);
	check_eq(reads_of(t), 0); /* from the page cache */
	check_eq(fuse_lowlevel_notify_inval_inode(t->se, FS_FILE, 0, 0), 0);
	check(reads_of(t) > 0);
	check_eq(fuse_lowlevel_notify_inval_inode(t->se, 999, 0, 0), -ENOENT);
}

/* Data that the file's change would drop must not be dropped for that. */
static void without_auto(struct fuse_conn_info *conn)
{
	fuse_unset_feature_flag(conn, FUSE_CAP_AUTO_INVAL_DATA);
}

OPS_TEST(.notify = FUSE_NOTIFY_INVAL_INODE, .mock = on_mock, .mount = on_mount, .special = true,
	 .init = without_auto)
