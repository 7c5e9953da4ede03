/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals at any moment of a system call on a real mount: it ends with its
 * result or with EINTR, as the filesystem says, and nobody gets stuck.
 * PROFUSE_STRESS signals (default 5000).
 */
#include "ops.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

struct job {
	fuse_req_t req;
	atomic_bool taken;
	atomic_int holders;
	atomic_bool full;
};

#define JOBS 4096
static struct job jobs[JOBS];
static atomic_ulong queued, served;
static atomic_bool client_over, answerer_over;
static atomic_long by_interrupt, by_answer;

static void let_go(struct job *j)
{
	if (atomic_fetch_sub(&j->holders, 1) == 1)
		j->full = false;
}

static void on_interrupt(fuse_req_t req, void *data)
{
	struct job *j = data;

	if (atomic_exchange(&j->taken, true))
		return;
	by_interrupt++;
	fuse_reply_err(req, EINTR);
	let_go(j);
}

/* Answers after a moment that varies, unless a signal was faster. */
static int answer(void *arg)
{
	while (!answerer_over) {
		struct job *j = &jobs[served % JOBS];

		if (served == queued) {
			sched_yield();
			continue;
		}
		served++;
		if (served % 2)
			usleep((useconds_t)(served % 100));
		if (!atomic_exchange(&j->taken, true)) {
			fuse_req_interrupt_func(j->req, NULL, NULL);
			by_answer++;
			fuse_reply_err(j->req, 0);
			let_go(j);
		}
		let_go(j);
	}
	return 0;
}

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;

static void later(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct job *j;

	pthread_mutex_lock(&queue_lock);
	j = &jobs[queued % JOBS];
	while (j->full)
		sched_yield();
	j->full = true;
	j->req = c->req;
	j->taken = false;
	j->holders = 2;
	fuse_req_interrupt_func(c->req, on_interrupt, j);
	queued++;
	pthread_mutex_unlock(&queue_lock);
}

static atomic_long calls, eintr;
static _Atomic pthread_t caller;
static atomic_bool ready;

static int call_again_and_again(void *arg)
{
	struct ops *t = arg;
	const char *path = ops_path(t, "file");

	caller = pthread_self();
	ready = true;
	while (!client_over) {
		int res;

		fs_script(t->fs, PROTO_ACCESS, later, NULL);
		res = access(path, R_OK);
		check(res == 0 || errno == EINTR);
		calls++;
		eintr += res != 0;
		fs_forget_calls(t->fs);
	}
	return 0;
}

static void nothing(int signal)
{
}

static void on_mount(struct ops *t)
{
	const char *s = getenv("PROFUSE_STRESS");
	long signals = s ? atol(s) : 5000;
	struct sigaction sa = {.sa_handler = nothing};
	struct ops_async *answerer, *client;

	client_over = answerer_over = ready = false;
	calls = eintr = by_interrupt = by_answer = 0;
	queued = served = 0;
	memset(jobs, 0, sizeof(jobs));
	sigaction(SIGUSR1, &sa, NULL);
	answerer = ops_async(answer, NULL);
	client = ops_async(call_again_and_again, t);
	while (!ready)
		usleep(100);
	for (long i = 0; i < signals; i++) {
		check_eq(pthread_kill(caller, SIGUSR1), 0);
		usleep((useconds_t)(i % 60));
	}
	/* Wherever the last signal struck: calls go on. */
	for (long before = calls; calls < before + 10;)
		usleep(100);
	client_over = true;
	ops_async_join(client);
	answerer_over = true;
	ops_async_join(answerer);
	printf("%ld signals, %ld calls, %ld interrupted; answers: %ld normal, %ld EINTR\n", signals,
	       (long)calls, (long)eintr, (long)by_answer, (long)by_interrupt);
	check(by_interrupt > 0);
	check(eintr <= by_interrupt);
}

OPS_TEST(.mount = on_mount, .op = PROTO_INTERRUPT, .special = true)
