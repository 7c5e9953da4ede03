/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <signal.h>

static void answer_eintr(fuse_req_t req, void *data)
{
	struct scriptfs *fs = data;

	fs_set_last_reply(fs, fuse_req_interrupted(req));
	fuse_reply_err(req, EINTR);
}

static void wait_for_interrupt(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	fuse_req_interrupt_func(c->req, answer_eintr, fs);
}

static void on_mock(struct ops *t)
{
	struct fuse_read_in in = {.size = 10};
	struct mock_call call = {.op = PROTO_READ, .nodeid = FS_FILE, .in = &in};
	struct fs_call c;
	struct mock_reply r;
	uint64_t unique;

	/* With a function. */
	fs_script(t->fs, PROTO_READ, wait_for_interrupt, NULL);
	unique = mock_send(t->m, &call);
	fs_take(t->fs, PROTO_READ, &c);
	check(mock_interrupt(t->m, unique));
	check_eq(mock_wait(t->m, unique, &r), 0);
	check_eq(r.error, -EINTR);
	check_eq(fs_last_reply(t->fs), 1);

	/* Without: noted, and the answer is the filesystem's affair. */
	fs_script_hold(t->fs, PROTO_READ);
	unique = mock_send(t->m, &call);
	fs_take(t->fs, PROTO_READ, &c);
	check(!fuse_req_interrupted(c.req));
	check(mock_interrupt(t->m, unique));
	check_eq(mock_access(t->m, 1, 0), 0);
	if (!t->threads)
		check(fuse_req_interrupted(c.req));
	check_eq(fuse_reply_buf(c.req, "0123456789", 10), 0);
	check_eq(mock_wait(t->m, unique, &r), 0);
	check_eq(r.error, 0);
	mock_reply_free(&r);
}

static _Atomic pthread_t caller;

static void nothing(int signal)
{
}

static int open_file(void *arg)
{
	int fd;

	caller = pthread_self();
	fd = open(arg, O_RDONLY);
	return fd < 0 ? -errno : fd;
}

static void on_mount(struct ops *t)
{
	struct sigaction sa = {.sa_handler = nothing};
	char *path = strdup(ops_path(t, "file"));
	struct ops_async *a;
	struct fs_call c;

	sigaction(SIGUSR1, &sa, NULL);
	fs_script(t->fs, PROTO_OPEN, wait_for_interrupt, NULL);
	a = ops_async(open_file, path);
	fs_take(t->fs, PROTO_OPEN, &c);
	pthread_kill(caller, SIGUSR1);
	check_eq(ops_async_join(a), -EINTR);
	check(fs_seen_op(t->fs, PROTO_INTERRUPT));
	/* A filesystem that does not care answers in its own time. */
	fs_script_hold(t->fs, PROTO_OPEN);
	a = ops_async(open_file, path);
	fs_take(t->fs, PROTO_OPEN, &c);
	pthread_kill(caller, SIGUSR1);
	while (!fuse_req_interrupted(c.req))
		usleep(1000);
	check(!ops_async_done(a));
	check_eq(fuse_reply_err(c.req, EACCES), 0);
	check_eq(ops_async_join(a), -EACCES);
	free(path);
}

OPS_TEST(.op = PROTO_INTERRUPT, .mock = on_mock, .mount = on_mount, .special = true)
