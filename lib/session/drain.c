/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "session/loop.h"
#include "session/worker.h"

void sess_fail_owed(struct sess_worker *w)
{
	struct sess_chunk *chunk = atomic_load_explicit(&w->chunks, memory_order_acquire);

	atomic_store(&w->se->drained, true);
	for (; chunk; chunk = chunk->next) {
		for (int i = 0; i < REQ_CHUNK; i++) {
			struct sess_req *r = &chunk->reqs[i];
			struct iovec iov[1];

			if (atomic_load(&r->state) & REQ_OWED)
				sess_reply(req_handle(r), PROTO_REPLY_EMPTY, -ECONNABORTED, iov, 1);
		}
	}
}

static void turn_away(struct sess_worker *w, const struct xport_recv *in)
{
	const struct proto_op *op = proto_op_find(in->msg.hdr->opcode);
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -ECONNABORTED,
		.unique = in->msg.hdr->unique,
	};
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	if (!op || !proto_op_has(op, PROTO_F_NOREPLY))
		w->chan->x->ops->send(w->chan, in->slot, &iov, 1);
}

static void answer_waiting(struct sess_worker *w)
{
	struct xport_recv in;

	while (sess_worker_receive(w, &in, false) == 0)
		turn_away(w, &in);
}

void sess_drain(struct fuse_session *se)
{
	struct sess_worker *w;

	for (w = atomic_load_explicit(&se->workers, memory_order_acquire); w; w = w->next)
		sess_fail_owed(w);
	/* The loop's mode of the descriptor, in which receiving never waits. */
	if (sess_loop_begin(se))
		return;
	if (sess_worker_lease(se, false, &w) == 0) {
		answer_waiting(w);
		sess_worker_release(w);
	}
	sess_loop_end(se);
}

/* The kernel's number of the connection behind fd; 0 if it does not tell. */
static unsigned int connection_number(int fd)
{
	unsigned int number = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "fuse_connection: %u", &number) == 1)
			break;
	}
	fclose(f);
	return number;
}

int sess_abort(struct fuse_session *se)
{
	unsigned int number = se->xport ? connection_number(se->xport->fd) : 0;
	CLEANUP_CLOSE int fd = -1;
	char path[64];

	if (!number)
		return -ENODEV;
	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", number);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, "1", 1) < 0 ? -errno : 0;
}
