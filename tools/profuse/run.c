/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profuse run: the first process, from arguments to exit status. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "command.h"
#include "mount/device.h"
#include "mount/hint.h"
#include "mount/plan.h"
#include "mount/userns.h"

#define DEFAULT_TIMEOUT_S 30

static const char usage[] =
	"usage: profuse run [-qr] [-m MOUNTPOINT] [-t SECONDS] FILESYSTEM [ARGUMENTS] -- COMMAND "
	"[ARGUMENTS]\n"
	"\n"
	"Starts FILESYSTEM in a user and mount namespace of its own, waits until it\n"
	"answers, runs COMMAND there, and takes everything down again. Needs neither root\n"
	"nor fusermount3. The mountpoint replaces an argument {} of FILESYSTEM, or is\n"
	"added as its last; COMMAND finds it in $PROFUSE_MOUNTPOINT.\n"
	"\n"
	"  -m, --mountpoint DIR  mount there; default is a temporary directory\n"
	"  -r, --root            be root inside the namespace\n"
	"  -t, --timeout SECONDS how long to wait for the filesystem; default 30, 0 for ever\n"
	"  -q, --quiet           do not say where the mount can be seen from outside\n"
	"  -h, --help            this text\n"
	"\n"
	"Exit status: COMMAND's, 128 and the signal if one ended it, 125 if profuse run\n"
	"itself failed, 126 if COMMAND cannot be run, 127 if there is none.\n";

void run_say(const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	/* In one write, because the filesystem talks on the same stream. */
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "profuse run: %s\n", line);
}

static bool parse_timeout(const char *text, unsigned int *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > INT_MAX / 1000)
		return false;
	*out = (unsigned int)n;
	return true;
}

/* Everything before the first "--" belongs to the filesystem. */
static bool split_arguments(struct run_plan *plan, char **argv)
{
	char **dashes = argv;

	while (*dashes && strcmp(*dashes, "--") != 0)
		dashes++;
	if (dashes == argv) {
		run_say("no filesystem given; `profuse run --help' shows how");
		return false;
	}
	if (!*dashes || !dashes[1]) {
		run_say("no command given: FILESYSTEM [ARGUMENTS] -- COMMAND [ARGUMENTS]");
		return false;
	}
	*dashes = NULL;
	plan->fs_words = argv;
	plan->cmd_argv = dashes + 1;
	return true;
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct run_plan *plan)
{
	static const struct option longs[] = {
		{"mountpoint", required_argument, NULL, 'm'},
		{"root", no_argument, NULL, 'r'},
		{"timeout", required_argument, NULL, 't'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	plan->timeout_s = DEFAULT_TIMEOUT_S;
	while ((c = getopt_long(argc, argv, "+m:rt:qh", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			plan->mountpoint = optarg;
			break;
		case 'r':
			plan->as_root = true;
			break;
		case 't':
			if (!parse_timeout(optarg, &plan->timeout_s)) {
				run_say("--timeout takes seconds, not `%s'", optarg);
				return RUN_FAILED;
			}
			break;
		case 'q':
			plan->quiet = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return RUN_FAILED;
		}
	}
	/* getopt has swallowed a "--" right behind the options. */
	if (optind > 1 && strcmp(argv[optind - 1], "--") == 0)
		optind--;
	return split_arguments(plan, argv + optind) ? -1 : RUN_FAILED;
}

/* Returns its absolute path, to be freed, or NULL. */
static char *choose_mountpoint(struct run_plan *plan)
{
	const char *tmp = getenv("TMPDIR");
	CLEANUP_FREE char *path = NULL, *real = NULL;

	plan->temporary = !plan->mountpoint;
	if (plan->temporary) {
		if (asprintf(&path, "%s/profuse-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
			path = NULL;
		if (!path || !mkdtemp(path)) {
			run_say("no temporary directory %s: %s", path ? path : "", strerror(errno));
			return NULL;
		}
	} else {
		path = strdup(plan->mountpoint);
	}
	real = path ? realpath(path, NULL) : NULL;
	if (!real) {
		CLEANUP_TEXT struct mnt_text hint = {0};
		int err = -errno;

		mnt_hint_mountpoint(path ? path : "", err, &hint);
		run_say("mountpoint %s: %s\n%s", path ? path : "", strerror(-err),
			hint.str ? hint.str : "");
		return NULL;
	}
	return take(real);
}

static bool enter_namespaces(struct run_plan *plan)
{
	CLEANUP_TEXT struct mnt_text why = {0};

	if (mnt_has_sys_admin() && mnt_mountns_enter(&why) == 0)
		return true;
	mnt_text_free(&why);
	if (mnt_userns_enter(plan->as_root, &why) == 0) {
		plan->namespaced = true;
		return true;
	}
	run_say("cannot mount without help: %s", why.str ? why.str : "");
	return false;
}

/* Better said here than by each filesystem in its own way. */
static bool check_device(void)
{
	CLEANUP_TEXT struct mnt_text text = {0};
	const char *path = mnt_device_path(&text);
	struct stat st;
	int err, fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	err = -errno;
	mnt_text_free(&text);
	mnt_hint_device(path, err, stat(path, &st) == 0 ? st.st_mode & 07777 : 0, &text);
	run_say("cannot open %s: %s\n%s", path, strerror(-err), text.str ? text.str : "");
	return false;
}

/* Puts the mountpoint into the filesystem's arguments. */
static bool complete_arguments(struct run_plan *plan)
{
	size_t n = 0;
	bool placed = false;
	char **argv;

	while (plan->fs_words[n])
		n++;
	argv = calloc(n + 2, sizeof(*argv));
	if (!argv)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool here = i > 0 && strcmp(plan->fs_words[i], "{}") == 0;

		argv[i] = here ? (char *)plan->mountpoint : plan->fs_words[i];
		placed |= here;
	}
	if (!placed)
		argv[n] = (char *)plan->mountpoint;
	plan->fs_argv = argv;
	return setenv("PROFUSE_MOUNTPOINT", plan->mountpoint, 1) == 0;
}

/* The signals that are passed on to the command, and SIGCHLD. */
static int block_signals(struct run_plan *plan)
{
	static const int passed[] = {SIGHUP,  SIGINT,  SIGQUIT,	 SIGTERM, SIGUSR1,
				     SIGUSR2, SIGALRM, SIGWINCH, SIGCHLD};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(&set, passed[i]);
	/* Where it is ignored children vanish without a status. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, &plan->old_mask);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static pid_t start_keeper(const struct run_plan *plan, int *sock)
{
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(sv[0]);
		run_keeper(plan, sv[1]);
	}
	close(sv[1]);
	*sock = sv[0];
	return pid;
}

/* What the keeper has to say: true when that is the last word, in *status. */
static bool hear_keeper(int sock, pid_t keeper, int *tty, int *status)
{
	char byte = 0;

	if (read(sock, &byte, 1) == 1 && byte == RUN_ASKS) {
		run_tty_return(*tty);
		*tty = run_tty_lend(keeper);
		return false;
	}
	*status = byte == RUN_READY ? -1 : RUN_FAILED;
	return true;
}

/* Returns -1 when the filesystem answers, else the exit status. */
static int wait_until_ready(int sock, pid_t keeper, int signals)
{
	struct pollfd p[2] = {{.fd = sock, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	int tty = -1, status = RUN_FAILED;
	bool done = false;

	while (!done) {
		struct signalfd_siginfo si;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents) {
			done = hear_keeper(sock, keeper, &tty, &status);
		} else if (read(signals, &si, sizeof(si)) == sizeof(si) &&
			   si.ssi_signo != SIGCHLD && si.ssi_signo != SIGWINCH) {
			status = RUN_SIGNALLED((int)si.ssi_signo);
			done = true;
		}
	}
	run_tty_return(tty);
	return status;
}

/* Another signal meanwhile means: not so patiently. */
static void end_keeper(const struct run_plan *plan, pid_t keeper, int sock, int signals)
{
	int status = 0;

	shutdown(sock, SHUT_WR);
	while (waitpid(keeper, &status, WNOHANG) == 0) {
		struct pollfd p = {.fd = signals, .events = POLLIN};
		struct signalfd_siginfo si;

		poll(&p, 1, -1);
		if (read(signals, &si, sizeof(si)) == sizeof(si) && si.ssi_signo != SIGCHLD &&
		    si.ssi_signo != SIGWINCH)
			kill(keeper, SIGUSR1);
	}
	if (WIFEXITED(status))
		return;
	/* Somebody killed the keeper. */
	run_say("lost the process that keeps the filesystem (signal %d)", WTERMSIG(status));
	umount2(plan->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (plan->temporary)
		rmdir(plan->mountpoint);
}

static int run_all(struct run_plan *plan)
{
	CLEANUP_CLOSE int signals = block_signals(plan), sock = -1;
	pid_t keeper;
	int status;

	keeper = start_keeper(plan, &sock);
	if (keeper < 0) {
		run_say("cannot start a process: %s", strerror(errno));
		if (plan->temporary)
			rmdir(plan->mountpoint);
		return RUN_FAILED;
	}
	/* Its own group: what the terminal sends is for the command. */
	setpgid(keeper, keeper);
	status = wait_until_ready(sock, keeper, signals);
	if (status < 0) {
		if (!plan->quiet)
			run_say("%s is mounted on %s; from outside: /proc/%d/root%s",
				plan->fs_argv[0], plan->mountpoint, (int)getpid(),
				plan->mountpoint);
		status = run_command(plan, signals);
	}
	end_keeper(plan, keeper, sock, signals);
	return status;
}

/* From the directory to its end; the mountpoint is absolute by then. */
static int run_mounted(struct run_plan *plan)
{
	if (enter_namespaces(plan) && check_device() && complete_arguments(plan))
		return run_all(plan);
	if (plan->temporary)
		rmdir(plan->mountpoint);
	return RUN_FAILED;
}

int cmd_run(int argc, char **argv)
{
	CLEANUP_FREE char *mountpoint = NULL;
	struct run_plan plan = {0};
	int status;

	if (fd_ensure_stdio() < 0) {
		run_say("cannot open /dev/null: %s", strerror(errno));
		return RUN_FAILED;
	}
	status = parse_arguments(argc, argv, &plan);
	if (status >= 0)
		return status;
	mountpoint = choose_mountpoint(&plan);
	if (!mountpoint)
		return RUN_FAILED;
	plan.mountpoint = mountpoint;
	status = run_mounted(&plan);
	free(plan.fs_argv);
	return status;
}
