/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unmounting goes by id: whatever happened to the path, never another mount. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "support.h"

struct stage {
	const char *dir;
	const char *words;
	void (*disturb)(const char *dir); /* as root, while it is mounted */
	void (*act)(struct mnt_result *res, const char *dir);
};

static void nothing(const char *dir)
{
	(void)dir;
}

static void mount_then_act(const struct stage *s)
{
	struct responder r = {0};
	struct mnt_result res;

	support_mount(s->dir, s->words, &res, &r);
	s->disturb(s->dir);
	responder_stop(&r);
	s->act(&res, s->dir);
	CHECK(res.fd == -1 && res.report == NULL);
}

static void expect_gone(struct mnt_result *res, const char *dir)
{
	char *why = NULL;

	CHECK(mnt_unmount(res, dir, &why) == 0);
	CHECK(why == NULL);
}

static void expect_busy(struct mnt_result *res, const char *dir)
{
	char *why = NULL;

	CHECK(mnt_unmount(res, dir, &why) == -EBUSY);
	CHECK_HAS(why, "failed to unmount");
	CHECK_HAS(why, "something else is mounted on top");
	free(why);
}

static void cover(const char *dir)
{
	CHECK(mount("cover", dir, "tmpfs", 0, NULL) == 0);
}

static void what_covers_it_stays(void)
{
	const char *dir = support_dir(0);
	char type[32];

	mount_then_act(&(struct stage){dir, NULL, cover, expect_busy});
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 2);
	CHECK(strcmp(type, "tmpfs") == 0);
}

static void replace(const char *dir)
{
	CHECK(umount2(dir, MNT_DETACH) == 0);
	cover(dir);
}

static void what_took_its_place_stays(void)
{
	const char *dir = support_dir(0);
	char type[32];

	mount_then_act(&(struct stage){dir, NULL, replace, expect_gone});
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 1);
	CHECK(strcmp(type, "tmpfs") == 0);
}

static void what_lies_below_stays(void)
{
	const char *dir = support_dir(0);

	cover(dir);
	mount_then_act(&(struct stage){dir, NULL, nothing, expect_gone});
	CHECK(support_mounts_at(dir, NULL, 0) == 1);
}

static void two_of_ours_are_told_apart(void)
{
	const char *dir = support_dir(0);
	struct responder ra = {0}, rb = {0};
	struct mnt_result a, b;
	char *why = NULL;

	support_mount(dir, "fsname=lower", &a, &ra);
	support_mount(dir, "fsname=upper", &b, &rb);
	responder_stop(&ra);
	CHECK(mnt_unmount(&a, dir, &why) == -EBUSY);
	free(why);
	CHECK(support_mounts_at(dir, NULL, 0) == 2);
	CHECK(access(dir, F_OK) == 0);
	responder_stop(&rb);
	CHECK(mnt_unmount(&b, dir, NULL) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 1);
}

static char moved_to[32];

static void move(const char *dir)
{
	snprintf(moved_to, sizeof(moved_to), "%s", support_dir(0));
	CHECK(mount(dir, moved_to, NULL, MS_MOVE, NULL) == 0);
	cover(dir);
}

static void it_is_found_where_it_was_moved(void)
{
	const char *dir = support_dir(0);

	mount_then_act(&(struct stage){dir, NULL, move, expect_gone});
	CHECK(support_mounts_at(moved_to, NULL, 0) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 1);
}

static void renamed_parent(const char *dir)
{
	(void)dir;
	CHECK(rename("/mnt/parent", "/mnt/renamed") == 0);
}

static void it_is_found_under_a_renamed_parent(void)
{
	CHECK(mkdir("/mnt/parent", 0755) == 0 && mkdir("/mnt/parent/dir", 0755) == 0);
	mount_then_act(&(struct stage){"/mnt/parent/dir", NULL, renamed_parent, expect_gone});
	CHECK(support_mounts_at("/mnt/renamed/dir", NULL, 0) == 0);
}

static void enter(const char *dir)
{
	CHECK(chdir(dir) == 0);
}

static void a_busy_one_goes_at_once(void)
{
	const char *dir = support_dir(0);

	mount_then_act(&(struct stage){dir, NULL, enter, expect_gone});
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
	errno = 0;
	CHECK(access("x", F_OK) == -1 && errno == ENOTCONN);
}

static void abort_connection(const char *dir)
{
	struct stat st;
	char path[96];
	int fd;

	CHECK(stat(dir, &st) == 0);
	CHECK(mkdir("/mnt/ctl", 0755) == 0);
	CHECK(mount("none", "/mnt/ctl", "fusectl", 0, NULL) == 0);
	snprintf(path, sizeof(path), "/mnt/ctl/%u/abort", (unsigned int)st.st_dev & 0xff);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0 && write(fd, "1", 1) == 1);
	close(fd);
}

static void a_dead_one_goes_too(void)
{
	const char *dir = support_dir(0);

	mount_then_act(&(struct stage){dir, NULL, abort_connection, expect_gone});
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
}

static void leave_namespace(const char *dir)
{
	(void)dir;
	CHECK(unshare(CLONE_NEWNS) == 0);
}

static void a_copy_in_another_namespace_is_recognised(void)
{
	const char *dir = support_dir(0);

	mount_then_act(&(struct stage){dir, NULL, leave_namespace, expect_gone});
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
}

/* The same as a user, where fusermount3 goes by the path. */

static int covered_go[2], covered_done[2];

static void user_covered(void *arg)
{
	struct responder r = {0};
	struct mnt_result res;
	char byte = 0, *why = NULL;

	support_mount(arg, NULL, &res, &r);
	CHECK(res.tier == MNT_TIER_HELPER);
	CHECK(write(covered_go[1], &byte, 1) == 1);
	CHECK(read(covered_done[0], &byte, 1) == 1);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, arg, &why) == -EBUSY);
	CHECK_HAS(why, "on top");
	free(why);
}

static void a_user_does_not_unmount_what_root_put_on_top(void)
{
	const char *dir = support_dir(USER_ID);
	struct stat st;
	char byte, type[32];
	pid_t pid;

	if (stat(STOCK_HELPER, &st) < 0 || !(st.st_mode & S_ISUID))
		support_skip("no setuid " STOCK_HELPER);
	CHECK(pipe(covered_go) == 0 && pipe(covered_done) == 0);
	pid = fork();
	if (pid == 0)
		_exit(!support_run_as(USER_ID, user_covered, (void *)dir));
	CHECK(read(covered_go[0], &byte, 1) == 1);
	cover(dir);
	CHECK(write(covered_done[1], &byte, 1) == 1);
	CHECK(support_reap(pid) == 0);
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 2);
	CHECK(strcmp(type, "tmpfs") == 0);
}

/* auto_unmount */

static void die_mounted(void *arg)
{
	struct responder r = {0};
	struct mnt_result res;

	support_mount(arg, "auto_unmount", &res, &r);
	CHECK(mkdir("/mnt/was-mounted", 0755) == 0);
	raise(SIGKILL);
}

static void root_auto_unmount_survives_sigkill(void)
{
	const char *dir = support_dir(0);

	CHECK(!support_run_as(0, die_mounted, (void *)dir));
	CHECK(access("/mnt/was-mounted", F_OK) == 0);
	CHECK(support_wait(support_is_unmounted, dir));
}

static void die_covered(void *arg)
{
	struct responder r = {0};
	struct mnt_result res;

	support_mount(arg, "auto_unmount", &res, &r);
	cover(arg);
	raise(SIGKILL);
}

static bool watcher_is_gone(const void *arg)
{
	(void)arg;
	return system("pgrep -x fuse-unmount --ns $$ --nslist mnt >/dev/null") != 0;
}

static void auto_unmount_spares_what_is_on_top(void)
{
	const char *dir = support_dir(0);
	char type[32];

	CHECK(!support_run_as(0, die_covered, (void *)dir));
	CHECK(support_wait(watcher_is_gone, NULL));
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 2);
	CHECK(strcmp(type, "tmpfs") == 0);
}

static int passed_on[2];

static void die_with_an_heir(void *arg)
{
	struct responder r = {0};
	struct mnt_result res;

	support_mount(arg, "auto_unmount", &res, &r);
	support_send_fd(passed_on[1], res.fd);
	raise(SIGKILL);
}

static void auto_unmount_spares_a_connection_that_lives_on(void)
{
	const char *dir = support_dir(0);
	struct responder heir = {0};

	CHECK(support_socketpair(passed_on));
	CHECK(!support_run_as(0, die_with_an_heir, (void *)dir));
	responder_start(&heir, support_receive_fd(passed_on[0]));
	CHECK(support_wait(watcher_is_gone, NULL));
	CHECK(support_mounts_at(dir, NULL, 0) == 1);
	CHECK(access(dir, F_OK) == 0);
	responder_stop(&heir);
}

int main(void)
{
	static const struct support_case cases[] = {
		{"what covers it stays", what_covers_it_stays},
		{"what took its place stays", what_took_its_place_stays},
		{"what lies below stays", what_lies_below_stays},
		{"two of ours are told apart", two_of_ours_are_told_apart},
		{"it is found where it was moved", it_is_found_where_it_was_moved},
		{"it is found under a renamed parent", it_is_found_under_a_renamed_parent},
		{"a busy one goes at once", a_busy_one_goes_at_once},
		{"a dead one goes too", a_dead_one_goes_too},
		{"a copy in another namespace is recognised",
		 a_copy_in_another_namespace_is_recognised},
		{"a user does not unmount what root put on top",
		 a_user_does_not_unmount_what_root_put_on_top},
		{"root's auto_unmount survives SIGKILL", root_auto_unmount_survives_sigkill},
		{"auto_unmount spares what is on top", auto_unmount_spares_what_is_on_top},
		{"auto_unmount spares a connection that lives on",
		 auto_unmount_spares_a_connection_that_lives_on},
	};

	return support_main(cases, sizeof(cases) / sizeof(cases[0]));
}
