/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * posix-checks [-l] [-q] DIRECTORY [GROUP[:CHECK]...]
 *
 * Prints one line per check and a count at the end. Exit status: 0 all is well, 1 something
 * failed, 2 it could not be tried.
 */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CASE_SECONDS = 60, STATUS_FAIL = 1, STATUS_SKIP = 77 };

#define ENTRY(group) {#group, checks_##group},
static const struct check_group groups[] = {POSIX_GROUPS(ENTRY)};
#undef ENTRY

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

struct totals {
	int ok, failed, skipped;
};

static bool quiet;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_DP || type == FTW_D || type == FTW_DNR)
		return rmdir(path);
	return unlink(path);
}

/* Best effort: what a failed check left may be odd. */
static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* In the child: its own directory and a clean slate, then the check. */
static void run_child(const struct check *check, const char *dir, int report)
{
	if (dup2(report, STDOUT_FILENO) < 0 || chdir(dir) < 0)
		_exit(STATUS_FAIL);
	close(report);
	umask(0);
	setpgid(0, 0);
	if (check->script)
		run_script(check->script);
	else
		check->run();
	fflush(stdout);
	_exit(0);
}

/* Take what is there to be read. */
static void drain(int report, char *said, size_t size)
{
	size_t used = strlen(said);
	ssize_t n;

	while (used < size - 1 && (n = read(report, said + used, size - 1 - used)) > 0)
		used += n;
	said[used] = '\0';
}

/* Wait for the child and what it says; its wait status, or -1 if its time was up. */
static int watch_child(pid_t pid, int report, char *said, size_t size)
{
	struct pollfd pfd = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	int status = -1;

	fcntl(report, F_SETFL, O_NONBLOCK);
	poll(&pfd, 1, CASE_SECONDS * 1000);
	close(pfd.fd);
	drain(report, said, size);
	/* With it go children that it left behind. One that hangs in the filesystem may not
	 * die; nobody waits for that. */
	kill(-pid, SIGKILL);
	if (waitpid(pid, &status, WNOHANG) != pid)
		status = -1;
	return status;
}

static void print_result(const char *group, const char *check, int status, const char *said,
			 struct totals *totals)
{
	if (status == 0) {
		totals->ok++;
		if (!quiet)
			printf("ok %s: %s%s%s\n", group, check, *said ? " " : "", said);
	} else if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP) {
		totals->skipped++;
		printf("skip %s: %s: %s\n", group, check, said);
	} else {
		totals->failed++;
		if (status < 0)
			printf("FAIL %s: %s: not done after %d s %s\n", group, check, CASE_SECONDS,
			       said);
		else if (WIFSIGNALED(status))
			printf("FAIL %s: %s: died of signal %d %s\n", group, check,
			       WTERMSIG(status), said);
		else
			printf("FAIL %s: %s: %s\n", group, check, said);
	}
	fflush(stdout);
}

static void run_check(const struct check_group *group, const struct check *check, const char *base,
		      struct totals *totals)
{
	char dir[PATH_MAX + 2], said[8192] = "";
	int pipefd[2], status;
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/c", base);
	if (mkdir(dir, 0777) < 0 || chmod(dir, 0777) < 0 || pipe(pipefd) < 0) {
		printf("FAIL %s: %s: cannot prepare %s: %s\n", group->name, check->name, dir,
		       strerror(errno));
		totals->failed++;
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(pipefd[0]);
		run_child(check, dir, pipefd[1]);
	}
	setpgid(pid, pid);
	close(pipefd[1]);
	status = watch_child(pid, pipefd[0], said, sizeof(said));
	close(pipefd[0]);
	print_result(group->name, check->name, status, said, totals);
	remove_tree(dir);
}

/* Is this check asked for? Names are "group" or "group:check". */
static bool wanted(const char *group, const char *check, int argc, char **argv)
{
	const size_t len = strlen(group);

	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], group, len) != 0)
			continue;
		if (argv[i][len] == '\0' ||
		    (argv[i][len] == ':' && strcmp(argv[i] + len + 1, check) == 0))
			return true;
	}
	return argc == 0;
}

static void list_checks(void)
{
	for (int g = 0; g < GROUPS; g++) {
		for (const struct check *c = groups[g].checks; c->name; c++)
			printf("%s:%s\n", groups[g].name, c->name);
	}
}

static int run_all(const char *directory, int argc, char **argv)
{
	struct totals totals = {0};
	char base[PATH_MAX];

	snprintf(base, sizeof(base), "%s/posix-XXXXXX", directory);
	if (!mkdtemp(base) || chmod(base, 0755) < 0) {
		fprintf(stderr, "posix-checks: cannot make a directory in %s: %s\n", directory,
			strerror(errno));
		return 2;
	}
	for (int g = 0; g < GROUPS; g++) {
		for (const struct check *c = groups[g].checks; c->name; c++) {
			if (wanted(groups[g].name, c->name, argc, argv))
				run_check(&groups[g], c, base, &totals);
		}
	}
	if (rmdir(base) < 0) {
		printf("FAIL cleanup: %s: %s\n", base, strerror(errno));
		totals.failed++;
	}
	printf("%d ok, %d failed, %d skipped\n", totals.ok, totals.failed, totals.skipped);
	if (totals.ok + totals.failed + totals.skipped == 0) {
		fprintf(stderr, "posix-checks: nothing is called like that\n");
		return 2;
	}
	return totals.failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "lq")) != -1) {
		if (opt == 'l') {
			list_checks();
			return 0;
		}
		if (opt != 'q')
			return 2;
		quiet = true;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: posix-checks [-l] [-q] DIRECTORY [GROUP[:CHECK]...]\n");
		return 2;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "posix-checks: needs root, to be several users\n");
		return 2;
	}
	return run_all(argv[optind], argc - optind - 1, argv + optind + 1);
}
