/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: probefs [SOURCE] DIR [-o OPTIONS]
 *
 * A filesystem that reports how it was called and does as it is told. It mounts
 * as every program on the library does and serves an empty root by hand, in the
 * background. The environment says the rest:
 *
 *   PROBE_OUT         directory for reports: argv (separated by zero bytes),
 *                     environ and status (those of /proc), pid, destroyed
 *   PROBE_EXIT=N      ends with N instead of mounting
 *   PROBE_FOREGROUND  stays where it is
 *   PROBE_DESTROY_MS  how long writing "destroyed" takes after the unmount
 *   PROBE_STAYS       goes on after that until SIGTERM
 *   PROBE_ALSO        another directory to mount and serve
 *   PROBE_UMOUNT      on SIGUSR1 runs this with the directory as its argument, and
 *                     waits for its end before its own
 */
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_opt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../mount/responder.h"
#include "base/background.h"
#include "base/fd.h"

static const char *out_dir;
static volatile sig_atomic_t asked_to_unmount, asked_to_end;

static void report(const char *name, const void *bytes, size_t len)
{
	char path[4096], tmp[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", out_dir, name);
	snprintf(tmp, sizeof(tmp), "%s/.%s", out_dir, name);
	fd = open(tmp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || fd_write_full(fd, bytes, len) < 0 || close(fd) < 0 || rename(tmp, path) < 0) {
		fprintf(stderr, "probefs: %s: %s\n", path, strerror(errno));
		exit(70);
	}
}

static void report_file(const char *name, const char *from)
{
	static char bytes[65536];
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	report(name, bytes, n < 0 ? 0 : (size_t)n);
	close(fd);
}

static void report_pid(void)
{
	char text[32];

	report("pid", text, (size_t)snprintf(text, sizeof(text), "%d", getpid()));
}

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		asked_to_unmount = 1;
	else
		asked_to_end = 1;
}

static void catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static pid_t unmounter;

static void unmount_ourselves(const char *dir)
{
	const char *program = getenv("PROBE_UMOUNT");

	unmounter = fork();
	if (unmounter == 0) {
		execl(program, program, dir, (char *)NULL);
		_exit(127);
	}
}

static void wait_for_unmounter(void)
{
	char text[32];
	int status = 0;

	if (!unmounter)
		return;
	waitpid(unmounter, &status, 0);
	report("unmounted", text, (size_t)snprintf(text, sizeof(text), "%d", WEXITSTATUS(status)));
}

/* Until the first connection has ended; the second one is closed when it has. */
static void serve(int fd, int *also, const char *dir)
{
	struct pollfd pfd[2] = {{.fd = fd, .events = POLLIN}, {.fd = *also, .events = POLLIN}};

	for (;;) {
		if (asked_to_unmount) {
			asked_to_unmount = 0;
			unmount_ourselves(dir);
		}
		if (asked_to_end)
			return;
		if (poll(pfd, 2, 20) <= 0)
			continue;
		if (pfd[0].revents && responder_serve_one(fd, S_IFDIR, 0, -1) < 0)
			return;
		if (pfd[1].revents && responder_serve_one(*also, S_IFDIR, 0, -1) < 0) {
			close(*also);
			*also = pfd[1].fd = -1;
		}
	}
}

static void destroy(void)
{
	const char *ms = getenv("PROBE_DESTROY_MS");
	long n = ms ? atol(ms) : 0;
	struct timespec ts = {n / 1000, n % 1000 * 1000000};

	nanosleep(&ts, NULL);
	report("destroyed", "", 0);
	while (getenv("PROBE_STAYS") && !asked_to_end)
		pause();
}

/* The last name is the directory. */
static int take_name(void *data, const char *arg, int key, struct fuse_args *args)
{
	(void)args;
	if (key == FUSE_OPT_KEY_NONOPT)
		*(const char **)data = arg;
	return 1;
}

static int mount_and_serve(const char *dir, const struct mnt_opts *opts)
{
	const char *other = getenv("PROBE_ALSO");
	struct mnt_result res, also = {.fd = -1, .keep_fd = -1};
	int err;

	err = mnt_mount(dir, opts, NULL, &res);
	if (!err && other)
		err = mnt_mount(other, opts, NULL, &also);
	if (err) {
		fputs(res.report, stderr);
		mnt_result_end(&res);
		return 4;
	}
	if (!getenv("PROBE_FOREGROUND")) {
		if (bg_fork_and_leave() < 0)
			return 5;
		bg_null_stdio();
	}
	catch_signals();
	report_pid();
	serve(res.fd, &also.fd, dir);
	wait_for_unmounter();
	mnt_unmount(&res, dir, NULL);
	mnt_result_end(&also);
	destroy();
	return 0;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct mnt_opts *opts;
	const char *dir = NULL;
	char *why;
	int code;

	out_dir = getenv("PROBE_OUT");
	if (!out_dir)
		return 71;
	report_file("argv", "/proc/self/cmdline");
	report_file("environ", "/proc/self/environ");
	report_file("status", "/proc/self/status");
	if (getenv("PROBE_EXIT"))
		return atoi(getenv("PROBE_EXIT"));
	if (fuse_opt_parse(&args, &dir, NULL, take_name) < 0 || !dir)
		return 2;
	if (mnt_opts_parse(&args, &opts, &why) < 0) {
		fprintf(stderr, "probefs: %s\n", why);
		return 1;
	}
	code = mount_and_serve(dir, opts);
	mnt_opts_free(opts);
	fuse_opt_free_args(&args);
	return code;
}
