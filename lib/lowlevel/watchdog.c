/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that sees to it that a program ends after its connection has ended,
 * even if the end of the program hangs.
 */
#include "lowlevel/ll.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Referenced by the session and by whoever started it, since either may end
 * first. */
struct ll_watchdog {
	_Atomic int refs;
	pthread_mutex_t lock;
	struct fuse_session *se; /* under lock; NULL when it is destroyed */
	int fd;			 /* of the connection; the number stays the session's */
	int timeout_sec;
	fuse_timeout_cb callback;
	void *data;
	int wake_fd; /* readable: the connection is over, or `stop` */
	_Atomic bool stop;
	pthread_t thread;
};

static void put(struct ll_watchdog *d)
{
	if (atomic_fetch_sub(&d->refs, 1) > 1)
		return;
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void wake(struct ll_watchdog *d)
{
	uint64_t one = 1;

	if (write(d->wake_fd, &one, sizeof(one)) < 0) {
		/* the counter cannot overflow */
	}
}

static bool wait_for_end(struct ll_watchdog *d)
{
	/* No events are asked for: errors are always reported. */
	struct pollfd p[2] = {
		{.fd = d->fd},
		{.fd = d->wake_fd, .events = POLLIN},
	};

	while (!p[0].revents && !p[1].revents) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
	}
	return !atomic_load(&d->stop);
}

static void end_session(struct ll_watchdog *d)
{
	pthread_mutex_lock(&d->lock);
	if (d->se)
		fuse_session_exit(d->se);
	pthread_mutex_unlock(&d->lock);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* True if it was not stopped in time. */
static bool outlast(struct ll_watchdog *d)
{
	int64_t until = now_ms() + (int64_t)d->timeout_sec * 1000, left;
	uint64_t drained;

	while (!atomic_load(&d->stop) && (left = until - now_ms()) > 0) {
		struct pollfd p = {.fd = d->wake_fd, .events = POLLIN};

		if (poll(&p, 1, left > 60000 ? 60000 : (int)left) > 0 &&
		    read(d->wake_fd, &drained, sizeof(drained)) < 0)
			break;
	}
	return !atomic_load(&d->stop);
}

static void *watch(void *arg)
{
	struct ll_watchdog *d = arg;

	if (!wait_for_end(d))
		return NULL;
	end_session(d);
	if (!outlast(d))
		return NULL;
	fuse_log(FUSE_LOG_ERR, "fuse: still running %d seconds after the connection ended\n",
		 d->timeout_sec);
	if (!d->callback)
		exit(1);
	d->callback(d->data);
	return NULL;
}

static int start_thread(struct ll_watchdog *d)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = pthread_create(&d->thread, NULL, watch, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static struct ll_watchdog *watchdog_new(struct fuse_session *se, int timeout_sec,
					fuse_timeout_cb timeout_cb, void *cb_data)
{
	struct ll_watchdog *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	*d = (struct ll_watchdog){
		.refs = 1,
		.se = se,
		.fd = fuse_session_fd(se),
		.timeout_sec = timeout_sec,
		.callback = timeout_cb,
		.data = cb_data,
		.wake_fd = eventfd(0, EFD_CLOEXEC),
	};
	pthread_mutex_init(&d->lock, NULL);
	if (d->wake_fd < 0 || start_thread(d)) {
		put(d);
		return NULL;
	}
	return d;
}

PROFUSE_EXPORT void *fuse_session_start_teardown_watchdog(struct fuse_session *se, int timeout_sec,
							  fuse_timeout_cb timeout_cb, void *cb_data)
{
	struct ll_watchdog *d = NULL;
	struct ll *ll;

	if (!se || timeout_sec <= 0 || fuse_session_fd(se) < 0)
		return NULL;
	ll = ll_of(se);
	pthread_mutex_lock(&ll->watchdog_lock);
	if (ll->watchdog && atomic_load(&ll->watchdog->stop)) {
		put(ll->watchdog);
		ll->watchdog = NULL;
	}
	if (!ll->watchdog) {
		d = watchdog_new(se, timeout_sec, timeout_cb, cb_data);
		if (d)
			atomic_fetch_add(&d->refs, 1);
		ll->watchdog = d;
	}
	pthread_mutex_unlock(&ll->watchdog_lock);
	return d;
}

void ll_watchdog_poke(struct ll *ll)
{
	pthread_mutex_lock(&ll->watchdog_lock);
	if (ll->watchdog)
		wake(ll->watchdog);
	pthread_mutex_unlock(&ll->watchdog_lock);
}

void ll_watchdog_leave(struct ll *ll)
{
	struct ll_watchdog *d = ll->watchdog;

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->se = NULL;
	pthread_mutex_unlock(&d->lock);
	wake(d);
	put(d);
	ll->watchdog = NULL;
}

PROFUSE_EXPORT void fuse_session_stop_teardown_watchdog(void *data)
{
	struct ll_watchdog *d = data;

	if (!d)
		return;
	atomic_store(&d->stop, true);
	wake(d);
	pthread_join(d->thread, NULL);
	put(d);
}
