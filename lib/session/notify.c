/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending notifications, and the table of retrievals that are under way. */
#include "session/notify.h"
#include "session/worker.h"

#include <errno.h>
#include <stdlib.h>

int sess_notify_check(struct fuse_session *se, enum fuse_notify_code code)
{
	const struct proto_notify *row = proto_notify_find(code);

	if (!se || !row)
		return -EINVAL;
	/* Acquire: what the INIT thread settled is visible. */
	if (atomic_load_explicit(&se->state, memory_order_acquire) != SESS_RUNNING || !se->xport)
		return -ENOTCONN;
	return se->conn.minor < row->since ? -ENOSYS : 0;
}

static size_t total_size(const struct iovec *iov, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += iov[i].iov_len;
	return size;
}

int sess_notify_send(struct fuse_session *se, enum fuse_notify_code code, struct iovec *iov,
		     int count)
{
	/* unique 0 makes it a notification, and error its code. */
	struct fuse_out_header out = {.error = (int32_t)code};
	struct xport *x = se->xport;
	int err;

	iov[0] = (struct iovec){.iov_base = &out, .iov_len = sizeof(out)};
	out.len = (uint32_t)total_size(iov, count);
	if (unlikely(atomic_load_explicit(&se->debug, memory_order_relaxed)))
		sess_trace_reply(se, iov, count);
	/* The kernel may not return before a request is answered that this
	 * thread answered, but whose answer still lies in its ring. */
	sess_worker_flush();
	err = x->ops->notify(x, iov, count);
	/* How a descriptor says that the connection is over. */
	return err == -ENODEV || err == -EBADF || err == -EPIPE ? -ENOTCONN : err;
}

int sess_notify(struct fuse_session *se, enum fuse_notify_code code, struct iovec *iov, int count)
{
	int err = sess_notify_check(se, code);

	if (err)
		return err;
	if (sess_would_deadlock(se, code, iov, count))
		return -EDEADLK;
	return sess_notify_send(se, code, iov, count);
}

void sess_notify_fini(struct fuse_session *se)
{
	sess_notifyq_stop(se);
	sess_notifyq_free(se);
	sess_retrievals_free(se);
}

/* ---- retrievals ---- */

/*
 * Answers come back with the id that we chose. It is even, because the kernel
 * marks its own INTERRUPTs by the lowest bit, and has bit 62, which the
 * kernel's counter does not reach and its resend mark (bit 63) does not touch.
 */
#define RETRIEVE_BIT (1ULL << 62)

struct retrieval {
	struct retrieval *next;
	uint64_t unique;
	struct sess_retrieval what;
};

/* Answers come about in the order of asking, so that the search ends at the
 * first or nearly so. */
struct sess_retrievals {
	struct retrieval *first, **end;
};

static struct sess_retrievals *retrievals_locked(struct fuse_session *se)
{
	if (!se->retrievals) {
		se->retrievals = calloc(1, sizeof(*se->retrievals));
		if (se->retrievals)
			se->retrievals->end = &se->retrievals->first;
	}
	return se->retrievals;
}

int sess_retrieve_begin(struct fuse_session *se, fuse_ino_t ino, void *cookie, uint64_t *unique)
{
	struct retrieval *r = malloc(sizeof(*r));
	struct sess_retrievals *all;

	if (!r)
		return -ENOMEM;
	*r = (struct retrieval){.what = {.ino = ino, .cookie = cookie}};
	pthread_mutex_lock(&se->notify_lock);
	all = retrievals_locked(se);
	if (all) {
		r->unique = RETRIEVE_BIT | (atomic_fetch_add(&se->notify_counter, 1) + 1) << 1;
		*unique = r->unique;
		*all->end = r;
		all->end = &r->next;
	}
	pthread_mutex_unlock(&se->notify_lock);
	if (all)
		return 0;
	free(r);
	return -ENOMEM;
}

static struct retrieval *unlink_locked(struct sess_retrievals *all, uint64_t unique)
{
	struct retrieval **link;

	for (link = &all->first; *link; link = &(*link)->next) {
		struct retrieval *r = *link;

		if (r->unique != unique)
			continue;
		*link = r->next;
		if (!r->next)
			all->end = link;
		return r;
	}
	return NULL;
}

bool sess_retrieve_take(struct fuse_session *se, uint64_t unique, struct sess_retrieval *out)
{
	struct retrieval *r = NULL;

	pthread_mutex_lock(&se->notify_lock);
	if (se->retrievals)
		r = unlink_locked(se->retrievals, unique);
	pthread_mutex_unlock(&se->notify_lock);
	if (!r)
		return false;
	*out = r->what;
	free(r);
	return true;
}

void sess_retrievals_free(struct fuse_session *se)
{
	struct retrieval *r, *next;

	if (!se->retrievals)
		return;
	for (r = se->retrievals->first; r; r = next) {
		next = r->next;
		free(r);
	}
	free(se->retrievals);
	se->retrievals = NULL;
}
