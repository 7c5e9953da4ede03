/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profuse run: the command, and what both programs are started with. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

struct run_deadline run_deadline_in(unsigned int seconds)
{
	struct timespec now;

	if (!seconds)
		return (struct run_deadline){-1};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct run_deadline){(now.tv_sec + (long long)seconds) * 1000 +
				     now.tv_nsec / 1000000};
}

int run_deadline_left(const struct run_deadline *d)
{
	struct timespec now;
	long long left;

	if (d->at_ms < 0)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	left = d->at_ms - (now.tv_sec * 1000LL + now.tv_nsec / 1000000);
	return left > 0 ? (int)left : 0;
}

int run_keep_mount_right(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	/* Ambient needs inheritable, and only ambient outlives the exec of a
	 * program that has no file capabilities, by a user who is not root. */
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	data[CAP_TO_INDEX(CAP_SYS_ADMIN)].inheritable |= CAP_TO_MASK(CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &head, data) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0) < 0)
		return -errno;
	return 0;
}

void run_exec(const struct run_plan *plan, char **argv)
{
	int err;

	sigprocmask(SIG_SETMASK, &plan->old_mask, NULL);
	execvp(argv[0], argv);
	err = errno;
	run_say("%s: %s", argv[0], strerror(err));
	_exit(err == ENOENT || err == ENOTDIR ? RUN_NOT_FOUND : RUN_NOT_EXEC);
}

/* Who stands in the mountpoint or below stands under the new mount now. */
static void step_onto_mount(const struct run_plan *plan)
{
	size_t len = strlen(plan->mountpoint);
	char *cwd = getcwd(NULL, 0);

	if (cwd && strncmp(cwd, plan->mountpoint, len) == 0 && (cwd[len] == '/' || !cwd[len])) {
		if (chdir(cwd) < 0)
			run_say("%s is not in the mounted filesystem", cwd);
	}
	free(cwd);
}

/*
 * Passes one signal on. What the terminal sends, it has sent to the command
 * too: both are in its foreground group.
 */
static void pass_on(int signals, pid_t command)
{
	struct signalfd_siginfo si;

	while (read(signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGCHLD && si.ssi_code <= 0)
			kill(command, (int)si.ssi_signo);
	}
}

int run_command(const struct run_plan *plan, int signals)
{
	pid_t self = getpid(), pid = fork();
	int status;

	if (pid < 0) {
		run_say("cannot start %s: %s", plan->cmd_argv[0], strerror(errno));
		return RUN_FAILED;
	}
	if (pid == 0) {
		/* As if the command had been started without us: killing the
		 * process that the user knows kills it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(RUN_FAILED);
		step_onto_mount(plan);
		run_exec(plan, plan->cmd_argv);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct pollfd p = {.fd = signals, .events = POLLIN};

		if (poll(&p, 1, -1) > 0)
			pass_on(signals, pid);
	}
	return WIFSIGNALED(status) ? RUN_SIGNALLED(WTERMSIG(status)) : WEXITSTATUS(status);
}
