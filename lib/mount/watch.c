/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/kernel.h"
#include "mount/unmount.h"

/* Five seconds, as the helper does. */
#define LOOKS	100
#define LOOK_US 50000

extern char **environ;

/* Everything in the child is async-signal-safe: the parent may be threaded. */

static void close_all_but(int keep)
{
	/* Above all the connection: it must die with the filesystem. */
	if (mnt_sys_close_range((unsigned int)keep + 1, ~0U) < 0) {
		for (int fd = keep + 1; fd < 65536; fd++)
			close(fd);
	}
	for (int fd = 0; fd < keep; fd++)
		close(fd);
	/* The helper may want to say something. */
	while (open("/dev/null", O_RDWR) >= 0 && fcntl(STDERR_FILENO, F_GETFD) < 0)
		;
}

static bool connection_is_dead(const char *path)
{
	struct statfs st;

	/* With another process serving on, this waits for its answer. */
	return statfs(path, &st) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

static void unmount(const char *path, const char *helper)
{
	const char *argv[] = {"fusermount3", "-u", "-q", "-z", "--", path, NULL};

	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && *helper)
		execve(helper, (char *const *)argv, environ);
}

/* Not _exit(): sanitizers hang their final checks on it, which have no meaning
 * in a forked child of a threaded program. */
PROFUSE_NORETURN static void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

PROFUSE_NORETURN static void watch(const struct mnt_ident *ident, const char *helper, int rd)
{
	char path[PATH_MAX], byte;
	sigset_t all;
	ssize_t n;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "fuse-unmount");
	if (chdir("/") < 0)
		leave(1);
	close_all_but(rd);
	do {
		n = read(rd, &byte, 1);
	} while (n > 0 || (n < 0 && errno == EINTR));
	/* The pipe ends before the connection does where a ring still holds the
	 * device while its process goes. */
	for (int i = 0; i < LOOKS && mnt_reachable(ident, path, sizeof(path)) == 0; i++) {
		if (connection_is_dead(path)) {
			unmount(path, helper);
			break;
		}
		usleep(LOOK_US);
	}
	leave(0);
}

int mnt_watch_start(struct mnt_result *res, const char *helper)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		/* Twice, so that init adopts what stays. */
		pid = fork();
		if (pid == 0)
			watch(&res->ident, helper, fds[0]);
		leave(pid < 0);
	}
	close(fds[0]);
	if (pid > 0) {
		int status = 0;

		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			res->keep_fd = fds[1];
			return 0;
		}
	}
	close(fds[1]);
	return -EAGAIN;
}
