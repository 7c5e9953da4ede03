/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notification queue: what handlers want to tell the kernel, told by a
 * thread that holds up no request.
 *
 * First in, first out, with one exception: an addition is merged into one that
 * still waits if the outcome is the same (notify_item.h). That needs that
 * nothing else about the same subject was added in between, so a table finds
 * the last waiting notification about each subject.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session/drain.h"
#include "session/notify.h"
#include "session/notify_item.h"
#include "session/worker.h"

#define DEFAULT_LIMIT ((size_t)4 << 20)
#define BUCKETS	      256
/* For the thread to come back from what it is sending, before the requests in
 * its way are answered for it; how often that is done before the connection is
 * aborted; and how often before the thread is left to itself. */
#define STOP_GRACE_MS 20
#define STOP_ABORT    50
#define STOP_GIVE_UP  250

struct sess_notify_queue {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something to send, something sent, or the end */
	struct sess_item *first, **end;
	struct sess_item *bucket[BUCKETS]; /* the newest first */
	size_t bytes, limit;
	uint64_t added, done; /* sequence numbers */
	bool epoch_due;	      /* needs no memory, so that there is always room */
	uint64_t epoch_seq;
	bool started, stop, ended;
	bool orphaned; /* the thread frees the queue when it comes back */
	pthread_t thread;
	struct sess_notifyq_counts counts;
};

/* ---- the list ---- */

static struct sess_item *find_locked(struct sess_notify_queue *q, const struct sess_item *like)
{
	struct sess_item *it = q->bucket[like->hash % BUCKETS];

	while (it && !sess_item_same_subject(it, like))
		it = it->older;
	return it;
}

static void append_locked(struct sess_notify_queue *q, struct sess_item *it)
{
	it->seq = ++q->added;
	it->next = NULL;
	*q->end = it;
	q->end = &it->next;
	q->bytes += sess_item_cost(it);
	if (!sess_item_has_subject(it))
		return;
	it->older = q->bucket[it->hash % BUCKETS];
	q->bucket[it->hash % BUCKETS] = it;
}

/* Removes the first. It is the oldest of its bucket as well, but that is kept
 * newest first, so it is the last there. */
static struct sess_item *pop_locked(struct sess_notify_queue *q)
{
	struct sess_item *it = q->first, **link;

	q->first = it->next;
	if (!q->first)
		q->end = &q->first;
	q->bytes -= sess_item_cost(it);
	if (sess_item_has_subject(it)) {
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
	struct sess_item *it = NULL;
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
	/* From here on *se may go away, if this takes too long. */
	err = sess_notify_send(se, code, iov, it && it->len ? 2 : 1);
	free(it);
	pthread_mutex_lock(&q->lock);
	q->done = seq;
	count_result_locked(q, err);
	pthread_cond_broadcast(&q->changed);
}

static void queue_free(struct sess_notify_queue *q)
{
	struct sess_item *it;

	while ((it = q->first)) {
		q->first = it->next;
		free(it);
	}
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->changed);
	free(q);
}

/* If it comes back when nobody waits for it any more, the session may be gone:
 * only the queue is looked at then. */
static void *thread_main(void *arg)
{
	struct fuse_session *se = arg;
	struct sess_notify_queue *q = se->notifyq;
	bool orphaned;

	pthread_mutex_lock(&q->lock);
	while (!q->stop) {
		if (q->first || q->epoch_due)
			send_next_locked(se, q);
		else
			pthread_cond_wait(&q->changed, &q->lock);
	}
	q->ended = true;
	orphaned = q->orphaned;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	if (orphaned)
		queue_free(q);
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
static int add_locked(struct sess_notify_queue *q, struct sess_item *it)
{
	struct sess_item *waiting = sess_item_has_subject(it) ? find_locked(q, it) : NULL;

	if (waiting && sess_item_merge(waiting, it)) {
		q->counts.merged++;
		free(it);
		return 0;
	}
	if (sess_item_cost(it) > q->limit || q->bytes > q->limit - sess_item_cost(it)) {
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
	struct sess_item *it = NULL;

	if (err)
		return err;
	if (atomic_load(&se->exited))
		return -ENOTCONN;
	q = queue_of(se, true);
	if (q && code != FUSE_NOTIFY_INC_EPOCH)
		it = sess_item_new(code, iov, count);
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

/* True unless the thread came back after all. */
static bool orphan(struct sess_notify_queue *q)
{
	bool ended;

	pthread_mutex_lock(&q->lock);
	ended = q->ended;
	q->orphaned = !ended;
	if (!ended)
		pthread_detach(q->thread);
	pthread_mutex_unlock(&q->lock);
	return !ended;
}

/*
 * What the thread is sending may wait for a request that the loops, which have
 * ended, left unanswered; or for one that is out of reach, with another process
 * or in a ring that is gone. True if the thread has ended.
 */
static bool fetch_thread(struct fuse_session *se, struct sess_notify_queue *q)
{
	for (unsigned int tries = 0; !ended_within(q, STOP_GRACE_MS); tries++) {
		sess_drain(se);
		if (tries == STOP_ABORT && sess_abort(se) == 0)
			fuse_log(FUSE_LOG_WARNING,
				 "fuse: aborted the connection, as a notification could not be "
				 "delivered\n");
		if (tries >= STOP_GIVE_UP && orphan(q))
			return false;
	}
	return true;
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
	if (fetch_thread(se, q)) {
		pthread_join(q->thread, NULL);
		return;
	}
	fuse_log(FUSE_LOG_ERR, "fuse: a notification still waits for the kernel, which waits for a "
			       "request that nobody serves; writing to the abort file in "
			       "/sys/fs/fuse/connections frees both\n");
	pthread_mutex_lock(&se->notify_lock);
	se->notifyq = NULL;
	pthread_mutex_unlock(&se->notify_lock);
}

void sess_notifyq_free(struct fuse_session *se)
{
	if (se->notifyq)
		queue_free(se->notifyq);
	se->notifyq = NULL;
}
