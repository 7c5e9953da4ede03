/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notification queue: what handlers want to tell the kernel, told by a
 * thread that holds up no request.
 *
 * First in, first out, with one exception: an addition is merged into one that
 * still waits if the outcome is the same. That is so when both concern the
 * same subject (an inode's data; a name in a directory) and nothing else about
 * that subject was added in between: then what waits is going to be sent after
 * now, so it also tells what the addition would. A table finds the last
 * waiting notification about each subject.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "session/drain.h"
#include "session/notify.h"
#include "session/worker.h"

#define DEFAULT_LIMIT ((size_t)4 << 20)
#define BUCKETS	      256
/* For the thread to come back from what it is sending, before the requests in
 * its way are answered for it. */
#define STOP_GRACE_MS 20

struct item {
	struct item *next;  /* in order of sending */
	struct item *older; /* same bucket, added before */
	uint64_t seq;
	uint32_t hash;
	enum fuse_notify_code code;
	size_t len;
	/* The fixed structure, then what follows it. */
	_Alignas(8) unsigned char body[];
};

struct sess_notify_queue {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something to send, something sent, or the end */
	struct item *first, **end;
	struct item *bucket[BUCKETS]; /* the newest first */
	size_t bytes, limit;
	uint64_t added, done; /* sequence numbers */
	bool epoch_due;	      /* needs no memory, so that there is always room */
	uint64_t epoch_seq;
	bool started, stop, ended;
	pthread_t thread;
	struct sess_notifyq_counts counts;
};

/* ---- subjects ---- */

static uint32_t hash_bytes(uint32_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

/* Subjects: 'i' an inode's data, 'e' a name, 0 none. */
static char subject_kind(enum fuse_notify_code code)
{
	switch (code) {
	case FUSE_NOTIFY_INVAL_INODE:
	case FUSE_NOTIFY_STORE:
		return 'i';
	case FUSE_NOTIFY_INVAL_ENTRY:
	case FUSE_NOTIFY_DELETE:
		return 'e';
	case FUSE_NOTIFY_RESEND:
		return 'r';
	default:
		return 0;
	}
}

/* All bodies that have a subject begin with a node id. */
static uint64_t subject_node(const struct item *it)
{
	uint64_t node = 0;

	if (it->len >= sizeof(node))
		memcpy(&node, it->body, sizeof(node));
	return node;
}

static void subject_name(const struct item *it, const unsigned char **name, size_t *len)
{
	size_t skip;

	*name = NULL;
	*len = 0;
	if (subject_kind(it->code) != 'e')
		return;
	skip = it->code == FUSE_NOTIFY_DELETE ? sizeof(struct fuse_notify_delete_out)
					      : sizeof(struct fuse_notify_inval_entry_out);
	*name = it->body + skip;
	*len = it->len - skip;
}

static uint32_t subject_hash(const struct item *it)
{
	uint64_t node = subject_node(it);
	char kind = subject_kind(it->code);
	const unsigned char *name;
	size_t len;
	uint32_t h;

	subject_name(it, &name, &len);
	h = hash_bytes(2166136261u, &kind, 1);
	h = hash_bytes(h, &node, sizeof(node));
	return hash_bytes(h, name, len);
}

static bool same_subject(const struct item *a, const struct item *b)
{
	const unsigned char *name_a, *name_b;
	size_t len_a, len_b;

	if (a->hash != b->hash || subject_kind(a->code) != subject_kind(b->code) ||
	    subject_node(a) != subject_node(b))
		return false;
	subject_name(a, &name_a, &len_a);
	subject_name(b, &name_b, &len_b);
	return len_a == len_b && (len_a == 0 || memcmp(name_a, name_b, len_a) == 0);
}

static struct item *find_locked(struct sess_notify_queue *q, const struct item *like)
{
	struct item *it = q->bucket[like->hash % BUCKETS];

	while (it && !same_subject(it, like))
		it = it->older;
	return it;
}

/* ---- merging ---- */

/* The last byte of a range, whose length 0 or less means "to the end". */
static int64_t range_last(const struct fuse_notify_inval_inode_out *r)
{
	int64_t last;

	if (r->len <= 0 || __builtin_add_overflow(r->off, r->len - 1, &last))
		return INT64_MAX;
	return last;
}

/* Ranges that touch or overlap become one. Every range includes the
 * attributes; a negative offset means only those. */
static bool merge_ranges(struct fuse_notify_inval_inode_out *waiting,
			 const struct fuse_notify_inval_inode_out *add)
{
	int64_t last_w = range_last(waiting), last_a = range_last(add);
	int64_t first, last;

	if (add->off < 0)
		return true;
	if (waiting->off < 0) {
		*waiting = *add;
		return true;
	}
	if ((last_w < INT64_MAX && add->off > last_w + 1) ||
	    (last_a < INT64_MAX && waiting->off > last_a + 1))
		return false;
	first = waiting->off < add->off ? waiting->off : add->off;
	last = last_w > last_a ? last_w : last_a;
	waiting->off = first;
	waiting->len = last == INT64_MAX ? 0 : last - first + 1;
	return true;
}

/* Does `waiting` stand for both from here on? They have the same subject. */
static bool merge(struct item *waiting, const struct item *add)
{
	if (waiting->code != add->code)
		return false;
	switch (add->code) {
	case FUSE_NOTIFY_INVAL_INODE:
		return merge_ranges((void *)waiting->body, (const void *)add->body);
	case FUSE_NOTIFY_INVAL_ENTRY: {
		struct fuse_notify_inval_entry_out *w = (void *)waiting->body;
		const struct fuse_notify_inval_entry_out *a = (const void *)add->body;

		/* Dropping includes expiring. */
		w->flags &= a->flags;
		return true;
	}
	case FUSE_NOTIFY_DELETE:
		return ((const struct fuse_notify_delete_out *)waiting->body)->child ==
		       ((const struct fuse_notify_delete_out *)add->body)->child;
	case FUSE_NOTIFY_RESEND:
		return true;
	default:
		return false;
	}
}

/* ---- the list ---- */

static size_t cost(const struct item *it)
{
	return sizeof(*it) + it->len;
}

static struct item *item_new(enum fuse_notify_code code, const struct iovec *iov, int count)
{
	size_t len = 0, size;
	struct item *it;

	for (int i = 1; i < count; i++) {
		if (!size_add(len, iov[i].iov_len, &len))
			return NULL;
	}
	if (!size_add(len, sizeof(*it), &size))
		return NULL;
	it = malloc(size);
	if (!it)
		return NULL;
	*it = (struct item){.code = code};
	for (int i = 1; i < count; i++) {
		if (iov[i].iov_len)
			memcpy(it->body + it->len, iov[i].iov_base, iov[i].iov_len);
		it->len += iov[i].iov_len;
	}
	it->hash = subject_hash(it);
	return it;
}

static void append_locked(struct sess_notify_queue *q, struct item *it)
{
	it->seq = ++q->added;
	it->next = NULL;
	*q->end = it;
	q->end = &it->next;
	q->bytes += cost(it);
	if (!subject_kind(it->code))
		return;
	it->older = q->bucket[it->hash % BUCKETS];
	q->bucket[it->hash % BUCKETS] = it;
}

/* Removes the first. It is the oldest of its bucket as well, but that is kept
 * newest first, so it is the last there. */
static struct item *pop_locked(struct sess_notify_queue *q)
{
	struct item *it = q->first, **link;

	q->first = it->next;
	if (!q->first)
		q->end = &q->first;
	q->bytes -= cost(it);
	if (subject_kind(it->code)) {
		for (link = &q->bucket[it->hash % BUCKETS]; *link != it; link = &(*link)->older)
			;
		*link = NULL;
	}
	return it;
}

/* ---- the thread ---- */

static void count_result_locked(struct sess_notify_queue *q, int err)
{
	if (err == 0)
		q->counts.sent++;
	else if (err == -ENOENT || err == -ENOTDIR)
		q->counts.not_held++;
	else
		q->counts.failed++;
}

/* An epoch goes out where it stands among the others. */
static bool epoch_is_next_locked(const struct sess_notify_queue *q)
{
	return q->epoch_due && (!q->first || q->first->seq > q->epoch_seq);
}

static void send_next_locked(struct fuse_session *se, struct sess_notify_queue *q)
{
	struct iovec iov[2] = {{0}};
	struct item *it = NULL;
	enum fuse_notify_code code = FUSE_NOTIFY_INC_EPOCH;
	uint64_t seq = q->epoch_seq;
	int err;

	if (epoch_is_next_locked(q)) {
		q->epoch_due = false;
	} else {
		it = pop_locked(q);
		code = it->code;
		seq = it->seq;
		iov[1] = (struct iovec){.iov_base = it->body, .iov_len = it->len};
	}
	pthread_mutex_unlock(&q->lock);
	err = sess_notify_send(se, code, iov, it && it->len ? 2 : 1);
	free(it);
	pthread_mutex_lock(&q->lock);
	q->done = seq;
	count_result_locked(q, err);
	pthread_cond_broadcast(&q->changed);
}

static void *thread_main(void *arg)
{
	struct fuse_session *se = arg;
	struct sess_notify_queue *q = se->notifyq;

	pthread_mutex_lock(&q->lock);
	while (!q->stop) {
		if (q->first || q->epoch_due)
			send_next_locked(se, q);
		else
			pthread_cond_wait(&q->changed, &q->lock);
	}
	q->ended = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

static int start_locked(struct fuse_session *se, struct sess_notify_queue *q)
{
	sigset_t all, before;
	int err;

	if (q->started)
		return 0;
	/* Signals are for the program's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = pthread_create(&q->thread, NULL, thread_main, se);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	pthread_setname_np(q->thread, "fuse_notify");
	q->started = true;
	return 0;
}

/* ---- the queue ---- */

static struct sess_notify_queue *queue_new(void)
{
	struct sess_notify_queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t attr;

	if (!q)
		return NULL;
	q->end = &q->first;
	q->limit = DEFAULT_LIMIT;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
	return q;
}

static struct sess_notify_queue *queue_of(struct fuse_session *se, bool create)
{
	struct sess_notify_queue *q;

	pthread_mutex_lock(&se->notify_lock);
	if (!se->notifyq && create)
		se->notifyq = queue_new();
	q = se->notifyq;
	pthread_mutex_unlock(&se->notify_lock);
	return q;
}

static int add_epoch_locked(struct sess_notify_queue *q)
{
	if (q->epoch_due) {
		q->counts.merged++;
		return 0;
	}
	q->epoch_due = true;
	q->epoch_seq = ++q->added;
	return 0;
}

/* Takes `it` over: queues it or frees it. */
static int add_locked(struct sess_notify_queue *q, struct item *it)
{
	struct item *waiting = subject_kind(it->code) ? find_locked(q, it) : NULL;

	if (waiting && merge(waiting, it)) {
		q->counts.merged++;
		free(it);
		return 0;
	}
	if (cost(it) > q->limit || q->bytes > q->limit - cost(it)) {
		free(it);
		return -ENOBUFS;
	}
	append_locked(q, it);
	return 0;
}

int sess_notifyq_add(struct fuse_session *se, enum fuse_notify_code code, struct iovec *iov,
		     int count)
{
	int err = sess_notify_check(se, code);
	struct sess_notify_queue *q;
	struct item *it = NULL;

	if (err)
		return err;
	if (atomic_load(&se->exited))
		return -ENOTCONN;
	q = queue_of(se, true);
	if (q && code != FUSE_NOTIFY_INC_EPOCH)
		it = item_new(code, iov, count);
	if (!q || (!it && code != FUSE_NOTIFY_INC_EPOCH))
		return -ENOMEM;
	pthread_mutex_lock(&q->lock);
	err = q->stop ? -ENOTCONN : start_locked(se, q);
	if (err)
		free(it);
	else
		err = it ? add_locked(q, it) : add_epoch_locked(q);
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return err;
}

static struct timespec deadline(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

int sess_notifyq_flush(struct fuse_session *se, int timeout_ms)
{
	const struct sess_worker *w = sess_worker_current();
	struct sess_notify_queue *q = queue_of(se, false);
	struct timespec until = deadline(timeout_ms < 0 ? 0 : timeout_ms);
	uint64_t target;
	int err = 0;

	if (w && w->se == se && w->current)
		return -EDEADLK;
	if (!q)
		return 0;
	pthread_mutex_lock(&q->lock);
	target = q->added;
	while (q->done < target && !q->stop && err != ETIMEDOUT) {
		if (timeout_ms < 0)
			pthread_cond_wait(&q->changed, &q->lock);
		else
			err = pthread_cond_timedwait(&q->changed, &q->lock, &until);
	}
	if (q->done >= target)
		err = 0;
	else
		err = q->stop ? -ENOTCONN : -ETIMEDOUT;
	pthread_mutex_unlock(&q->lock);
	return err;
}

void sess_notifyq_limit(struct fuse_session *se, size_t bytes)
{
	struct sess_notify_queue *q = queue_of(se, true);

	if (!q)
		return;
	pthread_mutex_lock(&q->lock);
	q->limit = bytes;
	pthread_mutex_unlock(&q->lock);
}

struct sess_notifyq_counts sess_notifyq_counts(struct fuse_session *se)
{
	struct sess_notify_queue *q = queue_of(se, false);
	struct sess_notifyq_counts counts = {0};

	if (!q)
		return counts;
	pthread_mutex_lock(&q->lock);
	counts = q->counts;
	pthread_mutex_unlock(&q->lock);
	return counts;
}

/* ---- the end ---- */

static bool ended_within(struct sess_notify_queue *q, int ms)
{
	struct timespec until = deadline(ms);
	bool ended;

	pthread_mutex_lock(&q->lock);
	while (!q->ended && pthread_cond_timedwait(&q->changed, &q->lock, &until) != ETIMEDOUT)
		;
	ended = q->ended;
	pthread_mutex_unlock(&q->lock);
	return ended;
}

void sess_notifyq_stop(struct fuse_session *se)
{
	struct sess_notify_queue *q = queue_of(se, false);
	bool started;

	if (!q)
		return;
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	started = q->started;
	q->started = false;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	if (!started)
		return;
	/* What it is sending may wait for a request that the loops, which have
	 * ended, left unanswered. */
	while (!ended_within(q, STOP_GRACE_MS))
		sess_drain(se);
	pthread_join(q->thread, NULL);
}

void sess_notifyq_free(struct fuse_session *se)
{
	struct sess_notify_queue *q = se->notifyq;
	struct item *it;

	if (!q)
		return;
	while ((it = q->first)) {
		q->first = it->next;
		free(it);
	}
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->changed);
	free(q);
	se->notifyq = NULL;
}
