/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

/* What was delivered and not answered comes again, marked; the answer must
 * carry the mark. */
static void on_mock(struct ops *t)
{
	struct fuse_access_in in = {.mask = 4};
	struct mock_call call = {.op = PROTO_ACCESS, .nodeid = FS_FILE, .in = &in};
	struct fs_call first, second;
	struct mock_notify n;
	uint64_t unique;

	fs_script_hold(t->fs, PROTO_ACCESS);
	fs_script_hold(t->fs, PROTO_ACCESS);
	unique = mock_send(t->m, &call);
	fs_take(t->fs, PROTO_ACCESS, &first);
	check_eq(profuse_notify_queue_resend(t->se), 0);
	check(mock_next_notify(t->m, &n));
	check_eq(n.code, FUSE_NOTIFY_RESEND);
	check_eq(n.len, 0);
	mock_notify_free(&n);
	mock_resend(t->m);
	fs_take(t->fs, PROTO_ACCESS, &second);
	check_eq(second.flags, 4);
	check_eq(fuse_reply_err(second.req, EROFS), 0);
	check_eq(mock_wait(t->m, unique | FUSE_UNIQUE_RESEND, NULL), 0);
	/* The first has lost its caller: nobody listens to it any more. */
	mock_expect_strangers(t->m);
	fuse_reply_err(first.req, 0);
	check(mock_await_strangers(t->m, 1));
}

static int stat_file(void *arg)
{
	return access(arg, R_OK) == 0 ? 0 : -errno;
}

static void on_mount(struct ops *t)
{
	char *path = strdup(ops_path(t, "file"));
	struct fs_call first, second;
	struct ops_async *a;

	fs_script_hold(t->fs, PROTO_ACCESS);
	a = ops_async(stat_file, path);
	fs_take(t->fs, PROTO_ACCESS, &first);
	if (strcmp(t->transport, "uring") == 0) {
		/* The kernel keeps no list of what it gave to a ring. */
		check_eq(profuse_notify_queue_resend(t->se), 0);
		check_eq(profuse_notify_flush(t->se, 10000), 0);
		check_eq(fuse_reply_err(first.req, EROFS), 0);
		check_eq(ops_async_join(a), -EROFS);
		free(path);
		return;
	}
	fs_script_hold(t->fs, PROTO_ACCESS);
	check_eq(profuse_notify_queue_resend(t->se), 0);
	fs_take(t->fs, PROTO_ACCESS, &second);
	check_eq(second.ino, first.ino);
	check(!ops_async_done(a));
	check_eq(fuse_reply_err(first.req, 0), -ENOENT);
	check_eq(fuse_reply_err(second.req, EROFS), 0);
	check_eq(ops_async_join(a), -EROFS);
	free(path);
}

OPS_TEST(.notify = FUSE_NOTIFY_RESEND, .mock = on_mock, .mount = on_mount, .special = true)
