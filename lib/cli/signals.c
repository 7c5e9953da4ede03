/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals that end sessions.
 *
 * The handlers know the registered sessions from a table of atomic pointers.
 * A session may be freed once fuse_remove_signal_handlers() has returned, so
 * that function takes it out of the table and then waits until no handler is
 * running: a handler counts itself in before it reads the table. Both accesses
 * are sequentially consistent; therefore either the handler sees the empty slot
 * or the remover sees the handler's count.
 */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/compiler.h"
#include "base/log.h"
#include "cli/crash.h"
#include "session/session.h"

#define MAX_SESSIONS 64

static _Atomic(struct fuse_session *) sessions[MAX_SESSIONS];
static atomic_int handlers_running;

/* For set and remove, which may be called from several threads. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

/* Who is told a second time, and is still in init(), may never leave it. */
static bool waits_in_vain(const struct fuse_session *se)
{
	return atomic_load(&se->exited) && atomic_load(&se->greeting);
}

static void end_sessions(int sig)
{
	int saved = errno;
	bool hopeless = false;

	atomic_fetch_add(&handlers_running, 1);
	for (int i = 0; i < MAX_SESSIONS; i++) {
		struct fuse_session *se = atomic_load(&sessions[i]);

		if (!se)
			continue;
		hopeless |= waits_in_vain(se);
		sess_exit(se, sig);
	}
	atomic_fetch_sub(&handlers_running, 1);
	/* Delivered when this handler returns; ends the process. */
	if (hopeless) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	errno = saved;
}

/* Unlike SIG_IGN an empty handler is not inherited by programs that the
 * filesystem executes. */
static void do_nothing(int sig)
{
}

static const struct {
	int sig;
	void (*handler)(int sig);
} handled[] = {
	{SIGHUP, end_sessions},
	{SIGINT, end_sessions},
	{SIGTERM, end_sessions},
	{SIGPIPE, do_nothing},
};

int cli_replace_handler(int sig, void (*old)(int), void (*new)(int), int flags)
{
	struct sigaction sa;

	if (sigaction(sig, NULL, &sa) < 0)
		return -errno;
	if ((sa.sa_flags & SA_SIGINFO) || sa.sa_handler != old)
		return 0;
	memset(&sa, 0, sizeof(sa));
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = new;
	sa.sa_flags = flags;
	return sigaction(sig, &sa, NULL) < 0 ? -errno : 0;
}

/* Only signals with their default action are ours to take: a program started
 * by nohup(1) goes on ignoring SIGHUP. */
static int install(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(handled); i++) {
		int res = cli_replace_handler(handled[i].sig, SIG_DFL, handled[i].handler, 0);

		if (res < 0) {
			fuse_log(FUSE_LOG_ERR, "fuse: cannot handle signal %d: %s\n",
				 handled[i].sig, strerror(-res));
			return res;
		}
	}
	return 0;
}

static void uninstall(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		cli_replace_handler(handled[i].sig, handled[i].handler, SIG_DFL, 0);
	cli_crash_uninstall();
}

static int register_locked(struct fuse_session *se)
{
	int room = -1;

	for (int i = 0; i < MAX_SESSIONS; i++) {
		struct fuse_session *there = atomic_load(&sessions[i]);

		if (there == se)
			return 0;
		if (!there && room < 0)
			room = i;
	}
	if (room < 0) {
		fuse_log(FUSE_LOG_ERR, "fuse: more than %d sessions with signal handlers\n",
			 MAX_SESSIONS);
		return -1;
	}
	atomic_store(&sessions[room], se);
	return 0;
}

static bool unregister_locked(const struct fuse_session *se)
{
	bool any_left = false;

	for (int i = 0; i < MAX_SESSIONS; i++) {
		struct fuse_session *there = atomic_load(&sessions[i]);

		if (there && there == se)
			atomic_store(&sessions[i], NULL);
		else if (there)
			any_left = true;
	}
	return any_left;
}

PROFUSE_EXPORT int fuse_set_signal_handlers(struct fuse_session *se)
{
	int res;

	pthread_mutex_lock(&table_lock);
	res = register_locked(se);
	if (res == 0 && install() < 0)
		res = -1;
	pthread_mutex_unlock(&table_lock);
	return res;
}

PROFUSE_EXPORT int fuse_set_fail_signal_handlers(struct fuse_session *se)
{
	int res;

	pthread_mutex_lock(&table_lock);
	res = register_locked(se);
	if (res == 0)
		res = cli_crash_install(end_sessions);
	pthread_mutex_unlock(&table_lock);
	return res;
}

PROFUSE_EXPORT void fuse_remove_signal_handlers(struct fuse_session *se)
{
	pthread_mutex_lock(&table_lock);
	if (!unregister_locked(se))
		uninstall();
	pthread_mutex_unlock(&table_lock);

	/* A handler that interrupted this thread has finished; one on another
	 * thread soon will. */
	while (atomic_load(&handlers_running))
		sched_yield();
}
