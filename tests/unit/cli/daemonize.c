/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the shell sees of a filesystem that goes into the background: when the
 * first process ends, with which status, and what becomes of the second.
 *
 * Each test forks a process that plays the program. The part that survives in
 * the background talks to the test over a socket: it sends one byte per step
 * and waits for one before it goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <fuse_daemonize.h>
#include <fuse_lowlevel.h>

#include "base/background.h"

#define DEADLINE_MS 20000

static int line[2]; /* [0] the test, [1] the program */

static void say(char c)
{
	if (write(line[1], &c, 1) != 1)
		_exit(99);
}

static void hear(void)
{
	char c;

	if (read(line[1], &c, 1) != 1)
		_exit(98);
}

/* The next byte from the program, 0 at its end, -1 after the deadline. */
static int next_byte(void)
{
	struct pollfd p = {.fd = line[0], .events = POLLIN};
	char c = 0;

	if (poll(&p, 1, DEADLINE_MS) != 1)
		return -1;
	return read(line[0], &c, 1) == 1 ? c : 0;
}

static void go_on(void)
{
	assert_int_equal(write(line[0], "g", 1), 1);
}

static pid_t play(void (*program)(void))
{
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(line[0]);
		alarm(DEADLINE_MS / 1000);
		program();
		_exit(97);
	}
	assert_true(pid > 0);
	close(line[1]);
	return pid;
}

static bool has_ended(pid_t pid)
{
	siginfo_t si = {0};

	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT), 0);
	return si.si_pid == pid;
}

/* What goes into the background here comes back to us in the end. */
static int adopt_the_orphans(void **state)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int bury_the_orphans(void **state)
{
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	return 0;
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void report_everything_in_turn(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	say('s');
	hear();
	bg_note(BG_MOUNTED);
	say('m');
	hear();
	fuse_daemonize_early_success();
	say(fuse_daemonize_early_is_active() ? 'a' : '-');
	hear();
	bg_note(BG_SERVING);
	say(fuse_daemonize_early_is_active() ? 'a' : '-');
	hear();
	say('.');
	_exit(0);
}

static void the_shell_waits_until_the_mount_serves(void **state)
{
	pid_t pid = play(report_everything_in_turn);

	assert_int_equal(next_byte(), 's');
	assert_false(has_ended(pid));
	go_on();
	assert_int_equal(next_byte(), 'm');
	assert_false(has_ended(pid));
	go_on();
	assert_int_equal(next_byte(), 'a');
	assert_false(has_ended(pid));
	go_on();
	assert_int_equal(next_byte(), '-');
	assert_int_equal(exit_status(pid), 0);

	/* Its end does not disturb the filesystem. */
	go_on();
	assert_int_equal(next_byte(), '.');
	assert_int_equal(next_byte(), 0);
	close(line[0]);
}

static void fail_with_7(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	fuse_daemonize_early_fail(7);
	say('f');
	_exit(0);
}

static void fail_with_minus_5(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	fuse_daemonize_early_fail(-EIO);
	_exit(0);
}

static void leave_with_3(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	/* Somebody else keeps our descriptors open. */
	if (fork() == 0) {
		hear();
		_exit(0);
	}
	_exit(3);
}

static void crash(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void the_shell_learns_of_failures(void **state)
{
	assert_int_equal(exit_status(play(fail_with_7)), 7);
	assert_int_equal(next_byte(), 'f');
	close(line[0]);
	assert_int_equal(exit_status(play(fail_with_minus_5)), 1);
	close(line[0]);
	assert_int_equal(exit_status(play(leave_with_3)), 3);
	close(line[0]);
	assert_int_equal(exit_status(play(crash)), 1);
	close(line[0]);
}

static void start_and_wait(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	say('s');
	hear();
	say('!');
	_exit(0);
}

static void nothing_stays_behind_when_the_shell_gives_up(void **state)
{
	pid_t pid = play(start_and_wait);

	assert_int_equal(next_byte(), 's');
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(exit_status(pid), 1000 + SIGKILL);
	assert_int_equal(next_byte(), 0);
	close(line[0]);
}

static char in_root(void)
{
	char cwd[4096];

	return getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0 ? 'r' : 'o';
}

static void all_events(void)
{
	bg_note(BG_WANTED);
	bg_note(BG_MOUNTED);
	bg_note(BG_SERVING);
}

static void move_in_background(void)
{
	if (chdir("/tmp") || fuse_daemonize_early_start(0))
		_exit(96);
	say(in_root());
	all_events();
	say(in_root());
	_exit(0);
}

static void move_in_foreground(void)
{
	if (chdir("/tmp") || fuse_daemonize_early_start(FUSE_DAEMONIZE_NO_BACKGROUND))
		_exit(96);
	say(fuse_daemonize_early_is_active() ? 'a' : '-');
	say(in_root());
	all_events();
	say(in_root());
	_exit(5);
}

static void stay_there(void)
{
	if (chdir("/tmp") || fuse_daemonize_early_start(FUSE_DAEMONIZE_NO_CHDIR))
		_exit(96);
	all_events();
	say(in_root());
	_exit(0);
}

static void relative_paths_work_until_everything_is_set_up(void **state)
{
	assert_int_equal(exit_status(play(move_in_background)), 0);
	assert_int_equal(next_byte(), 'o');
	assert_int_equal(next_byte(), 'r');
	close(line[0]);

	assert_int_equal(exit_status(play(move_in_foreground)), 5);
	assert_int_equal(next_byte(), '-');
	assert_int_equal(next_byte(), 'o');
	assert_int_equal(next_byte(), 'r');
	close(line[0]);

	assert_int_equal(exit_status(play(stay_there)), 0);
	assert_int_equal(next_byte(), 'o');
	close(line[0]);
}

static bool is_null(int fd)
{
	char name[64], target[64];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, target, sizeof(target) - 1);
	return n > 0 && (target[n] = '\0', strcmp(target, "/dev/null") == 0);
}

static char detached(void)
{
	bool null = is_null(0) && is_null(1) && is_null(2);

	return null && getsid(0) == getpid() ? 'd' : null ? 'n' : getsid(0) == getpid() ? 's' : '-';
}

static void early_with_terminal(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	say(detached());
	all_events();
	say(detached());
	_exit(0);
}

static void errors_reach_the_terminal_until_then(void **state)
{
	assert_int_equal(exit_status(play(early_with_terminal)), 0);
	assert_int_equal(next_byte(), 's');
	assert_int_equal(next_byte(), 'd');
	close(line[0]);
}

static void classic(void)
{
	if (chdir("/tmp"))
		_exit(96);
	printf("text ");
	if (fuse_daemonize(0))
		_exit(96);
	say(detached());
	say(in_root());
	exit(0);
}

static void classic_in_foreground(void)
{
	if (chdir("/tmp") || fuse_daemonize(1))
		_exit(96);
	say(detached());
	say(in_root());
	_exit(5);
}

static void the_classic_call_detaches_at_once(void **state)
{
	char buf[64];
	int out[2], saved = dup(1);
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	fflush(stdout);
	dup2(out[1], 1);
	pid = play(classic);
	dup2(saved, 1);
	close(saved);
	close(out[1]);
	assert_int_equal(exit_status(pid), 0);
	assert_int_equal(next_byte(), 'd');
	assert_int_equal(next_byte(), 'r');
	assert_int_equal(next_byte(), 0);
	close(line[0]);

	/* Printed before, and therefore once. */
	n = read(out[0], buf, sizeof(buf));
	assert_int_equal(n, 5);
	assert_memory_equal(buf, "text ", 5);
	close(out[0]);

	assert_int_equal(exit_status(play(classic_in_foreground)), 5);
	assert_int_equal(next_byte(), '-');
	assert_int_equal(next_byte(), 'r');
	close(line[0]);
}

static void twice(void)
{
	if (fuse_daemonize_early_start(0))
		_exit(96);
	say(fuse_daemonize_early_start(0) == -EBUSY ? 'b' : '?');
	say(fuse_daemonize_early_start(64) == -EINVAL ? 'i' : '?');
	fuse_daemonize_early_fail(9);
	_exit(0);
}

static void only_one_start_at_a_time(void **state)
{
	assert_int_equal(exit_status(play(twice)), 9);
	assert_int_equal(next_byte(), 'b');
	assert_int_equal(next_byte(), 'i');
	close(line[0]);
}

static void reports_without_a_start_do_nothing(void **state)
{
	fuse_daemonize_early_success();
	fuse_daemonize_early_fail(1);
	all_events();
	assert_false(fuse_daemonize_early_is_active());
	assert_false(is_null(1) && is_null(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shell_waits_until_the_mount_serves),
		cmocka_unit_test(the_shell_learns_of_failures),
		cmocka_unit_test(nothing_stays_behind_when_the_shell_gives_up),
		cmocka_unit_test(relative_paths_work_until_everything_is_set_up),
		cmocka_unit_test(errors_reach_the_terminal_until_then),
		cmocka_unit_test(the_classic_call_detaches_at_once),
		cmocka_unit_test(only_one_start_at_a_time),
		cmocka_unit_test(reports_without_a_start_do_nothing),
	};

	return cmocka_run_group_tests(tests, adopt_the_orphans, bury_the_orphans);
}
