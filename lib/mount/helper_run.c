/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/kernel.h"

extern char **environ;

/* What a child is given beside its arguments. */
struct child_setup {
	const char *path;
	char *const *argv;
	char *const *envp;
	int comm; /* to be inherited under its own number, or -1 */
	int said; /* becomes stderr */
};

#define COMM_VARS     2
#define COMM_VAR_SIZE 32

/* A copy of the environment with the two numbers replaced. Built by hand
 * because setenv() races with every other thread's getenv(). */
static char **make_env(char vars[COMM_VARS][COMM_VAR_SIZE])
{
	size_t n = 0, kept = 0;
	char **envp;

	while (environ && environ[n])
		n++;
	envp = calloc(n + COMM_VARS + 1, sizeof(*envp));
	if (!envp)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(environ[i], "_FUSE_COMMFD=", 13) != 0 &&
		    strncmp(environ[i], "_FUSE_COMMFD2=", 14) != 0)
			envp[kept++] = environ[i];
	}
	for (size_t i = 0; i < COMM_VARS; i++) {
		if (vars[i][0])
			envp[kept++] = vars[i];
	}
	return envp;
}

static int spawn_child(const struct child_setup *set, pid_t *pid)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t none, dflt;
	int err;

	sigemptyset(&none);
	sigemptyset(&dflt);
	sigaddset(&dflt, SIGCHLD);
	sigaddset(&dflt, SIGPIPE);
	posix_spawn_file_actions_init(&acts);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &dflt);
	/* To its own number: clears CLOEXEC in the child alone. */
	if (set->comm >= 0)
		posix_spawn_file_actions_adddup2(&acts, set->comm, set->comm);
	if (set->said >= 0)
		posix_spawn_file_actions_adddup2(&acts, set->said, STDERR_FILENO);
	err = posix_spawn(pid, set->path, &acts, &attr, set->argv, set->envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	return -err;
}

static int make_channels(struct mnt_helper_run *run, bool with_comm, int *their_comm,
			 int *their_said)
{
	int sv[2], pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	run->said_fd = pipe_fds[0];
	*their_said = pipe_fds[1];
	if (!with_comm)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	run->comm = sv[0];
	*their_comm = sv[1];
	return 0;
}

int mnt_helper_start(struct mnt_helper_run *run, const char *path, char *const argv[],
		     bool with_comm)
{
	char vars[COMM_VARS][COMM_VAR_SIZE] = {"", ""};
	CLEANUP_CLOSE int their_comm = -1, their_said = -1;
	CLEANUP_FREE char **envp = NULL;
	struct child_setup set;
	int err;

	*run = (struct mnt_helper_run){.comm = -1, .said_fd = -1, .status = -1};
	err = make_channels(run, with_comm, &their_comm, &their_said);
	if (err)
		return err;
	if (with_comm) {
		snprintf(vars[0], sizeof(vars[0]), "_FUSE_COMMFD=%d", their_comm);
		snprintf(vars[1], sizeof(vars[1]), "_FUSE_COMMFD2=%d", run->comm);
	}
	envp = make_env(vars);
	if (!envp)
		return -ENOMEM;
	set = (struct child_setup){path, argv, envp, their_comm, their_said};
	return spawn_child(&set, &run->pid);
}

/* Appends what there is to read; false at the end of file. A helper that
 * talks without end is not listened to for ever. */
static bool listen_once(struct mnt_helper_run *run)
{
	char buf[512];
	ssize_t n = read(run->said_fd, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR;
	if (n == 0)
		return false;
	if (run->said.len < 4096)
		mnt_text_add(&run->said, "%.*s", (int)n, buf);
	return true;
}

/* One message: a byte and, with it, the descriptor. */
static int receive_message(int sock)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (n == 0 || !c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int mnt_helper_receive(struct mnt_helper_run *run)
{
	struct pollfd p[2] = {
		{.fd = run->comm, .events = POLLIN},
		{.fd = run->said_fd, .events = POLLIN},
	};

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (p[1].revents && !listen_once(run))
			p[1].fd = -1;
		if (p[0].revents)
			return receive_message(run->comm);
	}
}

/* What is in the pipe now. */
static void listen_to_rest(struct mnt_helper_run *run)
{
	struct pollfd p = {.fd = run->said_fd, .events = POLLIN};

	while (poll(&p, 1, 0) > 0 && listen_once(run))
		;
}

/* Listens while the child runs: one that says much must not block. Its stderr
 * may stay open beyond its end, in the hands of a process it leaves behind. */
static void listen_until_exit(struct mnt_helper_run *run)
{
	CLEANUP_CLOSE int pidfd = mnt_sys_pidfd_open(run->pid);
	struct pollfd p[2] = {
		{.fd = pidfd, .events = POLLIN},
		{.fd = run->said_fd, .events = POLLIN},
	};

	while (pidfd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents)
			return;
		if (p[1].revents && !listen_once(run))
			p[1].fd = -1;
	}
}

void mnt_helper_finish(struct mnt_helper_run *run)
{
	if (run->pid > 0) {
		int status;
		pid_t pid;

		listen_until_exit(run);
		do {
			pid = waitpid(run->pid, &status, 0);
		} while (pid < 0 && errno == EINTR);
		/* ECHILD: the program reaps everything, or ignores SIGCHLD. */
		run->status = pid > 0 ? status : -1;
		run->pid = 0;
	}
	listen_to_rest(run);
}

void mnt_helper_end(struct mnt_helper_run *run)
{
	if (run->comm >= 0)
		close(run->comm);
	if (run->said_fd >= 0)
		close(run->said_fd);
	run->comm = run->said_fd = -1;
	if (run->pid > 0) {
		while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
			;
		run->pid = 0;
	}
	mnt_text_free(&run->said);
}

void mnt_helper_verdict(const struct mnt_helper_run *run, struct mnt_text *out)
{
	const char *s = run->said.str;

	if (run->status >= 0 && WIFSIGNALED(run->status))
		mnt_text_add(out, "was killed by signal %d", WTERMSIG(run->status));
	else if (run->status >= 0)
		mnt_text_add(out, "exited with status %d", WEXITSTATUS(run->status));
	else
		mnt_text_add(out, "ended");
	if (!s)
		return;
	mnt_text_add(out, ": ");
	while (*s) {
		size_t len = strcspn(s, "\n");

		mnt_text_add(out, "%.*s", (int)len, s);
		s += len;
		while (*s == '\n')
			s++;
		if (*s)
			mnt_text_add(out, "; ");
	}
}
