/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profuse run: the keeper takes everything down. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/unmount.h"
#include "run.h"

/* Writing back, flushing and leaving politely may take its time; a filesystem
 * that does not react to SIGTERM either gets less. */
#define POLITE_S 60
#define TERM_S	 5

struct teardown {
	const struct run_plan *plan;
	int signals;
	bool hurry;
};

/* The parent of a process, or 0. The name may hold blanks and parentheses, so
 * the fields are counted from its last parenthesis. */
static pid_t parent_of(const char *pid)
{
	char path[300], text[512];
	const char *p;
	ssize_t n = -1;
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "re");
	if (f) {
		n = (ssize_t)fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

int run_signal_children(int sig)
{
	DIR *proc = opendir("/proc");
	pid_t self = getpid();
	struct dirent *d;
	int n = 0;

	while (proc && (d = readdir(proc))) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9' || parent_of(d->d_name) != self)
			continue;
		kill((pid_t)strtol(d->d_name, NULL, 10), sig);
		n++;
	}
	if (proc)
		closedir(proc);
	return n;
}

/* Waits for a child or a message; false when the time is up. */
static bool wait_a_while(struct teardown *t, const struct run_deadline *limit)
{
	struct pollfd p = {.fd = t->signals, .events = POLLIN};
	struct signalfd_siginfo si;
	int n = poll(&p, 1, t->hurry ? 0 : run_deadline_left(limit));

	while (read(t->signals, &si, sizeof(si)) == sizeof(si))
		t->hurry |= si.ssi_signo == SIGUSR1;
	return n != 0;
}

/* Until every child is gone, or the time is up. */
static bool wait_for_children(struct teardown *t, unsigned int seconds)
{
	struct run_deadline limit = run_deadline_in(seconds);

	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return errno == ECHILD;
		if (pid == 0 && !wait_a_while(t, &limit))
			return false;
	}
}

/* Returns 0, or the errno of umount2(2). */
static int unmount_now(const struct mnt_ident *mount)
{
	char path[4096];
	int err = mnt_reachable(mount, path, sizeof(path));

	if (err == -ENOENT)
		return 0;
	if (!err && umount2(path, UMOUNT_NOFOLLOW) == 0)
		return 0;
	return err ? -err : errno;
}

/*
 * Unmounting writes back what is cached, which waits for the filesystem; so
 * it is a child's task, and waiting for it has an end. Returns whether the
 * filesystem is told by it that this is the end.
 */
static bool unmount_politely(struct teardown *t, const struct mnt_ident *mount)
{
	struct run_deadline limit = run_deadline_in(POLITE_S);
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unmount_now(mount));
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		if (!wait_a_while(t, &limit))
			return false;
	}
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EBUSY)
		run_say("%s is still in use by a process that the command left behind",
			t->plan->mountpoint);
	return false;
}

/* A mount that is detached lives on, and its filesystem with it, as long as
 * somebody uses it; so the filesystem is told by signal. */
static void end_processes(struct teardown *t, bool served)
{
	run_signal_children(SIGTERM);
	run_signal_children(SIGCONT);
	if (wait_for_children(t, TERM_S))
		return;
	if (served)
		run_say("%s does not end; killing it", t->plan->fs_argv[0]);
	t->hurry = false;
	/* Whoever is killed leaves its children to us. */
	while (run_signal_children(SIGKILL) > 0 && !wait_for_children(t, 1))
		;
}

void run_teardown(const struct run_plan *plan, const struct mnt_ident *mount, bool served,
		  int signals)
{
	struct teardown t = {.plan = plan, .signals = signals};
	bool mounted = mount->unique || mount->id >= 0;

	if (!served || !unmount_politely(&t, mount) || !wait_for_children(&t, POLITE_S)) {
		if (mounted)
			umount2(plan->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW);
		end_processes(&t, served);
	}
	/* The loop is for what was mounted after we had stopped looking. */
	while (plan->temporary && rmdir(plan->mountpoint) < 0 && errno == EBUSY &&
	       umount2(plan->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
}
