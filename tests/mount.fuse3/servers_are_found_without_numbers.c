/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* On kernels whose fdinfo does not name the connection, the process that serves
 * is told from others by what becomes of its descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../mount/support.h"
#include "mount/ident.h"
#include "servers.h"

static void serve(const char *dir, int ready)
{
	struct responder r = {0};
	struct mnt_result res;

	support_mount(dir, NULL, &res, &r);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Serves dir in a process of its own and returns its id. */
static pid_t start_server(const char *dir)
{
	int fds[2];
	pid_t pid;
	char byte;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		/* Also when the case fails. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(dir, fds[1]);
	}
	CHECK(pid > 0);
	close(fds[1]);
	CHECK(read(fds[0], &byte, 1) == 1);
	close(fds[0]);
	return pid;
}

static void stop_server(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static const struct server *find(const struct servers *s, pid_t pid)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].pid == pid)
			return &s->list[i];
	}
	return NULL;
}

static void only_the_one_that_was_unmounted_counts(void)
{
	const char *one = support_dir(0), *other = support_dir(0);
	pid_t pid = start_server(one), other_pid = start_server(other);
	struct servers s;

	CHECK(servers_find_all(&s) == 0);
	CHECK(find(&s, pid) && find(&s, other_pid));
	CHECK(umount2(one, 0) == 0);
	CHECK(servers_settle(&s) == SERVERS_ENDED);
	CHECK(find(&s, pid) && !find(&s, other_pid));
	servers_free(&s);
	stop_server(pid);
	stop_server(other_pid);
}

static void what_is_dead_already_does_not_count(void)
{
	const char *dir = support_dir(0);
	pid_t pid = start_server(dir);
	struct servers s;

	CHECK(umount2(dir, 0) == 0);
	CHECK(servers_find_all(&s) == 0);
	CHECK(!find(&s, pid));
	servers_free(&s);
	stop_server(pid);
}

static void with_numbers_it_is_known_before(void)
{
	const char *dir = support_dir(0), *other = support_dir(0);
	pid_t pid = start_server(dir), other_pid = start_server(other);
	struct mnt_ident ident;
	struct servers s;

	CHECK(mnt_ident_of_path(dir, &ident) == 0);
	CHECK(servers_find(ident.dev, &s) == 0);
	if (!s.count)
		support_skip("this kernel's fdinfo does not name connections");
	CHECK(s.count == 1 && s.list[0].pid == pid);
	CHECK(!s.list[0].stays && !s.list[0].ancestor);
	CHECK(server_holds(&s.list[0], ident.dev));
	CHECK(servers_settle(&s) == SERVERS_LIVE);
	servers_free(&s);
	stop_server(pid);
	stop_server(other_pid);
}

/* Numbers are used again, the lowest free one first. */
static void a_number_used_again_is_another_filesystem(void)
{
	const char *dir = support_dir(0);
	struct mnt_ident before, after = MNT_IDENT_NONE;
	pid_t old = start_server(dir), pid[64];
	struct servers s;
	int n = 0;

	CHECK(mnt_ident_of_path(dir, &before) == 0);
	/* It keeps its descriptor. */
	CHECK(umount2(dir, 0) == 0);
	while (n < 64 && after.dev != before.dev) {
		dir = support_dir(0);
		pid[n++] = start_server(dir);
		CHECK(mnt_ident_of_path(dir, &after) == 0);
	}
	if (after.dev == before.dev) {
		CHECK(servers_find(after.dev, &s) == 0);
		CHECK(s.count == 1 && s.list[0].pid == pid[n - 1]);
		servers_free(&s);
	}
	while (n > 0)
		stop_server(pid[--n]);
	stop_server(old);
	if (after.dev != before.dev)
		support_skip("the kernel did not use the number again");
}

static void whoever_waits_for_us_is_an_ancestor(void)
{
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_result res;
	int status;
	pid_t pid;

	support_mount(dir, NULL, &res, &r);
	pid = fork();
	if (pid == 0) {
		struct servers s;

		CHECK(servers_find(res.ident.dev, &s) == 0);
		CHECK(find(&s, getppid()) && find(&s, getppid())->ancestor);
		servers_free(&s);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
}

int main(void)
{
	static const struct support_case cases[] = {
		{"only the one that was unmounted counts", only_the_one_that_was_unmounted_counts},
		{"what is dead already does not count", what_is_dead_already_does_not_count},
		{"with numbers it is known before", with_numbers_it_is_known_before},
		{"a number used again is another filesystem",
		 a_number_used_again_is_another_filesystem},
		{"whoever waits for us is an ancestor", whoever_waits_for_us_is_an_ancestor},
	};

	return support_main(cases, ARRAY_SIZE(cases));
}
