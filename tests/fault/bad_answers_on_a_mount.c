/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem that answers twice, not at all, with the wrong kind or too much:
 * its callers get EIO, or the first answer, the log names the operation, and
 * the mount goes on.
 */
#include "ops.h"

static void goes_on(struct ops *t)
{
	struct stat st;

	check_eq(stat(ops_path(t, "file"), &st), 0);
}

static void wrong_kinds(struct ops *t)
{
	struct statvfs sv;
	struct stat st;

	fs_script_wrong_kind(t->fs, PROTO_STATFS);
	check_errno(statvfs(t->mnt, &sv), EIO);
	check(fs_logged(t->fs, "STATFS"));
	fs_script_wrong_kind(t->fs, PROTO_GETATTR);
	check_errno(stat(t->mnt, &st), EIO);
	check(fs_logged(t->fs, "GETATTR"));
	fs_script_wrong_kind(t->fs, PROTO_ACCESS);
	check_errno(access(ops_path(t, "file"), R_OK), EIO);
	check(fs_logged(t->fs, "ACCESS"));
	goes_on(t);
}

static void too_much(struct ops *t)
{
	char buf[100];

	fs_script_too_large(t->fs, PROTO_READLINK);
	check_errno(readlink(ops_path(t, "link"), buf, sizeof(buf)), EIO);
	check(fs_logged(t->fs, "READLINK"));
	goes_on(t);
}

static void twice(struct ops *t)
{
	struct statvfs sv;

	fs_script_twice(t->fs, PROTO_STATFS);
	check_eq(statvfs(t->mnt, &sv), 0);
	for (int i = 0; !fs_logged(t->fs, "STATFS"); i++) { /* the caller is free before it */
		check(i < 20000);
		usleep(1000);
	}
	goes_on(t);
}

static void answer_root(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct fuse_entry_param e;

	fs_entry(fs, FUSE_ROOT_ID, 0, &e); /* the root is nobody's child */
	fuse_reply_entry(c->req, &e);
}

static void answer_without_type(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct fuse_entry_param e;

	fs_entry(fs, FS_FILE, 0644, &e);
	fuse_reply_entry(c->req, &e);
}

static void impossible_entries(struct ops *t)
{
	struct stat st;

	fs_script(t->fs, PROTO_LOOKUP, answer_root, NULL);
	check_errno(stat(ops_path(t, "a"), &st), EIO);
	fs_script(t->fs, PROTO_LOOKUP, answer_without_type, NULL);
	check_errno(stat(ops_path(t, "b"), &st), EIO);
	check(fs_logged(t->fs, "LOOKUP"));
	goes_on(t);
}

static int call_access(void *arg)
{
	return access(arg, R_OK) == 0 ? 0 : -errno;
}

/* The last: the filesystem ends and owes an answer. */
static void never(struct ops *t)
{
	char *path = strdup(ops_path(t, "file"));
	struct ops_async *a;
	struct fs_call c;

	fs_script_hold(t->fs, PROTO_ACCESS);
	a = ops_async(call_access, path);
	fs_take(t->fs, PROTO_ACCESS, &c);
	fuse_session_exit(t->se);
	pthread_join(t->loop, NULL);
	t->joined = true;
	check(!ops_async_done(a));
	fuse_session_unmount(t->se);
	fuse_session_destroy(t->se);
	t->se = NULL;
	check(fs_logged(t->fs, "ACCESS"));
	check_eq(ops_async_join(a), -ECONNABORTED);
	free(path);
}

static void on_mount(struct ops *t)
{
	wrong_kinds(t);
	too_much(t);
	twice(t);
	impossible_entries(t);
	fs_forget_calls(t->fs);
	never(t);
}

OPS_TEST(.op = PROTO_ACCESS, .mount = on_mount, .special = true)
