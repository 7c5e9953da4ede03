/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define FUSE_USE_VERSION 319
#include <profuse.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mock.h"
#include "mock_session.h"

struct mock_server {
	struct fuse_session *se;
	unsigned int threads;
	pthread_t thread;
	int fd; /* MOCK_DEVICE: the session borrows it */
	int result;
	bool finished;
};

/* The functions of a custom_io get the session's userdata, which is the
 * filesystem's; so the mock is found by its descriptor. */
#define MAX_DEVICES 64
static struct {
	int fd;
	struct mock *mock;
} devices[MAX_DEVICES];
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;

static struct mock *find_device(int fd)
{
	struct mock *m = NULL;

	pthread_mutex_lock(&devices_lock);
	for (int i = 0; i < MAX_DEVICES && !m; i++) {
		if (devices[i].mock && devices[i].fd == fd)
			m = devices[i].mock;
	}
	pthread_mutex_unlock(&devices_lock);
	return m;
}

static void set_device(int fd, struct mock *from, struct mock *to)
{
	pthread_mutex_lock(&devices_lock);
	for (int i = 0; i < MAX_DEVICES; i++) {
		if (devices[i].mock == from && (!from || devices[i].fd == fd)) {
			devices[i].fd = fd;
			devices[i].mock = to;
			break;
		}
	}
	pthread_mutex_unlock(&devices_lock);
}

static ssize_t device_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	return mock_device_writev(find_device(fd), iov, count);
}

static ssize_t device_read(int fd, void *buf, size_t len, void *userdata)
{
	return mock_device_read(find_device(fd), fd, buf, len);
}

static int attach(struct mock *m, struct mock_server *s)
{
	static const struct fuse_custom_io io = {.writev = device_writev, .read = device_read};
	int fd = mock_take_server_fd(m), res;

	if (m->options.wire != MOCK_DEVICE) {
		res = profuse_session_stream(s->se, fd);
		if (res != 0)
			close(fd);
		return res;
	}
	s->fd = fd;
	set_device(fd, NULL, m);
	return fuse_session_custom_io(s->se, &io, sizeof(io), fd);
}

static void *serve(void *arg)
{
	struct mock *m = arg;
	struct mock_server *s = m->server;
	struct fuse_loop_config *config = NULL;
	int result;

	if (s->threads) {
		config = fuse_loop_cfg_create();
		fuse_loop_cfg_set_max_threads(config, s->threads);
		result = fuse_session_loop_mt(s->se, config);
		fuse_loop_cfg_destroy(config);
	} else {
		result = fuse_session_loop(s->se);
	}
	pthread_mutex_lock(&m->lock);
	s->result = result;
	s->finished = true;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

int mock_serve_wait(struct mock *m)
{
	struct timespec until = mock_deadline(m->options.deadline_ms);
	int res = 0;

	pthread_mutex_lock(&m->lock);
	while (!m->server->finished && res == 0)
		res = pthread_cond_timedwait(&m->changed, &m->lock, &until);
	res = m->server->finished ? m->server->result : -ETIMEDOUT;
	pthread_mutex_unlock(&m->lock);
	return res;
}

int mock_serve_join(struct mock *m)
{
	mock_abort(m);
	return mock_serve_wait(m);
}

/* The last step of mock_finish. A loop that does not end is a fault that
 * nothing after it could survive. */
static void end(struct mock *m)
{
	struct mock_server *s = m->server;

	mock_serve_wait(m);
	if (!s->finished) {
		fprintf(stderr, "mock kernel: the session's loop does not end\n");
		abort();
	}
	pthread_join(s->thread, NULL);
	if (s->fd >= 0) {
		set_device(s->fd, m, NULL);
		close(s->fd);
	}
	free(s);
	m->server = NULL;
}

int mock_serve(struct mock *m, struct fuse_session *se, unsigned int threads)
{
	struct mock_server *s = mock_alloc(sizeof(*s));
	int res;

	*s = (struct mock_server){.se = se, .threads = threads, .fd = -1};
	m->server = s;
	m->server_end = end;
	res = attach(m, s);
	if (res == 0)
		res = -pthread_create(&s->thread, NULL, serve, m);
	if (res != 0) {
		m->server_end = NULL;
		m->server = NULL;
		free(s);
	}
	return res;
}
