/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests that wait for one another on one CPU, callbacks that block, and
 * requests that other threads answer in any order: everybody gets an answer, and
 * the session can end in the middle of it.
 * PROFUSE_STRESS held requests (default 3000).
 */
#include "ops.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/sysinfo.h>
#include <time.h>

#define CROWD 24

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static bool multi;

/* ---- the filesystem: requests that are kept ---- */

static fuse_req_t kept[2 * CROWD];
static int keeping;
static atomic_int wanted;

static void keep_locked(fuse_req_t req)
{
	check(keeping < 2 * CROWD);
	kept[keeping++] = req;
}

static fuse_req_t take_locked(int which)
{
	fuse_req_t req = kept[which];

	kept[which] = kept[--keeping];
	return req;
}

static bool locked;

static void do_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *l,
		     int sleep)
{
	pthread_mutex_lock(&lock);
	if (l->l_type == F_UNLCK) {
		if (keeping)
			fuse_reply_err(take_locked(keeping - 1), 0);
		else
			locked = false;
		fuse_reply_err(req, 0);
	} else if (locked) {
		keep_locked(req);
	} else {
		locked = true;
		fuse_reply_err(req, 0);
	}
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

/* "held..." is answered by the lookup that makes the number of them full. */
static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (strncmp(name, "held", 4) != 0) {
		fs_ops.lookup(req, parent, name);
		return;
	}
	pthread_mutex_lock(&lock);
	keep_locked(req);
	if (keeping == wanted) {
		while (keeping)
			fuse_reply_err(take_locked(0), ENOENT);
	}
	pthread_mutex_unlock(&lock);
}

/* ---- the filesystem: what access() does ---- */

enum { AT_ONCE, MEET, ANSWER_FIRST, LATER, EXIT_THREAD };
static atomic_int way, met, meeting;
static bool go_on;

static void do_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	pthread_mutex_lock(&lock);
	switch (way) {
	case MEET: /* blocks until enough of them are in here */
		met++;
		pthread_cond_broadcast(&change);
		while (met < meeting)
			pthread_cond_wait(&change, &lock);
		fuse_reply_err(req, 0);
		break;
	case ANSWER_FIRST: /* blocks until the caller has its answer */
		fuse_reply_err(req, 0);
		while (!go_on)
			pthread_cond_wait(&change, &lock);
		break;
	case LATER:
		keep_locked(req);
		pthread_cond_broadcast(&change);
		break;
	case EXIT_THREAD:
		pthread_mutex_unlock(&lock);
		pthread_exit(NULL);
	default:
		fuse_reply_err(req, 0);
	}
	pthread_mutex_unlock(&lock);
}

static struct fuse_lowlevel_ops ops(void)
{
	struct fuse_lowlevel_ops o = fs_ops;

	o.setlk = do_setlk;
	o.lookup = do_lookup;
	o.access = do_access;
	return o;
}

/* ---- the callers ---- */

struct caller {
	struct ops *t;
	unsigned int cpu;
	int number, fd;
	struct ops_async *thread;
};

static void stay_on(unsigned int cpu)
{
	cpu_set_t mask;

	CPU_ZERO(&mask);
	CPU_SET(cpu, &mask);
	check_eq(sched_setaffinity(0, sizeof(mask), &mask), 0);
}

static int call_access(void *arg)
{
	struct caller *c = arg;
	char path[64];

	snprintf(path, sizeof(path), "%s/file", c->t->mnt);
	stay_on(c->cpu);
	return access(path, R_OK) == 0 ? 0 : -errno;
}

static int lock_and_unlock(void *arg)
{
	struct caller *c = arg;
	struct flock l = {.l_type = F_WRLCK, .l_len = 1};

	stay_on(c->cpu);
	check_eq(fcntl(c->fd, F_SETLKW, &l), 0);
	pthread_mutex_lock(&lock);
	while (!go_on)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
	l.l_type = F_UNLCK;
	check_eq(fcntl(c->fd, F_SETLK, &l), 0);
	return 0;
}

static int look_up(void *arg)
{
	struct caller *c = arg;
	char path[64];

	snprintf(path, sizeof(path), "%s/held%d", c->t->mnt, c->number);
	stay_on(c->cpu);
	check_errno(access(path, F_OK), ENOENT);
	return 0;
}

static void begin(struct caller *callers, int count, struct ops *t, unsigned int cpu, int fd,
		  int (*func)(void *arg))
{
	for (int i = 0; i < count; i++) {
		callers[i] = (struct caller){.t = t, .cpu = cpu, .number = i, .fd = fd};
		callers[i].thread = ops_async(func, &callers[i]);
	}
}

static void end(struct caller *callers, int count, int result)
{
	for (int i = 0; i < count; i++)
		check_eq(ops_async_join(callers[i].thread), result);
}

static void wait_until_kept(int count)
{
	pthread_mutex_lock(&lock);
	while (keeping < count)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
}

static void let_go_on(bool value)
{
	pthread_mutex_lock(&lock);
	go_on = value;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

/* ---- the cases ---- */

/* All of them wait in the filesystem; then each lets the next one in. */
static void locks_that_wait(struct ops *t, unsigned int cpu)
{
	int fd = open(ops_path(t, "file"), O_RDWR);
	struct caller callers[CROWD];

	check(fd >= 0);
	let_go_on(false);
	begin(callers, CROWD, t, cpu, fd, lock_and_unlock);
	wait_until_kept(CROWD - 1);
	let_go_on(true);
	end(callers, CROWD, 0);
	close(fd);
}

static void lookups_that_wait(struct ops *t, unsigned int cpu)
{
	struct caller callers[CROWD];

	wanted = CROWD;
	begin(callers, CROWD, t, cpu, -1, look_up);
	end(callers, CROWD, 0);
}

static void callbacks_that_block(struct ops *t, unsigned int cpu)
{
	struct caller callers[4];

	way = MEET;
	met = 0;
	meeting = 3;
	begin(callers, 3, t, cpu, -1, call_access);
	end(callers, 3, 0);
	let_go_on(false);
	way = ANSWER_FIRST;
	/* When the library has fallen asleep, and entries wait for requests. */
	usleep(300000);
	begin(callers, 1, t, cpu, -1, call_access);
	end(callers, 1, 0);
	way = AT_ONCE;
	let_go_on(true);
}

static void threads_that_end(struct ops *t, unsigned int cpu)
{
	struct caller callers[4];

	way = EXIT_THREAD;
	begin(callers, 1, t, cpu, -1, call_access);
	end(callers, 1, -EIO);
	way = AT_ONCE;
	begin(callers, 4, t, cpu, -1, call_access);
	end(callers, 4, 0);
}

static void *loop_again(void *arg)
{
	struct ops *t = arg;

	t->loop_result = t->threads ? fuse_session_loop_mt(t->se, NULL) : fuse_session_loop(t->se);
	return NULL;
}

/* What comes between two loops waits for the second. */
static void loops_that_follow(struct ops *t, unsigned int cpu)
{
	struct caller caller;

	fuse_session_exit(t->se);
	pthread_join(t->loop, NULL);
	for (;;) {
		int result;

		begin(&caller, 1, t, cpu, -1, call_access);
		usleep(20000);
		if (!ops_async_done(caller.thread))
			break;
		/* It met a ring that was just being taken down. */
		result = ops_async_join(caller.thread);
		check_eq(strcmp(t->transport, "uring"), 0);
		if (result != -ECANCELED)
			check_eq(result, -ECONNABORTED);
	}
	fuse_session_reset(t->se);
	check_eq(pthread_create(&t->loop, NULL, loop_again, t), 0);
	end(&caller, 1, 0);
}

static atomic_bool over, exiting;
static atomic_long answered;

/* Answers what is kept, the oldest or the youngest first. */
static int answerer(void *arg)
{
	unsigned int seed = *(unsigned int *)arg;

	pthread_mutex_lock(&lock);
	while (!over) {
		fuse_req_t req;

		if (!keeping) {
			struct timespec soon;

			clock_gettime(CLOCK_REALTIME, &soon);
			soon.tv_sec++;
			pthread_cond_timedwait(&change, &lock, &soon);
			continue;
		}
		req = take_locked(rand_r(&seed) % keeping);
		pthread_mutex_unlock(&lock);
		if (rand_r(&seed) % 8 == 0)
			usleep(rand_r(&seed) % 200);
		fuse_reply_err(req, fuse_req_interrupted(req) ? EINTR : 0);
		answered++;
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int call_again_and_again(void *arg)
{
	struct caller *c = arg;

	stay_on(c->cpu);
	while (!over) {
		char path[64];

		snprintf(path, sizeof(path), "%s/file", c->t->mnt);
		if (access(path, R_OK) != 0 && errno != EINTR) {
			check(exiting);
			return 0;
		}
		/* Lookups and forgets in between. */
		snprintf(path, sizeof(path), "%s/none%d", c->t->mnt, c->number);
		if (access(path, R_OK) == 0 || (errno != ENOENT && errno != EINTR)) {
			check(exiting);
			return 0;
		}
	}
	return 0;
}

static void nothing(int signal)
{
}

static void answers_from_elsewhere(struct ops *t)
{
	const char *s = getenv("PROFUSE_STRESS");
	long goal = s ? atol(s) : 3000;
	struct sigaction sa = {.sa_handler = nothing};
	struct caller callers[16];
	struct ops_async *answerers[3];
	unsigned int seeds[3] = {1, 2, 3}, cpus = (unsigned int)get_nprocs();
	time_t begun = time(NULL);

	over = exiting = false;
	answered = 0;
	way = LATER;
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 3; i++)
		answerers[i] = ops_async(answerer, &seeds[i]);
	for (int i = 0; i < 16; i++) {
		callers[i] = (struct caller){.t = t, .cpu = (unsigned int)i % cpus, .number = i};
		callers[i].thread = ops_async(call_again_and_again, &callers[i]);
	}
	for (int i = 0; answered < goal; i++) {
		check(time(NULL) < begun + 60);
		ops_async_kill(callers[i % 16].thread, SIGUSR1);
		usleep(500);
	}
	/* In the middle of it all. */
	exiting = true;
	fuse_session_exit(t->se);
	pthread_join(t->loop, NULL);
	t->joined = true;
	over = true;
	fuse_session_unmount(t->se);
	for (int i = 0; i < 16; i++)
		ops_async_join(callers[i].thread);
	for (int i = 0; i < 3; i++)
		ops_async_join(answerers[i]);
	keeping = 0;
}

static void on_mount(struct ops *t)
{
	struct profuse_uring_info info;
	unsigned int last = (unsigned int)get_nprocs() - 1;
	const char *wanted_rounds = getenv("PROFUSE_ROUNDS");
	long rounds = wanted_rounds ? atol(wanted_rounds) : 1;
	/* A file that the kernel knows throughout; see ring_clerk.c. */
	int fd = open(ops_path(t, "file"), O_RDWR);

	check(fd >= 0);
	multi = t->threads > 0;
	way = AT_ONCE;
	for (long round = 0; round < rounds; round++) {
		locks_that_wait(t, last);
		lookups_that_wait(t, 0);
		if (multi) {
			callbacks_that_block(t, last);
			if (round == 0 && strcmp(t->transport, "uring") == 0)
				threads_that_end(t, 0);
		}
		locks_that_wait(t, 0);
	}
	loops_that_follow(t, last);
	loops_that_follow(t, 0);
	if (profuse_session_uring(t->se, &info, sizeof(info)) == 1)
		printf("%u queues, %u threads, %u entries\n", info.queues, info.threads,
		       info.entries);
	close(fd);
	answers_from_elsewhere(t);
}

static void init(struct fuse_conn_info *conn)
{
	fuse_set_feature_flag(conn, FUSE_CAP_PARALLEL_DIROPS);
}

OPS_TEST(.mount = on_mount, .op = PROTO_ACCESS, .special = true, .ops = ops, .init = init)
