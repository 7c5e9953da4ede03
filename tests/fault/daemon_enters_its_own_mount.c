/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem that, while it looks a name up, asks the kernel for another in
 * the same directory: the kernel serves one lookup at a time there, so both
 * wait for ever. An abort frees the caller, the filesystem and the loop.
 */
#include "ops.h"

#include <stdatomic.h>
#include <time.h>

static atomic_int own_errno;

static void enter_own_mount(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct ops *t = data;
	struct stat st;

	own_errno = stat(ops_path(t, "dir"), &st) == 0 ? 0 : errno;
	fuse_reply_err(c->req, ENOENT);
}

static int stat_file(void *arg)
{
	struct stat st;

	return stat(arg, &st) == 0 ? 0 : -errno;
}

static void on_mount(struct ops *t)
{
	char *path = strdup(ops_path(t, "file"));
	struct timespec begin, end;
	struct ops_async *caller;
	struct fs_call c;
	long ms;

	own_errno = -1;
	fs_script(t->fs, PROTO_LOOKUP, enter_own_mount, t);
	caller = ops_async(stat_file, path);
	fs_take(t->fs, PROTO_LOOKUP, &c);
	check_str(c.name, "file");
	ops_wait_stuck();
	check(!ops_async_done(caller));
	check_eq(own_errno, -1);

	clock_gettime(CLOCK_MONOTONIC, &begin);
	ops_abort();
	check_eq(ops_async_join(caller), -ECONNABORTED);
	pthread_join(t->loop, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	t->joined = true;
	check(own_errno == ENOTCONN || own_errno == ECONNABORTED);
	check_eq(t->loop_result, 0);
	ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	printf("freed after %ld ms\n", ms);
	check(ms < 5000);
	free(path);
}

OPS_TEST(.op = PROTO_LOOKUP, .mount = on_mount, .special = true)
