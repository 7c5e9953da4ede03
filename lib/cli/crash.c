/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A backtrace in the log before the process dies. */
#include "cli/crash.h"

#include <execinfo.h>
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

static void log_lines(char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			fuse_log(FUSE_LOG_ERR, "    %s\n", line);
}

/* The heap may be what is broken, so the symbols go through a file in memory
 * instead of being allocated. */
static void log_backtrace(void)
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
	log_lines(text);
}

static void die(int sig)
{
	/* A crash in here must not come back. */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);

	call_first(sig);
	fuse_log(FUSE_LOG_ERR, "fuse: signal %d (%s), the process ends. Backtrace:\n", sig,
		 sigdescr_np(sig));
	log_backtrace();
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
