/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which signals end sessions, which are left alone, and that a session may be
 * freed as soon as its handlers are removed.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <fuse_lowlevel.h>

#include "base/compiler.h"
#include "session/session.h"

static const struct sess_handler no_handler;

static struct fuse_session *new_session(void)
{
	struct fuse_session *se;

	if (sess_new(&no_handler, NULL, NULL, &se))
		_exit(99);
	return se;
}

/* Runs the body in a process of its own and returns its exit status, or 1000
 * plus the signal that killed it. */
static int in_child(void (*body)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		prctl(PR_SET_DUMPABLE, 0);
		/* The test framework and sanitizers handle crashes themselves. */
		for (int sig = 1; sig < 32; sig++)
			signal(sig, SIG_DFL);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			_exit(__LINE__ & 0x7f);                                                    \
	} while (0)

static int signal_to_try;

static void end_two_sessions(void)
{
	struct fuse_session *a = new_session(), *b = new_session();

	CHECK(fuse_set_signal_handlers(a) == 0);
	CHECK(fuse_set_signal_handlers(a) == 0);
	CHECK(fuse_set_signal_handlers(b) == 0);
	errno = EDOM;
	raise(signal_to_try);
	CHECK(errno == EDOM);
	CHECK(atomic_load(&a->exited) && atomic_load(&b->exited));
	CHECK(atomic_load(&a->error) == signal_to_try);
	CHECK(atomic_load(&b->error) == signal_to_try);
	fuse_remove_signal_handlers(a);
	fuse_remove_signal_handlers(b);
	sess_free(a);
	sess_free(b);
}

static void these_signals_end_every_registered_session(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		signal_to_try = signals[i];
		assert_int_equal(in_child(end_two_sessions), 0);
	}
}

static void handlers_live_as_long_as_a_session(void)
{
	struct fuse_session *a = new_session(), *b = new_session();

	CHECK(fuse_set_signal_handlers(a) == 0 && fuse_set_signal_handlers(b) == 0);
	fuse_remove_signal_handlers(a);
	sess_free(a);
	raise(SIGTERM);
	CHECK(atomic_load(&b->exited));
	fuse_remove_signal_handlers(b);
	sess_free(b);
	raise(SIGTERM);
	_exit(1);
}

static void after_the_last_session_signals_kill_again(void **state)
{
	assert_int_equal(in_child(handlers_live_as_long_as_a_session), 1000 + SIGTERM);
}

static void broken_pipe(void)
{
	struct fuse_session *se = new_session();
	int p[2];

	CHECK(fuse_set_signal_handlers(se) == 0);
	CHECK(pipe(p) == 0);
	close(p[0]);
	CHECK(write(p[1], "x", 1) == -1 && errno == EPIPE);
	CHECK(!atomic_load(&se->exited));
	fuse_remove_signal_handlers(se);
	sess_free(se);
}

static void a_broken_pipe_is_an_error_not_a_death(void **state)
{
	assert_int_equal(in_child(broken_pipe), 0);
}

static void own_handler(int sig)
{
	_exit(42);
}

static void nohup(void)
{
	struct fuse_session *se = new_session();

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, own_handler);
	CHECK(fuse_set_signal_handlers(se) == 0);
	raise(SIGHUP);
	CHECK(!atomic_load(&se->exited));
	fuse_remove_signal_handlers(se);
	sess_free(se);
	CHECK(signal(SIGHUP, SIG_DFL) == SIG_IGN);
	raise(SIGINT);
}

static void later_handler(void)
{
	struct fuse_session *se = new_session();

	CHECK(fuse_set_signal_handlers(se) == 0);
	signal(SIGTERM, own_handler);
	fuse_remove_signal_handlers(se);
	sess_free(se);
	raise(SIGTERM);
}

static void what_the_program_decided_stays(void **state)
{
	assert_int_equal(in_child(nohup), 42);
	assert_int_equal(in_child(later_handler), 42);
}

static atomic_bool stop;

static void *shower(void *arg)
{
	while (!atomic_load(&stop))
		kill(getpid(), SIGHUP);
	return NULL;
}

static void *idle(void *arg)
{
	while (!atomic_load(&stop))
		sched_yield();
	return NULL;
}

/* Signals land on any of the threads while sessions come and go. */
static void come_and_go(void)
{
	struct fuse_session *keeper = new_session();
	pthread_t t[2];

	CHECK(fuse_set_signal_handlers(keeper) == 0);
	pthread_create(&t[0], NULL, shower, NULL);
	pthread_create(&t[1], NULL, idle, NULL);
	for (int i = 0; i < 2000; i++) {
		struct fuse_session *se = new_session();

		CHECK(fuse_set_signal_handlers(se) == 0);
		fuse_remove_signal_handlers(se);
		sess_free(se);
	}
	atomic_store(&stop, true);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	fuse_remove_signal_handlers(keeper);
	sess_free(keeper);
}

static void a_session_may_be_freed_once_removed(void **state)
{
	assert_int_equal(in_child(come_and_go), 0);
}

static int trace_pipe[2];

PROFUSE_PRINTF(2, 0)
static void log_to_pipe(enum fuse_log_level level, const char *fmt, va_list ap)
{
	vdprintf(trace_pipe[1], fmt, ap);
}

static void crash(void)
{
	struct fuse_session *se = new_session();

	fuse_set_log_func(log_to_pipe);
	CHECK(fuse_set_fail_signal_handlers(se) == 0);
	raise(SIGSEGV);
}

static void crash_after_removal(void)
{
	struct fuse_session *se = new_session();

	CHECK(fuse_set_fail_signal_handlers(se) == 0);
	fuse_remove_signal_handlers(se);
	raise(SIGSEGV);
}

static void a_crash_leaves_a_backtrace(void **state)
{
	char text[16384];
	ssize_t n;

	assert_int_equal(pipe(trace_pipe), 0);
	assert_int_equal(in_child(crash), 1000 + SIGABRT);
	close(trace_pipe[1]);
	n = read(trace_pipe[0], text, sizeof(text) - 1);
	close(trace_pipe[0]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "signal 11 (Segmentation fault)"));
	assert_non_null(strstr(text, "[0x"));

	assert_int_equal(in_child(crash_after_removal), 1000 + SIGSEGV);
}

/* A log with a lock, as programs have them; the thread that crashes holds it. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

PROFUSE_PRINTF(2, 0)
static void log_with_lock(enum fuse_log_level level, const char *fmt, va_list ap)
{
	pthread_mutex_lock(&log_lock);
	vdprintf(trace_pipe[1], fmt, ap);
	pthread_mutex_unlock(&log_lock);
}

static void crash_in_the_log(void)
{
	struct fuse_session *se = new_session();

	fuse_set_log_func(log_with_lock);
	CHECK(fuse_set_fail_signal_handlers(se) == 0);
	pthread_mutex_lock(&log_lock);
	raise(SIGSEGV);
}

/* Another thread keeps standard error for ever. */
static void *keep_stderr(void *arg)
{
	flockfile(stderr);
	atomic_store((atomic_bool *)arg, true);
	pause();
	return NULL;
}

static void crash_while_stderr_is_kept(void)
{
	struct fuse_session *se = new_session();
	atomic_bool kept = false;
	pthread_t thread;

	dup2(trace_pipe[1], STDERR_FILENO);
	CHECK(fuse_set_fail_signal_handlers(se) == 0);
	CHECK(pthread_create(&thread, NULL, keep_stderr, &kept) == 0);
	while (!atomic_load(&kept))
		usleep(1000);
	raise(SIGSEGV);
}

static void a_crash_waits_for_no_lock(void **state)
{
	char text[16384];
	ssize_t n;

	assert_int_equal(pipe(trace_pipe), 0);
	assert_int_equal(in_child(crash_in_the_log), 1000 + SIGABRT);
	assert_int_equal(in_child(crash_while_stderr_is_kept), 1000 + SIGABRT);
	close(trace_pipe[1]);
	n = read(trace_pipe[0], text, sizeof(text) - 1);
	close(trace_pipe[0]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "signal 11 (Segmentation fault)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(these_signals_end_every_registered_session),
		cmocka_unit_test(after_the_last_session_signals_kill_again),
		cmocka_unit_test(a_broken_pipe_is_an_error_not_a_death),
		cmocka_unit_test(what_the_program_decided_stays),
		cmocka_unit_test(a_session_may_be_freed_once_removed),
		cmocka_unit_test(a_crash_leaves_a_backtrace),
		cmocka_unit_test(a_crash_waits_for_no_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
