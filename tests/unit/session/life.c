/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of requests in a session, seen from a peer at the other end of a
 * socket: answers, doubles, wrong ones, interrupts, exit. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/session.h"
#include "session/worker.h"

/* ---- a handler whose behaviour the test chooses ---- */

enum behaviour { ANSWER, TWICE, WRONG_KIND, TOO_SHORT, LATER, UNTIL_INTERRUPTED, BLOCK };

struct fixture {
	struct fuse_session *se;
	int peer;
	pthread_t loop;
	bool threaded;
	int loop_result;
	enum behaviour behaviour;
	int destroyed;
	_Atomic int errors_logged;
	char logged[512];
	pthread_mutex_t lock;
	pthread_cond_t release;
	bool released;
	fuse_req_t kept[64];
	unsigned int kept_count;
};

static struct fixture *fixture;

PROFUSE_PRINTF(2, 0)
static void count_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	if (level > FUSE_LOG_ERR)
		return;
	pthread_mutex_lock(&fixture->lock);
	vsnprintf(fixture->logged, sizeof(fixture->logged), fmt, ap);
	pthread_mutex_unlock(&fixture->lock);
	atomic_fetch_add(&fixture->errors_logged, 1);
}

static int answer_attr(fuse_req_t req, size_t size)
{
	struct fuse_attr_out out = {.attr = {.mode = 0100644, .nlink = 1}};
	struct iovec iov[2] = {{0}, {&out, size}};

	return sess_reply(req, PROTO_REPLY_ATTR, 0, iov, 2);
}

static void interrupted(fuse_req_t req, void *data)
{
	struct iovec iov[1];

	sess_reply(req, PROTO_REPLY_EMPTY, -EINTR, iov, 1);
}

static void handle_request(void *data, fuse_req_t req, const struct proto_req *r)
{
	struct fixture *f = data;
	struct iovec iov[2];
	uint64_t eight = 0;

	switch (f->behaviour) {
	case ANSWER:
		assert_int_equal(answer_attr(req, sizeof(struct fuse_attr_out)), 0);
		break;
	case TWICE:
		answer_attr(req, sizeof(struct fuse_attr_out));
		assert_int_equal(answer_attr(req, sizeof(struct fuse_attr_out)), -EINVAL);
		break;
	case WRONG_KIND:
		iov[1] = (struct iovec){&eight, sizeof(eight)};
		assert_int_equal(sess_reply(req, PROTO_REPLY_WRITE, 0, iov, 2), -EINVAL);
		break;
	case TOO_SHORT:
		assert_int_equal(answer_attr(req, 20), -EINVAL);
		break;
	case LATER:
		pthread_mutex_lock(&f->lock);
		f->kept[f->kept_count++] = req;
		pthread_mutex_unlock(&f->lock);
		break;
	case BLOCK:
		pthread_mutex_lock(&f->lock);
		f->kept[f->kept_count++] = req;
		while (!f->released)
			pthread_cond_wait(&f->release, &f->lock);
		pthread_mutex_unlock(&f->lock);
		answer_attr(req, sizeof(struct fuse_attr_out));
		break;
	case UNTIL_INTERRUPTED:
		sess_interrupt_func(req, interrupted, NULL);
		break;
	}
}

static void handle_destroy(void *data)
{
	((struct fixture *)data)->destroyed++;
}

static bool implements(void *data, size_t offset)
{
	return false;
}

static const struct sess_handler handler = {
	.destroy = handle_destroy,
	.request = handle_request,
	.implements = implements,
};

static void *run_loop(void *arg)
{
	struct fixture *f = arg;
	struct sess_loop_params p = {.max_idle_threads = UINT32_MAX, .max_threads = 10};

	f->loop_result = f->threaded ? sess_loop_mt(f->se, &p) : sess_loop(f->se);
	return NULL;
}

/* ---- the peer ---- */

struct answer {
	struct fuse_out_header h;
	unsigned char body[512];
};

static void send_request(struct fixture *f, uint32_t opcode, uint64_t unique, const void *arg,
			 size_t len)
{
	struct fuse_in_header h = {
		.len = (uint32_t)(sizeof(h) + len),
		.opcode = opcode,
		.unique = unique,
		.nodeid = 1,
	};
	struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)arg, len}};

	assert_int_equal(writev(f->peer, iov, 2), sizeof(h) + len);
}

static bool get_answer(struct fixture *f, struct answer *a, int timeout_ms)
{
	struct pollfd p = {.fd = f->peer, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, timeout_ms) != 1)
		return false;
	/* A byte stream may hold more than one. */
	if (recv(f->peer, &a->h, sizeof(a->h), MSG_PEEK | MSG_WAITALL) != sizeof(a->h))
		return false;
	n = recv(f->peer, a, a->h.len, MSG_WAITALL);
	assert_int_equal(n, a->h.len);
	return true;
}

static void getattr(struct fixture *f, uint64_t unique)
{
	struct fuse_getattr_in in = {0};

	send_request(f, FUSE_GETATTR, unique, &in, sizeof(in));
}

static void interrupt(struct fixture *f, uint64_t unique)
{
	struct fuse_interrupt_in in = {.unique = unique};

	send_request(f, FUSE_INTERRUPT, unique | FUSE_INT_REQ_BIT, &in, sizeof(in));
}

static void handshake(struct fixture *f)
{
	struct fuse_init_in in = {.major = 7, .minor = 45, .max_readahead = 131072};
	struct answer a;

	send_request(f, FUSE_INIT, 2, &in, sizeof(in));
	assert_true(get_answer(f, &a, 5000));
	assert_int_equal(a.h.error, 0);
	assert_int_equal(a.h.unique, 2);
	assert_int_equal(a.h.len, sizeof(a.h) + sizeof(struct fuse_init_out));
}

static void begin(struct fixture *f, int type, bool threaded, enum behaviour behaviour)
{
	int sv[2];
	struct xport *x;

	*f = (struct fixture){.threaded = threaded, .behaviour = behaviour};
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->release, NULL);
	fixture = f;
	fuse_set_log_func(count_log);
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sv), 0);
	f->peer = sv[1];
	assert_int_equal(sess_new(&handler, f, NULL, &f->se), 0);
	assert_int_equal(xport_stream_new(sv[0], false, &x), 0);
	assert_int_equal(sess_attach(f->se, x), 0);
	assert_int_equal(pthread_create(&f->loop, NULL, run_loop, f), 0);
	handshake(f);
}

static void end(struct fixture *f)
{
	close(f->peer);
	pthread_join(f->loop, NULL);
	assert_int_equal(f->loop_result, 0);
	sess_free(f->se);
	assert_int_equal(f->destroyed, 1);
}

#define ON_EVERY_LOOP(f, behaviour)                                                                \
	for (int mode_ = 0;                                                                        \
	     mode_ < 4 &&                                                                          \
	     (begin(f, mode_ & 1 ? SOCK_STREAM : SOCK_SEQPACKET, mode_ & 2, behaviour), true);     \
	     end(f), mode_++)

/* ---- tests ---- */

static void a_request_is_answered(void **state)
{
	struct fixture f;
	struct answer a;

	ON_EVERY_LOOP(&f, ANSWER)
	{
		for (uint64_t u = 4; u < 2000; u += 2) {
			getattr(&f, u);
			assert_true(get_answer(&f, &a, 5000));
			assert_int_equal(a.h.unique, u);
			assert_int_equal(a.h.error, 0);
		}
		assert_int_equal(f.errors_logged, 0);
	}
}

static void a_second_answer_is_refused_with_the_name_of_the_operation(void **state)
{
	struct fixture f;
	struct answer a;

	ON_EVERY_LOOP(&f, TWICE)
	{
		getattr(&f, 4);
		assert_true(get_answer(&f, &a, 5000));
		assert_int_equal(a.h.error, 0);
		assert_false(get_answer(&f, &a, 20));
		assert_int_equal(f.errors_logged, 1);
		assert_non_null(strstr(f.logged, "GETATTR"));
	}
}

static void a_wrong_answer_becomes_eio_and_the_session_lives(void **state)
{
	static const enum behaviour wrong[] = {WRONG_KIND, TOO_SHORT};
	struct fixture f;
	struct answer a;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ON_EVERY_LOOP(&f, wrong[i])
		{
			getattr(&f, 4);
			assert_true(get_answer(&f, &a, 5000));
			assert_int_equal(a.h.error, -EIO);
			getattr(&f, 6);
			assert_true(get_answer(&f, &a, 5000));
			assert_int_equal(a.h.unique, 6);
		}
	}
}

static void answers_may_come_later_and_from_another_thread(void **state)
{
	struct fixture f;
	struct answer a;

	ON_EVERY_LOOP(&f, LATER)
	{
		for (unsigned int i = 0; i < ARRAY_SIZE(f.kept); i++)
			getattr(&f, 4 + 2 * i);
		for (unsigned int have = 0; have < ARRAY_SIZE(f.kept);) {
			pthread_mutex_lock(&f.lock);
			have = f.kept_count;
			pthread_mutex_unlock(&f.lock);
		}
		for (unsigned int i = 0; i < ARRAY_SIZE(f.kept); i++) {
			assert_int_equal(answer_attr(f.kept[i], sizeof(struct fuse_attr_out)), 0);
			assert_true(get_answer(&f, &a, 5000));
			assert_int_equal(a.h.error, 0);
			/* and once more is once too often */
			assert_int_equal(answer_attr(f.kept[i], sizeof(struct fuse_attr_out)),
					 -EINVAL);
		}
	}
}

static void an_interrupt_finds_its_request_also_when_it_comes_first(void **state)
{
	struct fixture f;
	struct answer a;

	ON_EVERY_LOOP(&f, UNTIL_INTERRUPTED)
	{
		for (uint64_t u = 4; u < 400; u += 4) {
			getattr(&f, u);
			interrupt(&f, u);
			assert_true(get_answer(&f, &a, 5000));
			assert_int_equal(a.h.unique, u);
			assert_int_equal(a.h.error, -EINTR);
			interrupt(&f, u + 2);
			getattr(&f, u + 2);
			assert_true(get_answer(&f, &a, 5000));
			assert_int_equal(a.h.unique, u + 2);
			assert_int_equal(a.h.error, -EINTR);
		}
	}
}

static void interrupts_for_nobody_are_answered_again_in_time(void **state)
{
	struct fixture f;
	struct answer a;
	unsigned int again = 0;

	ON_EVERY_LOOP(&f, ANSWER)
	{
		again = 0;
		for (unsigned int i = 0; i < 40; i++)
			interrupt(&f, 100000 + 2 * i);
		for (uint64_t u = 4; u < 8000; u += 2) {
			getattr(&f, u);
			do {
				assert_true(get_answer(&f, &a, 5000));
				if (a.h.unique != u) {
					assert_int_equal(a.h.error, -EAGAIN);
					again++;
				}
			} while (a.h.unique != u);
		}
		assert_int_equal(again, 40);
	}
}

/* Ten callbacks that block are ten threads; when they are over, all goes on. */
static void blocked_callbacks_do_not_keep_others_waiting(void **state)
{
	struct fixture f;
	struct answer a;
	unsigned int have;

	for (int round = 0; round < 20; round++) {
		begin(&f, SOCK_SEQPACKET, true, BLOCK);
		for (uint64_t i = 0; i < 12; i++)
			getattr(&f, 4 + 2 * i);
		do {
			pthread_mutex_lock(&f.lock);
			have = f.kept_count;
			pthread_mutex_unlock(&f.lock);
			usleep(100);
		} while (have < 10); /* or the test's timeout */
		assert_false(get_answer(&f, &a, 10));
		pthread_mutex_lock(&f.lock);
		f.released = true;
		pthread_cond_broadcast(&f.release);
		pthread_mutex_unlock(&f.lock);
		for (int i = 0; i < 12; i++)
			assert_true(get_answer(&f, &a, 5000));
		end(&f);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void exit_ends_an_idle_loop_at_once(void **state)
{
	struct fixture f;
	double start;

	for (int i = 0; i < 200; i++) {
		begin(&f, SOCK_SEQPACKET, i & 1, ANSWER);
		start = seconds();
		sess_exit(f.se, 0);
		pthread_join(f.loop, NULL);
		assert_true(seconds() - start < 0.1);
		assert_int_equal(f.loop_result, 0);
		sess_free(f.se);
		close(f.peer);
	}
}

static void a_malformed_request_gets_an_error_and_is_logged_once(void **state)
{
	struct fixture f;
	struct answer a;
	uint64_t few = 0;

	ON_EVERY_LOOP(&f, ANSWER)
	{
		for (uint64_t u = 4; u < 40; u += 2) {
			send_request(&f, FUSE_SETATTR, u, &few, sizeof(few));
			assert_true(get_answer(&f, &a, 5000));
			assert_int_equal(a.h.error, -EIO);
			assert_int_equal(a.h.unique, u);
		}
		send_request(&f, 99, 40, NULL, 0);
		assert_true(get_answer(&f, &a, 5000));
		assert_int_equal(a.h.error, -ENOSYS);
		assert_int_equal(f.errors_logged, 1);
		assert_non_null(strstr(f.logged, "SETATTR"));
		getattr(&f, 42);
		assert_true(get_answer(&f, &a, 5000));
		assert_int_equal(a.h.error, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_answered),
		cmocka_unit_test(a_second_answer_is_refused_with_the_name_of_the_operation),
		cmocka_unit_test(a_wrong_answer_becomes_eio_and_the_session_lives),
		cmocka_unit_test(answers_may_come_later_and_from_another_thread),
		cmocka_unit_test(an_interrupt_finds_its_request_also_when_it_comes_first),
		cmocka_unit_test(interrupts_for_nobody_are_answered_again_in_time),
		cmocka_unit_test(blocked_callbacks_do_not_keep_others_waiting),
		cmocka_unit_test(exit_ends_an_idle_loop_at_once),
		cmocka_unit_test(a_malformed_request_gets_an_error_and_is_logged_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
