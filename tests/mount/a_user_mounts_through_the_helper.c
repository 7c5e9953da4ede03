/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Without rights: fusermount3 does it, or the report says why not. The helper
 * is Debian's, or the one given as argument, of which a setuid copy is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "support.h"

static const char *own_helper;
static const char *helper = STOCK_HELPER;

static void need_helper(void)
{
	struct stat st;

	if (own_helper) {
		char command[512];

		helper = "/mnt/.bin/fusermount3";
		snprintf(command, sizeof(command), "mkdir /mnt/.bin && cp '%s' %s && chmod 4755 %s",
			 own_helper, helper, helper);
		CHECK(system(command) == 0);
		setenv("FUSERMOUNT_PROG", helper, 1);
	} else if (stat(STOCK_HELPER, &st) < 0 || !(st.st_mode & S_ISUID)) {
		support_skip("no setuid " STOCK_HELPER);
	}
	setenv("PATH", "/usr/bin:/bin", 1);
}

static void mount_and_unmount(void *arg)
{
	const char *dir = arg;
	struct responder r = {0};
	struct mnt_result res;
	char type[32];

	support_mount(dir, "fsname=a\\,b,subtype=tiny,noexec,strictatime", &res, &r);
	CHECK(res.tier == MNT_TIER_HELPER);
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 1);
	CHECK(strcmp(type, "fuse.tiny") == 0);
	CHECK_HAS(res.notes, "no way to pass on: strictatime");
	CHECK(access(dir, F_OK) == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
	/* No child is left for the program to find. */
	CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
}

static void a_user_mounts_and_unmounts(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, mount_and_unmount, (void *)support_dir(USER_ID)));
}

static void init_in_time(void *arg)
{
	struct mnt_opts *opts = support_opts("auto_unmount");
	struct responder r = {0};
	struct mnt_hooks hooks = responder_hooks(&r);
	struct mnt_result res;

	CHECK(mnt_mount(arg, opts, &hooks, &res) == 0);
	if (r.starts == 0)
		support_skip("no synchronous INIT in this kernel or helper");
	CHECK(res.tier == MNT_TIER_HELPER && res.init_done);
	responder_start(&r, res.fd);
	CHECK(access(arg, F_OK) == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, arg, NULL) == 0);
	/* A filesystem that refuses. */
	r = (struct responder){.init_err = EPROTO};
	CHECK(mnt_mount(arg, opts, &hooks, &res) < 0);
	CHECK(r.starts == 1 && r.stops == 1);
	CHECK_HAS(res.report, "refused to start");
	mnt_result_end(&res);
	CHECK(support_mounts_at(arg, NULL, 0) == 0);
	mnt_opts_free(opts);
}

static void init_is_answered_before_mounting_returns(void)
{
	need_helper();
	if (!own_helper)
		support_skip("Debian's helper has no --sync-init");
	CHECK(support_run_as(USER_ID, init_in_time, (void *)support_dir(USER_ID)));
}

static void odd_names(void *arg)
{
	static const char *const names[] = {"a b", "a\nb", "a\\040b", "a,b", "-u", "x (deleted)"};
	(void)arg;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64];
		struct responder r = {0};
		struct mnt_result res;

		snprintf(path, sizeof(path), "/mnt/%s", names[i]);
		CHECK(mkdir(path, 0755) == 0);
		support_mount(path, NULL, &res, &r);
		CHECK(support_mounts_at(path, NULL, 0) == 1);
		responder_stop(&r);
		CHECK(mnt_unmount(&res, path, NULL) == 0);
		CHECK(support_mounts_at(path, NULL, 0) == 0);
	}
}

static void odd_names_are_no_trouble(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, odd_names, NULL));
}

static void mount_for_ever(void *arg)
{
	struct responder r = {0};
	struct mnt_result res;

	support_mount(arg, "auto_unmount", &res, &r);
	CHECK(mkdir("/mnt/was-mounted", 0755) == 0);
	raise(SIGKILL);
}

static void auto_unmount_survives_sigkill(void)
{
	const char *dir = support_dir(USER_ID);

	need_helper();
	CHECK(!support_run_as(USER_ID, mount_for_ever, (void *)dir));
	CHECK(access("/mnt/was-mounted", F_OK) == 0);
	CHECK(support_wait(support_is_unmounted, dir));
}

static void auto_unmount_quietly(void *arg)
{
	struct responder r = {0};
	struct mnt_result res;

	support_mount(arg, "auto_unmount", &res, &r);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, arg, NULL) == 0);
	CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
}

static void auto_unmount_leaves_no_child(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, auto_unmount_quietly, (void *)support_dir(USER_ID)));
}

static void ignore_children(void *arg)
{
	signal(SIGCHLD, SIG_IGN);
	struct responder r = {0};
	struct mnt_result res;

	support_mount(arg, NULL, &res, &r);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, arg, NULL) == 0);
	CHECK(support_mounts_at(arg, NULL, 0) == 0);
}

static void a_program_may_ignore_its_children(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, ignore_children, (void *)support_dir(USER_ID)));
}

/* What the report must say for each obstacle. */

static void check_report(const char *dir, const char *words, const char *part, const char *hint)
{
	struct mnt_result res;

	support_mount_fails(dir, words, &res);
	CHECK_HAS(res.report, part);
	CHECK_HAS(res.report, hint);
	mnt_result_end(&res);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
}

static void allow_other_forbidden(void *arg)
{
	check_report(arg, "allow_other", "only allowed if 'user_allow_other'",
		     "put the line `user_allow_other' into /");
}

static void allow_other_names_the_line_to_add(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, allow_other_forbidden, (void *)support_dir(USER_ID)));
}

static void not_writable(void *arg)
{
	check_report(arg, NULL, "user has no write access", "only on what they may write to");
}

static void a_foreign_mountpoint_is_refused(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, not_writable, (void *)support_dir(0)));
}

static void no_helper(void *arg)
{
	setenv("PATH", "/nowhere", 1);
	unsetenv("FUSERMOUNT_PROG");
	check_report(arg, NULL, "no fusermount3 in", "`profuse run' mounts without a helper");
	setenv("FUSERMOUNT_PROG", "/nowhere/fm", 1);
	check_report(arg, NULL, "FUSERMOUNT_PROG is /nowhere/fm", "install fusermount3");
}

static void a_missing_helper_is_named(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, no_helper, (void *)support_dir(USER_ID)));
}

static void no_new_privs(void *arg)
{
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check_report(arg, NULL, "fusermount3 exited with status 1", "no_new_privs");
}

static void no_new_privs_is_named(void)
{
	need_helper();
	CHECK(support_run_as(USER_ID, no_new_privs, (void *)support_dir(USER_ID)));
}

static void copy_helper(const char *to)
{
	char command[512];

	snprintf(command, sizeof(command), "cp %s %s && chmod 755 %s", helper, to, to);
	CHECK(system(command) == 0);
}

static void weak_helper(void *arg)
{
	setenv("FUSERMOUNT_PROG", "/mnt/fusermount3", 1);
	check_report(arg, NULL, "/mnt/fusermount3 exited with status 1", "is not setuid root");
}

static void a_helper_without_setuid_is_named(void)
{
	need_helper();
	copy_helper("/mnt/fusermount3");
	CHECK(support_run_as(USER_ID, weak_helper, (void *)support_dir(USER_ID)));
}

static void closed_device(void *arg)
{
	check_report(arg, NULL, "failed to open /dev/fuse: Permission denied",
		     "chmod 0666 /dev/fuse");
}

static void a_closed_device_is_named(void)
{
	need_helper();
	/* In this namespace only: another node with a stricter mode. */
	CHECK(mknod("/mnt/fuse", S_IFCHR | 0600, makedev(10, 229)) == 0);
	CHECK(mount("/mnt/fuse", "/dev/fuse", NULL, MS_BIND, NULL) == 0);
	CHECK(support_run_as(USER_ID, closed_device, (void *)support_dir(USER_ID)));
}

static void no_mountpoint(void *arg)
{
	struct mnt_result res;

	(void)arg;
	CHECK(support_mount_fails("/mnt/nothing", NULL, &res) == -ENOENT);
	CHECK_HAS(res.report, "bad mount point `/mnt/nothing': No such file or directory");
	CHECK_HAS(res.report, "create it first");
	mnt_result_end(&res);
}

static void a_missing_mountpoint_is_named(void)
{
	CHECK(support_run_as(USER_ID, no_mountpoint, NULL));
}

/* Helpers of other makes. */

static void by_shim(void *arg)
{
	const char *dir = arg;
	struct responder r = {0};
	struct mnt_result res;
	int fd;
	char seen[256] = "";

	setenv("FUSERMOUNT_PROG", "/mnt/shim", 1);
	support_mount(dir, "noexec", &res, &r);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	fd = open("/mnt/log", O_RDONLY);
	CHECK(fd >= 0 && read(fd, seen, sizeof(seen) - 1) > 0);
	CHECK_HAS(seen, "fd=");
	CHECK_HAS(seen, "--sync-init");
	CHECK_HAS(seen, "-o noexec -- /mnt/");
	CHECK_HAS(seen, "-u -q -z -- /mnt/");
}

static void a_wrapper_named_by_the_environment_is_used(void)
{
	FILE *f = fopen("/mnt/shim", "we");

	need_helper();
	CHECK(f);
	fprintf(f, "#!/bin/sh\necho \"fd=$_FUSE_COMMFD $*\" >>/mnt/log\nexec %s \"$@\"\n", helper);
	fclose(f);
	CHECK(chmod("/mnt/shim", 0755) == 0);
	CHECK(support_run_as(USER_ID, by_shim, (void *)support_dir(USER_ID)));
}

static void by_old_name(void *arg)
{
	struct responder r = {0};
	struct mnt_result res;

	setenv("PATH", "/mnt/bin", 1);
	unsetenv("FUSERMOUNT_PROG");
	support_mount(arg, NULL, &res, &r);
	CHECK(res.tier == MNT_TIER_HELPER);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, arg, NULL) == 0);
	CHECK(support_mounts_at(arg, NULL, 0) == 0);
}

static void the_old_name_of_the_helper_will_do(void)
{
	need_helper();
	CHECK(mkdir("/mnt/bin", 0755) == 0);
	CHECK(symlink(helper, "/mnt/bin/fusermount") == 0);
	CHECK(support_run_as(USER_ID, by_old_name, (void *)support_dir(USER_ID)));
}

static void noisy_and_stubborn(void *arg)
{
	setenv("FUSERMOUNT_PROG", "/mnt/shim", 1);
	check_report(arg, NULL, "exited with status 3: what a day", "");
}

static void a_helper_that_leaves_a_process_behind_does_not_hang_us(void)
{
	FILE *f = fopen("/mnt/shim", "we");

	CHECK(f);
	fprintf(f, "#!/bin/sh\necho what a day >&2\nsleep 30 </dev/null _FUSE_COMMFD= &\nexit 3\n");
	fclose(f);
	CHECK(chmod("/mnt/shim", 0755) == 0);
	alarm(15);
	CHECK(support_run_as(USER_ID, noisy_and_stubborn, (void *)support_dir(USER_ID)));
}

/* The last tier. */

/* The thread sanitizer has a thread of its own. */
static void need_one_thread(void)
{
#if defined(__SANITIZE_THREAD__)
	support_skip("under the thread sanitizer no process can enter a user namespace");
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	support_skip("under the thread sanitizer no process can enter a user namespace");
#endif
#endif
}

static void in_userns(void *arg)
{
	const char *dir = arg;
	struct responder r = {0};
	struct mnt_result res;

	setenv("FUSERMOUNT_PROG", "/nowhere", 1);
	support_mount(dir, "userns", &res, &r);
	CHECK(res.tier == MNT_TIER_USERNS);
	CHECK_HAS(res.notes, "/root/mnt/");
	CHECK(getuid() == USER_ID);
	CHECK(access(dir, F_OK) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 1);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
}

static void without_a_helper_a_user_namespace_does_it(void)
{
	const char *dir = support_dir(USER_ID);

	need_one_thread();
	CHECK(support_run_as(USER_ID, in_userns, (void *)dir));
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
}

static void no_userns(void *arg)
{
	setenv("FUSERMOUNT_PROG", "/nowhere", 1);
	check_report(arg, "userns",
		     "user namespace: new user namespace:", "user.max_user_namespaces");
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static bool map_is_empty(const void *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool empty = fd >= 0 && read(fd, &byte, 1) == 0;

	if (fd >= 0)
		close(fd);
	return empty;
}

/* The limit is one of each user namespace, so the rest of the machine keeps
 * its own: a namespace where all ids are mapped as they are, with limit 0. */
static void forbidden_user_namespaces_are_named(void)
{
	const char *dir = support_dir(USER_ID);
	int go[2], status;
	pid_t pid;
	char path[64], byte = 0;

	need_one_thread();
	CHECK(pipe(go) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
		close(go[1]);
		CHECK(read(go[0], &byte, 1) == 0);
		put("/proc/sys/user/max_user_namespaces", "0");
		CHECK(support_run_as(USER_ID, no_userns, (void *)dir));
		_exit(0);
	}
	/* The maps can be written once the child has its namespace. */
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	CHECK(support_wait(map_is_empty, path));
	put(path, "0 0 4294967295");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
	put(path, "0 0 4294967295");
	close(go[0]);
	close(go[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(int argc, char **argv)
{
	static const struct support_case cases[] = {
		{"a user mounts and unmounts", a_user_mounts_and_unmounts},
		{"INIT is answered before mounting returns",
		 init_is_answered_before_mounting_returns},
		{"odd names are no trouble", odd_names_are_no_trouble},
		{"auto_unmount survives SIGKILL", auto_unmount_survives_sigkill},
		{"auto_unmount leaves no child", auto_unmount_leaves_no_child},
		{"a program may ignore its children", a_program_may_ignore_its_children},
		{"allow_other names the line to add", allow_other_names_the_line_to_add},
		{"a foreign mountpoint is refused", a_foreign_mountpoint_is_refused},
		{"a missing helper is named", a_missing_helper_is_named},
		{"no_new_privs is named", no_new_privs_is_named},
		{"a helper without setuid is named", a_helper_without_setuid_is_named},
		{"a closed device is named", a_closed_device_is_named},
		{"a missing mountpoint is named", a_missing_mountpoint_is_named},
		{"a wrapper named by the environment is used",
		 a_wrapper_named_by_the_environment_is_used},
		{"the old name of the helper will do", the_old_name_of_the_helper_will_do},
		{"a helper that leaves a process behind does not hang us",
		 a_helper_that_leaves_a_process_behind_does_not_hang_us},
		{"without a helper a user namespace does it",
		 without_a_helper_a_user_namespace_does_it},
		{"forbidden user namespaces are named", forbidden_user_namespaces_are_named},
	};

	own_helper = argc > 1 ? realpath(argv[1], NULL) : NULL;
	return support_main(cases, sizeof(cases) / sizeof(cases[0]));
}
