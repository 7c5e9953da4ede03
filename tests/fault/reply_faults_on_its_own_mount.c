/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem that answers a READ with memory which is a mapping of the very
 * page that the READ is to fill: writing the answer faults, and the fault waits
 * for the READ. An abort frees the caller, the filesystem and the loop.
 */
#include "ops.h"

#include <sys/mman.h>
#include <time.h>

static char *page;

static void answer_with_the_page_itself(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	fs_set_last_reply(fs, fuse_reply_buf(c->req, page, 4096));
}

static int read_file(void *arg)
{
	char buf[4096];
	ssize_t n = pread(*(int *)arg, buf, sizeof(buf), 0);

	return n < 0 ? -errno : (int)n;
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY);
	struct timespec begin, end;
	struct ops_async *caller;
	struct fs_call c;
	int result;
	long ms;

	check(fd >= 0);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	check(page != MAP_FAILED);
	/* The kernel asks a second time for a page that failed. */
	fs_script(t->fs, PROTO_READ, answer_with_the_page_itself, NULL);
	fs_script(t->fs, PROTO_READ, answer_with_the_page_itself, NULL);
	caller = ops_async(read_file, &fd);
	fs_take(t->fs, PROTO_READ, &c);
	ops_wait_stuck();
	check(!ops_async_done(caller));

	clock_gettime(CLOCK_MONOTONIC, &begin);
	ops_abort();
	result = ops_async_join(caller);
	check(result == -ECONNABORTED || result == -ENOTCONN || result == -EIO);
	pthread_join(t->loop, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	t->joined = true;
	check(fs_last_reply(t->fs) < 0);
	ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	printf("freed after %ld ms\n", ms);
	check(ms < 5000);
	munmap(page, 4096);
	close(fd);
	fs_logged(t->fs, "READ"); /* the answer that could not be given */
}

OPS_TEST(.op = PROTO_READ, .mount = on_mount, .special = true)
