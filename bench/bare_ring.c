/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The practical limit of fuse-over-io_uring: a pinned thread a queue, answer and
 * wait in one system call.
 *
 *     bare_ring [--backing=FILE] MOUNTPOINT
 */
#include "bare_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

#define DEPTH	4
#define PAYLOAD (1 << 20)

static int device;

struct entry {
	struct {
		unsigned char in_out[128];
		unsigned char op_in[128];
		struct fuse_uring_ent_in_out ent;
	} * header;
	char *payload;
	struct iovec iov[2];
};

static void command(struct io_uring *ring, struct entry *e, long queue, unsigned int cmd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct fuse_uring_cmd_req req = {.qid = (uint16_t)queue};

	io_uring_prep_nop(sqe);
	memset((char *)sqe + sizeof(*sqe), 0, sizeof(*sqe)); /* SQE128 */
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = device;
	sqe->cmd_op = cmd;
	sqe->user_data = (uintptr_t)e;
	if (cmd == 1) {
		sqe->addr = (uintptr_t)e->iov;
		sqe->len = 2;
	} else {
		req.commit_id = e->header->ent.commit_id;
	}
	memcpy((char *)sqe + offsetof(struct io_uring_sqe, cmd), &req, sizeof(req));
}

static void answer(struct entry *e)
{
	struct fuse_in_header h;
	struct fuse_out_header out = {0};
	struct bare_answer a;

	memcpy(&h, e->header->in_out, sizeof(h));
	a = bare_serve(&h, e->header->op_in, e->payload, e->payload);
	if (a.data)
		memcpy(e->payload, a.data, a.len);
	out.len = (uint32_t)(sizeof(out) + a.len);
	out.error = a.error;
	out.unique = h.unique;
	memcpy(e->header->in_out, &out, sizeof(out));
	e->header->ent.payload_sz = (uint32_t)a.len;
}

static void *serve(void *arg)
{
	long queue = (long)arg;
	struct io_uring_params p = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN,
	};
	struct io_uring ring;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)queue, &set);
	sched_setaffinity(0, sizeof(set), &set);
	if (io_uring_queue_init_params(2 * DEPTH, &ring, &p) < 0)
		exit(1);
	for (int i = 0; i < DEPTH; i++) {
		struct entry *e = calloc(1, sizeof(*e));

		e->header = aligned_alloc(64, 320);
		e->payload = aligned_alloc(4096, PAYLOAD);
		e->iov[0] = (struct iovec){e->header, sizeof(*e->header)};
		e->iov[1] = (struct iovec){e->payload, PAYLOAD};
		command(&ring, e, queue, 1);
	}
	for (;;) {
		struct io_uring_cqe *cqe;

		io_uring_submit_and_wait(&ring, 1);
		while (io_uring_peek_cqe(&ring, &cqe) == 0) {
			struct entry *e = (struct entry *)(uintptr_t)cqe->user_data;

			if (cqe->res < 0)
				return NULL;
			io_uring_cqe_seen(&ring, cqe);
			answer(e);
			command(&ring, e, queue, 2);
		}
	}
}

/* INIT, then what never comes over the ring. */
static int serve_device(void)
{
	static char buf[(1 << 20) + 8192];
	const struct fuse_in_header *h = (const void *)buf;
	pthread_t thread;

	while (read(device, buf, sizeof(buf)) >= 0 || errno == EINTR || errno == ENOENT) {
		struct fuse_init_out init;
		struct fuse_out_header out = {sizeof(out) + sizeof(init), 0, h->unique};
		struct iovec iov[2] = {{&out, sizeof(out)}, {&init, sizeof(init)}};

		if (h->opcode != FUSE_INIT)
			continue;
		bare_serve(h, h + 1, NULL, &init);
		init.flags2 |= (uint32_t)(FUSE_INIT_FLAG(OVER_IO_URING) >> 32);
		if (writev(device, iov, 2) < 0)
			return 1;
		for (long queue = 0; queue < get_nprocs_conf(); queue++)
			pthread_create(&thread, NULL, serve, (void *)queue);
	}
	return 0;
}

int main(int argc, char *argv[])
{
	int i = 1;

	if (argc > 2 && strncmp(argv[1], "--backing=", 10) == 0)
		bare_backing = open(argv[i++] + 10, O_RDWR | O_CLOEXEC);
	if (i >= argc)
		return 2;
	device = bare_mount(argv[i], 0);
	return device < 0 ? 1 : serve_device();
}
