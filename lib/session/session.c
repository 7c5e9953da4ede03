/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's beginning and end. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "session/worker.h"

int sess_new(const struct sess_handler *handler, void *data, void *userdata,
	     struct fuse_session **out)
{
	struct fuse_session *se = calloc(1, sizeof(*se));

	if (!se)
		return -ENOMEM;
	se->handler = handler;
	se->handler_data = data;
	se->userdata = userdata;
	atomic_init(&se->bufsize, FUSE_MIN_READ_BUFFER);
	/* Before the handshake the layout of messages is today's. */
	se->conn.minor = FUSE_KERNEL_MINOR_VERSION;
	pthread_mutex_init(&se->workers_lock, NULL);
	pthread_mutex_init(&se->intr.lock, NULL);
	pthread_mutex_init(&se->threads.lock, NULL);
	pthread_mutex_init(&se->notify_lock, NULL);
	*out = se;
	return 0;
}

int sess_attach(struct fuse_session *se, struct xport *x)
{
	if (se->xport)
		return -EBUSY;
	se->xport = x;
	if (atomic_load(&se->exited))
		xport_wake(x);
	return 0;
}

static void free_workers(struct fuse_session *se)
{
	struct sess_worker *w = atomic_exchange(&se->workers, NULL), *next;

	for (; w; w = next) {
		next = w->next;
		sess_worker_free(w);
	}
	se->worker_count = 0;
	se->idle = NULL;
}

void sess_detach(struct fuse_session *se)
{
	free_workers(se);
	if (se->device)
		se->device->free(se->device);
	xport_free(se->rings);
	xport_free(se->xport);
	se->rings = se->xport = NULL;
	/* Interrupts are remembered with the channels that brought them. */
	atomic_store(&se->intr.count, 0);
	se->conn = (struct proto_conn){.minor = FUSE_KERNEL_MINOR_VERSION};
	atomic_store(&se->bufsize, FUSE_MIN_READ_BUFFER);
	atomic_store(&se->state, SESS_NEW);
}

/* Replaces what is behind fd; the number stays. */
static void retire_fd(int fd, int by)
{
	if (fd >= 0 && dup3(by, fd, O_CLOEXEC) < 0)
		fuse_log(FUSE_LOG_ERR, "fuse: cannot let go of descriptor %d: %s\n", fd,
			 strerror(errno));
}

void sess_retire(struct fuse_session *se)
{
	/* Opened for reading only: writing an answer gives EBADF. Where not
	 * even that can be opened, something that is there already. */
	CLEANUP_CLOSE int nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct xport *x = se->xport;
	int by;

	if (!x || x->borrowed)
		return;
	by = nowhere >= 0 ? nowhere : x->wake_fd;
	for (struct sess_worker *w = atomic_load(&se->workers); w; w = w->next) {
		if (w->chan->x == x && w->chan->fd != x->fd)
			retire_fd(w->chan->fd, by);
	}
	retire_fd(x->fd, by);
}

void sess_exit(struct fuse_session *se, int status)
{
	int none = 0;

	if (status)
		atomic_compare_exchange_strong(&se->error, &none, status);
	atomic_store(&se->exited, 1);
	if (se->xport)
		xport_wake(se->xport);
}

void sess_destroy_handler(struct fuse_session *se)
{
	/* Also after a handshake that failed: what init() got ready is there. */
	if (!atomic_exchange(&se->init_called, false))
		return;
	atomic_store(&se->state, SESS_DESTROYED);
	if (se->handler->destroy)
		se->handler->destroy(se->handler_data);
}

/* Requests still owed at the end: their callers were failed by the kernel, but
 * the filesystem forgot them, and somebody will want to know which. */
static void report_unanswered(struct fuse_session *se)
{
	struct sess_worker *w = atomic_load(&se->workers);
	unsigned int lost = 0;
	const char *example = NULL;

	for (; w; w = w->next) {
		for (struct sess_chunk *c = atomic_load(&w->chunks); c; c = c->next) {
			for (int i = 0; i < REQ_CHUNK; i++) {
				struct sess_req *r = &c->reqs[i];

				if (!(atomic_load(&r->state) & REQ_OWED))
					continue;
				lost++;
				example = r->op_index < PROTO_OP_COUNT ? proto_ops[r->op_index].name
								       : "UNKNOWN";
			}
		}
	}
	if (lost)
		fuse_log(FUSE_LOG_ERR,
			 "fuse: the filesystem never answered %u request(s), one of them %s\n",
			 lost, example);
}

void sess_free(struct fuse_session *se)
{
	if (!se)
		return;
	sess_notify_fini(se);
	sess_destroy_handler(se);
	report_unanswered(se);
	free_workers(se);
	xport_free(se->rings);
	xport_free(se->xport);
	pthread_mutex_destroy(&se->workers_lock);
	pthread_mutex_destroy(&se->intr.lock);
	pthread_mutex_destroy(&se->threads.lock);
	free(se->threads.tids);
	pthread_mutex_destroy(&se->notify_lock);
	free(se);
}
