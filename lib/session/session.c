/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's beginning and end. */
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>

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
	int running = SESS_RUNNING;

	if (atomic_compare_exchange_strong(&se->state, &running, SESS_DESTROYED) &&
	    se->handler->destroy)
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
	struct sess_worker *w, *next;

	if (!se)
		return;
	sess_notify_fini(se);
	sess_destroy_handler(se);
	report_unanswered(se);
	for (w = atomic_load(&se->workers); w; w = next) {
		next = w->next;
		sess_worker_free(w);
	}
	xport_free(se->rings);
	xport_free(se->xport);
	pthread_mutex_destroy(&se->workers_lock);
	pthread_mutex_destroy(&se->intr.lock);
	pthread_mutex_destroy(&se->notify_lock);
	free(se);
}
