/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers and their buffers. */
#include "session/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/checked.h"

/* More spare buffers than this are given back to the system. */
#define MAX_SPARE_BUFS 4

static _Thread_local struct sess_worker *current_worker;

struct sess_worker *sess_worker_current(void)
{
	return current_worker;
}

struct sess_worker *sess_worker_enter(struct sess_worker *w)
{
	struct sess_worker *before = current_worker;

	current_worker = w;
	return before;
}

void sess_worker_flush(void)
{
	struct xport_chan *c = current_worker ? current_worker->chan : NULL;

	if (c && c->x->ops->flush)
		c->x->ops->flush(c);
}

/* ---- buffers ---- */

/* mmap, not malloc: only the pages that a request fills become resident, and
 * they start on a page as splice and direct I/O like it. */
static struct sess_buf *buf_new(size_t size)
{
	struct sess_buf *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	b->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->mem == MAP_FAILED) {
		free(b);
		return NULL;
	}
	b->cap = size;
	b->next = NULL;
	return b;
}

static void buf_free(struct sess_buf *b)
{
	munmap(b->mem, b->cap);
	free(b);
}

struct sess_buf *sess_buf_get(struct sess_worker *w)
{
	size_t size = atomic_load_explicit(&w->se->bufsize, memory_order_relaxed);
	struct sess_buf *b;

	while ((b = w->spare_bufs)) {
		w->spare_bufs = b->next;
		w->spare_count--;
		if (b->cap >= size)
			return b;
		buf_free(b); /* from before INIT */
	}
	return buf_new(size);
}

void sess_buf_put(struct sess_worker *w, struct sess_buf *b)
{
	if (w->spare_count >= MAX_SPARE_BUFS) {
		buf_free(b);
		return;
	}
	b->next = w->spare_bufs;
	w->spare_bufs = b;
	w->spare_count++;
}

/* w->buf must fit the session's largest request. */
static int ensure_buffer(struct sess_worker *w)
{
	size_t size = atomic_load_explicit(&w->se->bufsize, memory_order_relaxed);

	if (likely(w->buf && w->buf->cap >= size))
		return 0;
	if (w->buf)
		buf_free(w->buf);
	w->buf = sess_buf_get(w);
	return w->buf ? 0 : -ENOMEM;
}

/* ---- life ---- */

static int open_channel(struct xport *x, unsigned int index, bool clone, struct xport_chan **out)
{
	int err = x->ops->open_chan(x, index, clone, out);

	if (!err || !clone)
		return err;
	fuse_log(FUSE_LOG_WARNING,
		 "fuse: worker %u gets no descriptor of its own (error %d); it shares one\n", index,
		 -err);
	return x->ops->open_chan(x, index, false, out);
}

int sess_worker_new(struct fuse_session *se, struct xport *x, long chan, bool clone,
		    struct sess_worker **out)
{
	struct sess_worker *w;
	int err;

	w = aligned_alloc(_Alignof(struct sess_worker), sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct sess_worker){.se = se};
	pthread_mutex_lock(&se->workers_lock);
	w->index = se->worker_count++;
	pthread_mutex_unlock(&se->workers_lock);
	err = open_channel(x, chan < 0 ? w->index : (unsigned int)chan, clone, &w->chan);
	if (err) {
		free(w);
		return err;
	}
	*out = w;
	return 0;
}

void sess_worker_publish(struct sess_worker *w)
{
	struct fuse_session *se = w->se;

	pthread_mutex_lock(&se->workers_lock);
	w->next = atomic_load_explicit(&se->workers, memory_order_relaxed);
	atomic_store_explicit(&se->workers, w, memory_order_release);
	pthread_mutex_unlock(&se->workers_lock);
}

static void free_chunks(struct sess_worker *w)
{
	struct sess_chunk *chunk = atomic_load(&w->chunks), *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		for (int i = 0; i < REQ_CHUNK; i++) {
			pthread_mutex_destroy(&chunk->reqs[i].intr_lock);
			if (chunk->reqs[i].buf)
				buf_free(chunk->reqs[i].buf);
		}
		free(chunk->reqs);
		free(chunk);
	}
}

void sess_worker_free(struct sess_worker *w)
{
	struct sess_buf *b;

	free_chunks(w);
	if (w->buf)
		buf_free(w->buf);
	while ((b = w->spare_bufs)) {
		w->spare_bufs = b->next;
		buf_free(b);
	}
	w->chan->x->ops->close_chan(w->chan);
	free(w);
}

int sess_worker_lease(struct fuse_session *se, bool clone, struct sess_worker **out)
{
	struct sess_worker *w;

	pthread_mutex_lock(&se->workers_lock);
	w = se->idle;
	if (w)
		se->idle = w->next_idle;
	pthread_mutex_unlock(&se->workers_lock);
	if (!w) {
		int err = sess_worker_new(se, se->xport, -1, clone, &w);

		if (err)
			return err;
		sess_worker_publish(w);
	}
	*out = w;
	return 0;
}

void sess_worker_release(struct sess_worker *w)
{
	struct fuse_session *se = w->se;

	pthread_mutex_lock(&se->workers_lock);
	w->next_idle = se->idle;
	se->idle = w;
	pthread_mutex_unlock(&se->workers_lock);
}

int sess_worker_receive(struct sess_worker *w, struct xport_recv *in, bool wait)
{
	int err = ensure_buffer(w);

	if (unlikely(err))
		return err;
	in->buf = w->buf->mem;
	in->cap = w->buf->cap;
	return w->chan->x->ops->recv(w->chan, in, wait);
}

int sess_worker_step(struct sess_worker *w, bool wait)
{
	struct xport_recv in;
	int err = sess_worker_receive(w, &in, wait);

	if (!err)
		sess_dispatch(w, &in, false);
	return err;
}
