/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The practical limit of /dev/fuse: threads that each poll, read, answer.
 *
 *     bare_dev [--backing=FILE [-p]] [-1] MOUNTPOINT
 *
 *     -1  a single, unpinned thread
 *     -p  the kernel reads and writes FILE by itself: the limit of that
 */
#include "bare_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol/op.h"

static int device;

static bool answer(const char *buf, char *body)
{
	const struct fuse_in_header *h = (const void *)buf;
	const struct proto_op *op = proto_op_find(h->opcode);
	size_t in = op ? op->in_size : 0;
	struct bare_answer a = bare_serve(h, h + 1, (const char *)(h + 1) + in, body);
	struct fuse_out_header out = {.len = (uint32_t)(sizeof(out) + a.len), a.error, h->unique};
	struct iovec iov[2] = {{&out, sizeof(out)}, {a.data ? (void *)a.data : body, a.len}};

	return a.none || writev(device, iov, 2) >= 0 || errno == ENOENT;
}

static void *serve(void *arg)
{
	long cpu = (long)arg;
	char *buf = aligned_alloc(4096, (1 << 20) + 8192);
	char *body = aligned_alloc(4096, 1 << 20);
	struct pollfd p = {.fd = device, .events = POLLIN};
	cpu_set_t set;

	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	for (;;) {
		ssize_t n;

		if (cpu >= 0)
			poll(&p, 1, -1);
		n = read(device, buf, (1 << 20) + 8192);
		if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT))
			continue;
		if (n < 0)
			return NULL;
		answer(buf, body);
	}
}

int main(int argc, char *argv[])
{
	int cpus = get_nprocs(), i = 1;
	bool single = false, passthrough = false;
	pthread_t thread;

	for (; i < argc - 1; i++) {
		if (strncmp(argv[i], "--backing=", 10) == 0)
			bare_backing = open(argv[i] + 10, O_RDWR | O_CLOEXEC);
		else if (strcmp(argv[i], "-1") == 0)
			single = true;
		else if (strcmp(argv[i], "-p") == 0)
			passthrough = true;
	}
	if (i >= argc)
		return 2;
	device = bare_mount(argv[i], single ? 0 : O_NONBLOCK);
	if (device < 0)
		return 1;
	if (passthrough)
		bare_passthrough = device;
	for (long cpu = 1; cpu < cpus && !single; cpu++)
		pthread_create(&thread, NULL, serve, (void *)cpu);
	serve((void *)(single ? -1L : 0L));
	return 0;
}
