/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going into the background, with a parent that reports the outcome. */
#include "base/background.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"

#define ALL_EVENTS (BG_MOUNTED | BG_SERVING | BG_WANTED)

/* Exit status of a parent that cannot tell what happened. */
#define STATUS_UNKNOWN 1

static struct {
	/* Taken by exchange, so that exactly one thread ends a start. */
	atomic_bool pending;
	atomic_uint events;
	/* Written before `pending` is set, read after it was taken. */
	unsigned int flags;
	/* Our end of the line to the parent, -1 if there is none. */
	atomic_int line;
} start = {.line = -1};

int bg_null_stdio(void)
{
	CLEANUP_CLOSE int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (int target = 0; target <= 2; target++)
		if (dup2(fd, target) < 0)
			return -errno;
	if (fd <= 2)
		take_fd(&fd);
	return 0;
}

/* What the child ended with, for a parent that was told nothing. */
static int status_of_child(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return STATUS_UNKNOWN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_UNKNOWN;
}

/* Waits for a status on the line, or for the end of the child. The line alone
 * is not enough: a process that the child forked may hold it open. */
PROFUSE_NORETURN static void wait_and_leave(int line, pid_t child)
{
	struct pollfd p[2] = {{.fd = line, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	int status;

	p[1].fd = (int)syscall(SYS_pidfd_open, child, 0);
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	/* A status that was sent counts, also if the child has ended since. */
	if (recv(line, &status, sizeof(status), MSG_DONTWAIT) == sizeof(status))
		_exit(status);
	_exit(status_of_child(child));
}

/* From now on the kernel sends us SIGTERM when the other end goes away. A
 * signal on an fd, unlike PR_SET_PDEATHSIG, can be called off by any thread. */
static int follow_parent(int line)
{
	struct pollfd p = {.fd = line, .events = 0};

	if (fcntl(line, F_SETOWN, getpid()) < 0 || fcntl(line, F_SETSIG, SIGTERM) < 0 ||
	    fcntl(line, F_SETFL, O_ASYNC) < 0)
		return -errno;
	/* It may have gone before the signal was armed. */
	if (poll(&p, 1, 0) == 1)
		raise(SIGTERM);
	return 0;
}

/* What sits in the buffers would otherwise be written twice, or to /dev/null. */
static void flush_stdio(void)
{
	fflush(stdout);
	fflush(stderr);
}

/* Forks; returns in the child with its end of the line to the parent. */
static int fork_with_line(void)
{
	CLEANUP_CLOSE int ours = -1;
	int ends[2];
	pid_t child;

	/* The line must not land where /dev/null will be put over it. */
	int res = fd_ensure_stdio();

	if (res < 0)
		return res;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	flush_stdio();
	child = fork();
	if (child < 0) {
		res = -errno;
		close(ends[1]);
		return res;
	}
	if (child > 0) {
		close(take_fd(&ours));
		wait_and_leave(ends[1], child);
	}
	close(ends[1]);
	if (setsid() < 0)
		return -errno;
	return take_fd(&ours);
}

static void report(int line, int status)
{
	/* Called off first: the parent leaves as soon as it knows. */
	fcntl(line, F_SETFL, 0);
	if (send(line, &status, sizeof(status), MSG_NOSIGNAL) != sizeof(status))
		fuse_log(FUSE_LOG_WARNING,
			 "fuse: cannot report status %d to the parent process: %m\n", status);
	close(line);
}

int bg_fork_and_leave(void)
{
	int line = fork_with_line();
	int res;

	if (line < 0)
		return line;
	res = chdir("/") < 0 ? -errno : 0;
	if (res == 0)
		bg_null_stdio();
	report(line, res ? STATUS_UNKNOWN : 0);
	return res;
}

int bg_start(unsigned int flags)
{
	int line = -1;

	if (atomic_load(&start.pending))
		return -EBUSY;
	if (!(flags & BG_STAY)) {
		int res;

		line = fork_with_line();
		if (line < 0)
			return line;
		res = follow_parent(line);
		if (res < 0) {
			report(line, STATUS_UNKNOWN);
			return res;
		}
	}
	start.flags = flags;
	atomic_store(&start.line, line);
	atomic_store(&start.events, 0);
	atomic_store(&start.pending, true);
	return 0;
}

bool bg_active(void)
{
	return atomic_load(&start.pending) && !(start.flags & BG_STAY);
}

static void finish(int status)
{
	int line;

	if (!atomic_exchange(&start.pending, false))
		return;
	line = atomic_exchange(&start.line, -1);
	if (status == 0) {
		if ((start.flags & BG_CHDIR) && chdir("/") < 0)
			fuse_log(FUSE_LOG_WARNING, "fuse: cannot change to /: %m\n");
		if (line >= 0)
			bg_null_stdio();
	}
	if (line >= 0)
		report(line, status);
}

void bg_note(enum bg_event event)
{
	if (atomic_load(&start.pending) &&
	    (atomic_fetch_or(&start.events, event) | event) == ALL_EVENTS)
		finish(0);
}

void bg_fail(int status)
{
	finish(status > 0 && status <= 255 ? status : STATUS_UNKNOWN);
}

static _Atomic bool loop_follows;

void bg_loop_will_follow(bool follows)
{
	atomic_store(&loop_follows, follows);
}

bool bg_loop_follows(void)
{
	return atomic_load(&loop_follows);
}
