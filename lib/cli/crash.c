/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A backtrace in the log before the process dies.
 *
 * The thread that crashed may hold any lock: that of the heap, of stdio, of the
 * program's log. To descriptor 2 the message therefore goes by write(2), past
 * all of them. A log of the program's or syslog cannot be reached but through
 * code that locks and allocates; it is called with an alarm set, which ends the
 * process when the log does not return.
 */
#include "cli/crash.h"

#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/compiler.h"
#include "base/log.h"

#define MAX_FRAMES 64
#define TEXT_SIZE  8192

static const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};

/* Set before the handlers are installed. */
static void (*call_first)(int sig);

/* For a log that hangs; long enough for one that is slow. */
#define GIVE_UP_SECONDS 3

static void say(const char *text)
{
	if (!log_is_stderr())
		fuse_log(FUSE_LOG_ERR, "%s", text);
	else if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return; /* there is nobody left to tell */
}

/* Line by line, because a log adds something to each message. */
static void say_lines(char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		char message[512] = "    ";
		size_t len = strlen(line);

		if (!len)
			continue;
		if (len > sizeof(message) - 6)
			len = sizeof(message) - 6;
		memcpy(message + 4, line, len);
		message[4 + len] = '\n';
		say(message);
	}
}

static void say_signal(int sig)
{
	const char *words = sigdescr_np(sig);
	char message[128] = "fuse: signal ";
	char *p = message + strlen(message);

	/* No stdio: the numbers of these signals have one or two digits. */
	if (sig >= 10)
		*p++ = (char)('0' + sig / 10 % 10);
	*p++ = (char)('0' + sig % 10);
	p = stpcpy(stpcpy(stpcpy(p, " ("), words ? words : "unknown"), ")");
	strcpy(p, ", the process ends. Backtrace:\n");
	say(message);
}

/* The heap may be what is broken, so the symbols go through a file in memory
 * instead of being allocated. */
static void say_backtrace(void)
{
	static char text[TEXT_SIZE];
	void *frames[MAX_FRAMES];
	CLEANUP_CLOSE int fd = memfd_create("backtrace", MFD_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	backtrace_symbols_fd(frames, backtrace(frames, MAX_FRAMES), fd);
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	say_lines(text);
}

static void give_up(int sig)
{
	abort();
}

/* Also where another thread takes the signal, which is as good. */
static void limit_time(void)
{
	sigset_t set;

	signal(SIGALRM, give_up);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	alarm(GIVE_UP_SECONDS);
}

static void die(int sig)
{
	/* A crash in here must not come back. */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);

	limit_time();
	call_first(sig);
	say_signal(sig);
	say_backtrace();
	abort();
}

int cli_crash_install(void (*first)(int sig))
{
	void *frame;

	/* The first backtrace loads a library, which is nothing for a handler. */
	backtrace(&frame, 1);
	call_first = first;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		int res = cli_replace_handler(signals[i], SIG_DFL, die, SA_ONSTACK | SA_NODEFER);

		if (res < 0) {
			fuse_log(FUSE_LOG_ERR, "fuse: cannot handle signal %d: %s\n", signals[i],
				 strerror(-res));
			return -1;
		}
	}
	return 0;
}

void cli_crash_uninstall(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		cli_replace_handler(signals[i], die, SIG_DFL, 0);
}
