/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profuse run: the keeper, while the filesystem starts and runs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

struct keeper {
	const struct run_plan *plan;
	int sock;
	int signals;
	int mountinfo;
	struct mnt_ident before; /* what was at the mountpoint */
	struct mnt_ident mount;	 /* what the filesystem put there */
	pid_t fs;		 /* 0 once it has ended */
	int fs_status;
	pid_t probe; /* 0 if none */
	bool ready;
};

static pid_t start_filesystem(const struct run_plan *plan)
{
	pid_t pid = fork();
	int null, err;

	if (pid != 0)
		return pid;
	/* What it prints must not end up in the command's output. */
	null = open("/dev/null", O_RDONLY);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close(null);
	/* It runs in the background of the command's terminal: neither Ctrl-Z
	 * nor printing there should stop it. */
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	err = plan->namespaced && !plan->as_root ? run_keep_mount_right() : 0;
	if (err) {
		run_say("cannot pass on the right to mount: %s", strerror(-err));
		_exit(RUN_FAILED);
	}
	run_exec(plan, plan->fs_argv);
}

/* These say that nobody answered; anything else is an answer. */
static bool no_answer(int err)
{
	return err == ENOTCONN || err == ECONNABORTED || err == ECONNREFUSED;
}

/* In a process of its own, because it waits as long as the filesystem does,
 * and not even SIGKILL ends it before. */
static pid_t start_probe(const struct run_plan *plan)
{
	pid_t pid = fork();
	struct statfs fs;
	struct stat st;

	if (pid != 0)
		return pid;
	if (statfs(plan->mountpoint, &fs) < 0 && no_answer(errno))
		_exit(1);
	if (stat(plan->mountpoint, &st) < 0 && no_answer(errno))
		_exit(1);
	_exit(0);
}

static void look_for_mount(struct keeper *k)
{
	struct mnt_ident now;

	if (k->probe || k->ready || mnt_ident_of_path(k->plan->mountpoint, &now) < 0 ||
	    mnt_ident_same(&now, &k->before))
		return;
	k->mount = now;
	k->probe = start_probe(k->plan);
}

static void say_end(const struct keeper *k, const char *when)
{
	const char *name = k->plan->fs_argv[0];

	if (WIFSIGNALED(k->fs_status))
		run_say("%s was ended by signal %d (%s) %s", name, WTERMSIG(k->fs_status),
			strsignal(WTERMSIG(k->fs_status)), when);
	else
		run_say("%s exited with status %d %s", name, WEXITSTATUS(k->fs_status), when);
}

enum verdict { GO_ON, READY, FAILED };

static enum verdict probe_ended(struct keeper *k, int status)
{
	k->probe = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return READY;
	run_say("%s has mounted but then refused to serve", k->plan->fs_argv[0]);
	return FAILED;
}

/* The filesystem's first process ended. Status 0 is how one goes to the
 * background, provided that somebody is left. */
static enum verdict filesystem_ended(struct keeper *k, int status)
{
	k->fs = 0;
	k->fs_status = status;
	if (status != 0) {
		say_end(k, k->ready ? "while it was in use" : "before it answered");
		return k->ready ? GO_ON : FAILED;
	}
	return GO_ON;
}

/* It has touched the terminal from the background. While it starts it gets
 * what it wants; later the terminal is the command's. */
static void filesystem_stopped(struct keeper *k, int sig)
{
	char asks = RUN_ASKS;

	if (sig != SIGTTIN && sig != SIGTTOU)
		return;
	if (k->ready)
		run_say("%s is stopped: it wants to read from the terminal", k->plan->fs_argv[0]);
	else if (write(k->sock, &asks, sizeof(asks)) < 0)
		run_say("%s: %s", k->plan->fs_argv[0], strerror(errno));
}

static enum verdict reap(struct keeper *k)
{
	enum verdict v = GO_ON;
	int status;
	pid_t pid;

	while (v == GO_ON && (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (WIFSTOPPED(status))
			filesystem_stopped(k, WSTOPSIG(status));
		else if (pid == k->probe)
			v = probe_ended(k, status);
		else if (pid == k->fs)
			v = filesystem_ended(k, status);
	}
	if (v == GO_ON && pid < 0 && errno == ECHILD && !k->ready) {
		run_say("%s exited with status 0 but has not mounted anything on %s",
			k->plan->fs_argv[0], k->plan->mountpoint);
		v = FAILED;
	}
	return v;
}

static void drain(int signals)
{
	struct signalfd_siginfo si;

	while (read(signals, &si, sizeof(si)) == sizeof(si))
		;
}

static enum verdict wait_for_answer(struct keeper *k)
{
	struct run_deadline limit = run_deadline_in(k->plan->timeout_s);
	struct pollfd p[3] = {
		{.fd = k->sock, .events = POLLIN},
		{.fd = k->signals, .events = POLLIN},
		{.fd = k->mountinfo, .events = POLLPRI},
	};
	enum verdict v = GO_ON;

	while (v == GO_ON) {
		int n;

		/* Looking comes after the poll was set up by the round before:
		 * the kernel remembers a change in between. */
		look_for_mount(k);
		n = poll(p, 3, run_deadline_left(&limit));
		if (n == 0) {
			run_say("%s has %s within %u s", k->plan->fs_argv[0],
				k->probe ? "mounted but not answered" : "not mounted anything",
				k->plan->timeout_s);
			return FAILED;
		}
		if (n > 0 && p[0].revents) /* the user has lost patience */
			return FAILED;
		drain(k->signals);
		v = reap(k);
	}
	return v;
}

static void serve(struct keeper *k)
{
	struct pollfd p[2] = {
		{.fd = k->sock, .events = POLLIN},
		{.fd = k->signals, .events = POLLIN},
	};

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		/* First the news: the command may have ended because of them. */
		drain(k->signals);
		reap(k);
		if (p[0].revents)
			return;
	}
}

void run_keeper(const struct run_plan *plan, int sock)
{
	struct keeper k = {.plan = plan, .sock = sock, .mount = MNT_IDENT_NONE};
	char ready = RUN_READY;
	sigset_t all;

	setpgid(0, 0);
	prctl(PR_SET_NAME, "profuse-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	k.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	k.mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (k.signals < 0 || mnt_ident_of_path(plan->mountpoint, &k.before) < 0)
		_exit(1);
	k.fs = start_filesystem(plan);
	if (k.fs > 0 && wait_for_answer(&k) == READY &&
	    write(sock, &ready, sizeof(ready)) == sizeof(ready)) {
		k.ready = true;
		serve(&k);
	}
	run_teardown(plan, &k.mount, k.ready, k.signals);
	_exit(0);
}
