/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection: its making and end, requests out, waiting for answers. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mock.h"

#define DEFAULT_DEADLINE_MS 20000

static void die(const char *what)
{
	fprintf(stderr, "mock kernel: %s: %s\n", what, strerror(errno));
	abort();
}

void *mock_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		die("calloc");
	return p;
}

struct timespec mock_deadline(int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

/* A packet must fit the sender's buffer; without privilege the system's limit
 * holds and large messages fail. */
static void widen(int fd)
{
	int size = MOCK_MESSAGE_MAX * 2;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void make_sockets(struct mock *m)
{
	int type = m->options.wire == MOCK_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;
	struct timeval limit = {.tv_sec = m->options.deadline_ms / 1000,
				.tv_usec = m->options.deadline_ms % 1000 * 1000};
	int fd[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd) < 0)
		die("socketpair");
	widen(fd[0]);
	widen(fd[1]);
	/* A server that stopped reading must not hang the test. */
	setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	m->fd = fd[0];
	m->server_fd = fd[1];
}

struct mock *mock_new(const struct mock_options *options)
{
	struct mock *m = mock_alloc(sizeof(*m));
	pthread_condattr_t attr;

	m->options = *options;
	if (m->options.minor == 0)
		m->options.minor = FUSE_KERNEL_MINOR_VERSION;
	if (m->options.deadline_ms == 0)
		m->options.deadline_ms = DEFAULT_DEADLINE_MS;
	m->conn.minor = m->options.minor;
	m->next_unique = 2;
	m->notify_last = &m->notify_first;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->send_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	pthread_condattr_destroy(&attr);
	make_sockets(m);
	if (options->wire != MOCK_DEVICE) {
		if (pthread_create(&m->reader, NULL, mock_reader, m) != 0)
			die("pthread_create");
		m->has_reader = true;
	}
	return m;
}

int mock_take_server_fd(struct mock *m)
{
	int fd = m->server_fd;

	m->server_fd = -1;
	return fd;
}

const struct proto_conn *mock_conn(const struct mock *m)
{
	return &m->conn;
}

const struct fuse_init_out *mock_init_out(const struct mock *m)
{
	return &m->init_out;
}

/* ---- out ---- */

int mock_transmit(struct mock *m, const void *bytes, size_t len)
{
	const char *p = bytes;
	int res = 0;

	pthread_mutex_lock(&m->send_lock);
	while (len > 0) {
		ssize_t n = send(m->fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			res = -errno;
			break;
		}
		p += n;
		len -= (size_t)n;
	}
	pthread_mutex_unlock(&m->send_lock);
	return res;
}

int mock_send_raw(struct mock *m, const void *bytes, size_t len)
{
	return mock_transmit(m, bytes, len);
}

struct mock_request *mock_find_locked(struct mock *m, uint64_t unique)
{
	struct mock_request *r = m->requests;

	while (r && r->unique != unique)
		r = r->next;
	return r;
}

static void free_request(struct mock_request *r)
{
	mock_reply_free(&r->reply);
	free(r->bytes);
	free(r);
}

static void unlink_request_locked(struct mock *m, struct mock_request *r)
{
	struct mock_request **p = &m->requests;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
}

static struct mock_request *encode(struct mock *m, const struct mock_call *call)
{
	struct mock_request *r = mock_alloc(sizeof(*r));
	struct proto_out out = {
		.op = &proto_ops[call->op],
		.unique = r->unique = call->unique,
		.nodeid = call->nodeid,
		.uid = call->uid,
		.gid = call->gid,
		.pid = call->pid,
		.in = call->in,
		.name = {call->name[0], call->name[1]},
		.data = call->data,
		.data_len = call->data_len,
		.ext = call->ext,
		.ext_len = call->ext_len,
		.era = m->options.era,
	};
	struct proto_msg msg;

	if (r->unique == 0) {
		pthread_mutex_lock(&m->lock);
		out.unique = r->unique = m->next_unique;
		m->next_unique += 2;
		pthread_mutex_unlock(&m->lock);
	}
	r->len = proto_encoded_size(&m->conn, &out);
	r->bytes = mock_alloc(r->len + 1);
	if (proto_encode(&m->conn, &out, r->bytes, r->len) != r->len ||
	    !proto_msg_flat(&msg, r->bytes, r->len) ||
	    proto_decode(&m->conn, &msg, &r->view) != PROTO_OK) {
		fprintf(stderr, "mock kernel: the test's own %s is malformed\n", out.op->name);
		abort();
	}
	return r;
}

uint64_t mock_send(struct mock *m, const struct mock_call *call)
{
	struct mock_request *r = encode(m, call);
	uint64_t unique = r->unique;
	bool answered = !proto_op_has(r->view.op, PROTO_F_NOREPLY);
	int res;

	if (answered) {
		pthread_mutex_lock(&m->lock);
		r->next = m->requests;
		m->requests = r;
		m->pending++;
		pthread_mutex_unlock(&m->lock);
	}
	res = mock_transmit(m, r->bytes, r->len);
	if (res == 0) {
		if (!answered)
			free_request(r);
		return unique;
	}
	if (answered) {
		pthread_mutex_lock(&m->lock);
		if (!r->answered)
			m->pending--;
		unlink_request_locked(m, r);
		pthread_mutex_unlock(&m->lock);
	}
	free_request(r);
	return 0;
}

/* ---- waiting ---- */

int mock_wait_ms(struct mock *m, uint64_t unique, int ms, struct mock_reply *reply)
{
	struct timespec until = mock_deadline(ms);
	struct mock_request *r;
	int res = 0;

	if (reply)
		*reply = (struct mock_reply){0};
	pthread_mutex_lock(&m->lock);
	for (;;) {
		r = mock_find_locked(m, unique);
		if (!r || r->answered || m->ended)
			break;
		if (ms == 0 || pthread_cond_timedwait(&m->changed, &m->lock, &until) == ETIMEDOUT) {
			ms = 0;
			r = mock_find_locked(m, unique);
			if (!r || !r->answered) {
				res = -EAGAIN;
				break;
			}
		}
	}
	if (res == 0 && !r)
		res = -ENOENT;
	if (res == 0 && !r->answered)
		res = -ECONNABORTED;
	if (r && res != -EAGAIN)
		unlink_request_locked(m, r);
	pthread_mutex_unlock(&m->lock);
	if (reply)
		reply->error = res;
	if (res == 0 && reply) {
		*reply = r->reply;
		r->reply.body = NULL;
	}
	if (r && res != -EAGAIN)
		free_request(r);
	return res;
}

int mock_wait(struct mock *m, uint64_t unique, struct mock_reply *reply)
{
	int res = mock_wait_ms(m, unique, m->options.deadline_ms, reply);

	if (res != -EAGAIN)
		return res;
	if (reply)
		reply->error = -ETIMEDOUT;
	return -ETIMEDOUT;
}

void mock_reply_free(struct mock_reply *reply)
{
	free(reply->body);
	reply->body = NULL;
}

int mock_call(struct mock *m, const struct mock_call *call, struct mock_reply *reply)
{
	uint64_t unique = mock_send(m, call);

	*reply = (struct mock_reply){.error = -ENOTCONN};
	if (unique == 0)
		return -ENOTCONN;
	mock_wait(m, unique, reply);
	return reply->error;
}

int mock_call_into(struct mock *m, const struct mock_call *call, void *out, size_t size)
{
	struct mock_reply reply;
	int res = mock_call(m, call, &reply);

	if (res == 0 && reply.len > size)
		res = -EIO;
	if (res == 0 && size) {
		memset(out, 0, size);
		memcpy(out, reply.body, reply.len);
	}
	mock_reply_free(&reply);
	return res;
}

size_t mock_pending(struct mock *m)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->pending;
	pthread_mutex_unlock(&m->lock);
	return n;
}

void mock_expect_strangers(struct mock *m)
{
	pthread_mutex_lock(&m->lock);
	m->strangers_welcome = true;
	pthread_mutex_unlock(&m->lock);
}

void mock_refuse_answers(struct mock *m, int error, unsigned int count)
{
	pthread_mutex_lock(&m->lock);
	m->refuse_error = error;
	m->refuse_count = count;
	pthread_mutex_unlock(&m->lock);
}

uint64_t mock_strangers(struct mock *m)
{
	uint64_t n;

	pthread_mutex_lock(&m->lock);
	n = m->strangers;
	pthread_mutex_unlock(&m->lock);
	return n;
}

bool mock_await_strangers(struct mock *m, uint64_t count)
{
	struct timespec until = mock_deadline(m->options.deadline_ms);
	bool enough;

	pthread_mutex_lock(&m->lock);
	while (!(enough = m->strangers >= count) && !m->ended) {
		if (pthread_cond_timedwait(&m->changed, &m->lock, &until) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&m->lock);
	return enough;
}

/* ---- the end ---- */

void mock_end_locked(struct mock *m)
{
	m->ended = true;
	pthread_cond_broadcast(&m->changed);
}

void mock_abort(struct mock *m)
{
	shutdown(m->fd, SHUT_RDWR);
	pthread_mutex_lock(&m->lock);
	mock_end_locked(m);
	pthread_mutex_unlock(&m->lock);
}

static void note_unanswered(struct mock *m)
{
	pthread_mutex_lock(&m->lock);
	for (struct mock_request *r = m->requests; r; r = r->next) {
		if (!r->answered)
			mock_fault_locked(m, "%s (unique %llu) was never answered",
					  r->view.op->name, (unsigned long long)r->unique);
	}
	pthread_mutex_unlock(&m->lock);
}

static int finish(struct mock *m)
{
	int faults;

	mock_abort(m);
	if (m->server_fd >= 0)
		close(m->server_fd);
	if (m->server_end)
		m->server_end(m);
	if (m->has_reader)
		pthread_join(m->reader, NULL);
	close(m->fd);
	while (m->requests) {
		struct mock_request *r = m->requests;

		m->requests = r->next;
		free_request(r);
	}
	while (m->notify_first) {
		struct mock_queued_notify *q = m->notify_first;

		m->notify_first = q->next;
		mock_notify_free(&q->n);
		free(q);
	}
	faults = m->fault_count;
	mock_books_free(m);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->send_lock);
	free(m);
	return faults;
}

int mock_finish(struct mock *m)
{
	pthread_mutex_lock(&m->lock);
	mock_book_leftovers_locked(m);
	pthread_mutex_unlock(&m->lock);
	note_unanswered(m);
	return finish(m);
}

int mock_unmount(struct mock *m)
{
	return finish(m);
}
