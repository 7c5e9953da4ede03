/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "patience.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "say.h"

#define FIRST_WORD 2000
#define NEXT_WORD  10000

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void patience_start(struct patience *p, int seconds)
{
	struct sigaction sa = {.sa_handler = on_signal};

	interrupted = 0;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	p->start = now();
	p->deadline = seconds < 0 ? INT64_MAX : p->start + (int64_t)seconds * 1000;
	p->speak = p->start + FIRST_WORD;
}

int patience_spent(const struct patience *p)
{
	return (int)((now() - p->start) / 1000);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int patience_poll(struct patience *p, struct pollfd *fds, nfds_t n, int slice, const char *what)
{
	int64_t end = slice < 0 ? INT64_MAX : now() + slice;

	for (;;) {
		int64_t t = now();
		int64_t wake = earlier(earlier(p->speak, p->deadline), end);
		int ready;

		/* A signal just before poll() is noticed a moment later. */
		if (interrupted)
			return -EINTR;
		ready = poll(fds, n, (int)earlier(wake > t ? wake - t : 0, 500));
		if (ready > 0)
			return ready;
		if (ready < 0 && errno != EINTR)
			return -errno;
		t = now();
		if (t >= p->deadline)
			return -ETIMEDOUT;
		if (t >= p->speak) {
			say("%s (%d s)", what, patience_spent(p));
			p->speak = t + NEXT_WORD;
		}
		if (t >= end)
			return 0;
	}
}

static int collect(struct patience *p, int fd, void *result, size_t size, const char *what)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int err = patience_poll(p, &pfd, 1, -1, what);

	if (err < 0)
		return err;
	/* Smaller than a pipe's buffer, so the child wrote it at once. */
	return fd_read_full(fd, result, size) == (ssize_t)size ? 0 : -ECHILD;
}

int patience_call(struct patience *p, void (*fn)(const void *arg, void *result), const void *arg,
		  void *result, size_t size, const char *what)
{
	CLEANUP_CLOSE int rd = -1;
	int fds[2], err;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	rd = fds[0];
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		fn(arg, result);
		_exit(fd_write_full(fds[1], result, size) < 0);
	}
	close(fds[1]);
	if (pid < 0)
		return -errno;
	err = collect(p, rd, result, size, what);
	if (err == -ETIMEDOUT || err == -EINTR) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, WNOHANG);
		return err;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}
