/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * INTERRUPT at every moment of a request's life, on the mock kernel: before it
 * arrives, while it waits, at the very moment of its answer, after it, and for
 * requests that never existed. Each request ends exactly once, with the result
 * that whoever answered it meant. PROFUSE_STRESS rounds of each (default
 * 5000), over a single- and a multi-threaded session.
 */
#define FUSE_USE_VERSION 319
#include <profuse.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mock_kernel.h"
#include "mock_session.h"

/* What the filesystem does with an ACCESS, by its mask. */
enum {
	AT_ONCE,   /* answers 0 in the callback */
	IF_STRUCK, /* answers EINTR when interrupted, and never otherwise */
	WHO_FIRST, /* 0 from another thread, or EINTR when interrupted before */
	WHO_FIRST_SLOWLY,
};

/* ---- the thread that answers ---- */

struct pending {
	struct pending *next;
	fuse_req_t req;
	int mask;
	atomic_bool taken; /* by whoever may answer */
	atomic_int holders;
};

static struct pending *queue, **queue_last = &queue;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static bool queue_closed;
static atomic_long interrupted, normal;

static void let_go(struct pending *p)
{
	if (atomic_fetch_sub(&p->holders, 1) == 1)
		free(p);
}

static void on_interrupt(fuse_req_t req, void *data)
{
	struct pending *p = data;

	assert_int_equal(fuse_req_interrupted(req), 1);
	if (atomic_exchange(&p->taken, true))
		return;
	interrupted++;
	assert_int_equal(fuse_reply_err(req, EINTR), 0);
	let_go(p);
}

static void answer_normally(struct pending *p)
{
	if (p->mask == WHO_FIRST_SLOWLY)
		usleep(20);
	if (!atomic_exchange(&p->taken, true)) {
		/* From here on_interrupt will not be called, and is not
		 * running. */
		fuse_req_interrupt_func(p->req, NULL, NULL);
		normal++;
		assert_int_equal(fuse_reply_err(p->req, 0), 0);
		let_go(p);
	}
	let_go(p);
}

static void *answerer(void *arg)
{
	struct pending *p;

	for (;;) {
		pthread_mutex_lock(&queue_lock);
		while (!queue && !queue_closed)
			pthread_cond_wait(&queue_filled, &queue_lock);
		p = queue;
		if (p) {
			queue = p->next;
			if (!queue)
				queue_last = &queue;
		}
		pthread_mutex_unlock(&queue_lock);
		if (!p)
			return NULL;
		answer_normally(p);
	}
}

static void enqueue(struct pending *p)
{
	pthread_mutex_lock(&queue_lock);
	*queue_last = p;
	queue_last = &p->next;
	pthread_cond_signal(&queue_filled);
	pthread_mutex_unlock(&queue_lock);
}

static void on_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct pending *p;

	if (mask == AT_ONCE) {
		fuse_reply_err(req, 0);
		return;
	}
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	p->req = req;
	p->mask = mask;
	p->holders = mask == IF_STRUCK ? 1 : 2;
	/* May call the function at once; then p is gone with IF_STRUCK. */
	fuse_req_interrupt_func(req, on_interrupt, p);
	if (mask != IF_STRUCK)
		enqueue(p);
}

static const struct fuse_lowlevel_ops ops = {.access = on_access};

/* ---- the kernel's side ---- */

struct run {
	struct mock *m;
	struct fuse_session *se;
	pthread_t answerer;
	uint64_t unique;
};

static long rounds(void)
{
	const char *s = getenv("PROFUSE_STRESS");

	return s ? atol(s) : 5000;
}

static struct run begin(unsigned int threads)
{
	struct fuse_args args = FUSE_ARGS_INIT(1, (char *[]){(char *)"races"});
	struct run r = {.unique = 1ULL << 40};

	queue_closed = false;
	interrupted = normal = 0;
	r.se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	fuse_opt_free_args(&args);
	assert_non_null(r.se);
	r.m = mock_new(&(struct mock_options){.wire = MOCK_SEQPACKET});
	assert_int_equal(pthread_create(&r.answerer, NULL, answerer, NULL), 0);
	assert_int_equal(mock_serve(r.m, r.se, threads), 0);
	assert_int_equal(mock_init(r.m), 0);
	return r;
}

static void end(struct run *r)
{
	/* All requests have their answers, but a reply function may still be
	 * on its way out of the library. */
	pthread_mutex_lock(&queue_lock);
	queue_closed = true;
	pthread_cond_broadcast(&queue_filled);
	pthread_mutex_unlock(&queue_lock);
	pthread_join(r->answerer, NULL);
	assert_int_equal(mock_pending(r->m), 0);
	assert_int_equal(mock_finish(r->m), 0);
	fuse_session_destroy(r->se);
}

static uint64_t ask(struct run *r, int mask)
{
	struct fuse_access_in in = {.mask = (uint32_t)mask};
	struct mock_call call = {.op = PROTO_ACCESS, .nodeid = 1, .in = &in, .unique = r->unique};

	r->unique += 2;
	return mock_send(r->m, &call);
}

/* Whether or not the mock thinks that there is something to interrupt. */
static void strike(struct run *r, uint64_t unique)
{
	struct fuse_interrupt_in in = {.unique = unique};
	struct mock_call call = {
		.op = PROTO_INTERRUPT, .unique = unique | FUSE_INT_REQ_BIT, .in = &in};

	assert_true(mock_send(r->m, &call) != 0);
}

static int result(struct run *r, uint64_t unique)
{
	struct mock_reply reply;

	assert_int_equal(mock_wait(r->m, unique, &reply), 0);
	mock_reply_free(&reply);
	return reply.error;
}

static void before_it_arrives(unsigned int threads)
{
	struct run r = begin(threads);

	for (long i = 0; i < rounds(); i++) {
		strike(&r, r.unique);
		assert_int_equal(result(&r, ask(&r, IF_STRUCK)), -EINTR);
	}
	assert_int_equal(interrupted, rounds());
	end(&r);
}

static void while_it_waits(unsigned int threads)
{
	struct run r = begin(threads);

	for (long i = 0; i < rounds(); i++) {
		uint64_t unique = ask(&r, IF_STRUCK);

		if (i % 8 == 0) /* certainly in the callback */
			assert_int_equal(result(&r, ask(&r, AT_ONCE)), 0);
		strike(&r, unique);
		assert_int_equal(result(&r, unique), -EINTR);
	}
	assert_int_equal(interrupted, rounds());
	end(&r);
}

static void at_the_moment_of_its_answer(unsigned int threads)
{
	struct run r = begin(threads);
	long struck = 0;

	for (long i = 0; i < rounds(); i++) {
		uint64_t unique = ask(&r, i % 2 ? WHO_FIRST : WHO_FIRST_SLOWLY);
		int error;

		if (i % 3 == 0)
			usleep(i % 30);
		strike(&r, unique);
		error = result(&r, unique);
		assert_true(error == 0 || error == -EINTR);
		struck += error == -EINTR;
	}
	assert_int_equal(interrupted, struck);
	assert_int_equal(normal, rounds() - struck);
	print_message("%u threads: %ld of %ld struck in time\n", threads, struck, rounds());
	end(&r);
}

static void after_its_answer(unsigned int threads)
{
	struct run r = begin(threads);

	for (long i = 0; i < rounds(); i++) {
		uint64_t unique = ask(&r, AT_ONCE);

		assert_int_equal(result(&r, unique), 0);
		strike(&r, unique);
	}
	assert_int_equal(result(&r, ask(&r, AT_ONCE)), 0);
	assert_int_equal(interrupted, 0);
	end(&r);
}

/* What is not found is kept for a while, then asked for again with EAGAIN; a
 * request that comes later is found by the repetition. */
static void for_a_request_that_is_not_there(unsigned int threads)
{
	struct run r = begin(threads);
	uint64_t missing = r.unique + 100000;

	strike(&r, missing);
	for (int i = 0; i < 200; i++)
		assert_int_equal(result(&r, ask(&r, AT_ONCE)), 0);
	assert_int_equal(mock_interrupts_requeued(r.m), 1);
	for (int i = 0; i < 2000; i++) /* more than anybody wants to remember */
		strike(&r, missing + 2 + 2 * (uint64_t)i);
	for (int i = 0; i < 200; i++)
		assert_int_equal(result(&r, ask(&r, AT_ONCE)), 0);
	assert_true(mock_interrupts_requeued(r.m) > 1000);
	r.unique = missing;
	{
		uint64_t unique = ask(&r, IF_STRUCK);

		strike(&r, unique);
		assert_int_equal(result(&r, unique), -EINTR);
	}
	end(&r);
}

#define BOTH_LOOPS(name)                                                                           \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		name(0);                                                                           \
		name(4);                                                                           \
	}

BOTH_LOOPS(before_it_arrives)
BOTH_LOOPS(while_it_waits)
BOTH_LOOPS(at_the_moment_of_its_answer)
BOTH_LOOPS(after_its_answer)
BOTH_LOOPS(for_a_request_that_is_not_there)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_it_arrives),
		cmocka_unit_test(test_while_it_waits),
		cmocka_unit_test(test_at_the_moment_of_its_answer),
		cmocka_unit_test(test_after_its_answer),
		cmocka_unit_test(test_for_a_request_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
