/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which way follows which failure, and what the user is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/hint.h"
#include "mount/plan.h"

static void the_mountpoint_decides_the_first_way(void **state)
{
	(void)state;
	assert_int_equal(mnt_plan_first("/dev/fd/5"), MNT_TIER_FD);
	assert_int_equal(mnt_plan_first("/mnt"), MNT_TIER_FSOPEN);
	assert_int_equal(mnt_plan_first("/dev/fdx"), MNT_TIER_FSOPEN);
}

static const struct mnt_circumstances root = {.sys_admin = true};
static const struct mnt_circumstances user = {0};
static const struct mnt_circumstances asked = {.userns_allowed = true};
static const struct mnt_circumstances inside = {.sys_admin = true, .in_userns = true};

static const struct {
	enum mnt_tier failed;
	enum mnt_stage stage;
	int err;
	const struct mnt_circumstances *c;
	enum mnt_tier next;
} steps[] = {
	/* An old kernel, or a filter that knows no newer calls. */
	{MNT_TIER_FSOPEN, MNT_STAGE_START, -ENOSYS, &root, MNT_TIER_MOUNT},
	{MNT_TIER_FSOPEN, MNT_STAGE_START, -EPERM, &root, MNT_TIER_MOUNT},
	{MNT_TIER_FSOPEN, MNT_STAGE_START, -ENOSYS, &user, MNT_TIER_MOUNT},
	{MNT_TIER_FSOPEN, MNT_STAGE_OPTIONS, -EINVAL, &root, MNT_TIER_MOUNT},
	/* Without the capability mount(2) has no better chance. */
	{MNT_TIER_FSOPEN, MNT_STAGE_START, -EPERM, &user, MNT_TIER_HELPER},
	/* The same device for both. */
	{MNT_TIER_FSOPEN, MNT_STAGE_DEVICE, -EACCES, &root, MNT_TIER_HELPER},
	{MNT_TIER_FSOPEN, MNT_STAGE_DEVICE, -ENOENT, &user, MNT_TIER_HELPER},
	/* What the helper could not change either. */
	{MNT_TIER_MOUNT, MNT_STAGE_CREATE, -EINVAL, &root, MNT_TIER_NONE},
	{MNT_TIER_MOUNT, MNT_STAGE_CREATE, -ENODEV, &root, MNT_TIER_NONE},
	{MNT_TIER_MOUNT, MNT_STAGE_CREATE, -EPERM, &root, MNT_TIER_HELPER},
	{MNT_TIER_MOUNT, MNT_STAGE_CREATE, -ENOSYS, &user, MNT_TIER_HELPER},
	/* The user namespace is for who asked. */
	{MNT_TIER_HELPER, MNT_STAGE_START, -ENOENT, &user, MNT_TIER_NONE},
	{MNT_TIER_HELPER, MNT_STAGE_START, -ENOENT, &asked, MNT_TIER_USERNS},
	{MNT_TIER_HELPER, MNT_STAGE_CREATE, -EPERM, &asked, MNT_TIER_USERNS},
	{MNT_TIER_USERNS, MNT_STAGE_START, -EPERM, &asked, MNT_TIER_NONE},
	{MNT_TIER_FSOPEN, MNT_STAGE_START, -EPERM, &inside, MNT_TIER_MOUNT},
	{MNT_TIER_MOUNT, MNT_STAGE_CREATE, -EPERM, &inside, MNT_TIER_NONE},
	/* The filesystem itself refused. */
	{MNT_TIER_FSOPEN, MNT_STAGE_INIT, -ENOTCONN, &root, MNT_TIER_NONE},
	{MNT_TIER_HELPER, MNT_STAGE_INIT, -ENOTCONN, &asked, MNT_TIER_NONE},
	{MNT_TIER_FD, MNT_STAGE_START, -EBADF, &root, MNT_TIER_NONE},
};

static void failures_lead_to_the_next_way_or_the_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(
			mnt_plan_next(steps[i].failed, steps[i].stage, steps[i].err, steps[i].c),
			steps[i].next);
}

static void check_hint(const struct mnt_facts *f, const char *part)
{
	struct mnt_text out = {0};

	mnt_hint_from_facts(f, &out);
	if (!part)
		assert_null(out.str);
	else if (!out.str || !strstr(out.str, part))
		fail_msg("no `%s' in: %s", part, out.str ? out.str : "(nothing)");
	mnt_text_free(&out);
}

static const struct mnt_facts plain = {
	.uid = 1000,
	.device = "/dev/fuse",
	.device_mode = 0666,
	.helper = "/usr/bin/fusermount3",
	.helper_setuid = true,
	.err = -EPERM,
	.stage = MNT_STAGE_CREATE,
};

static void each_obstacle_has_its_hint(void **state)
{
	struct mnt_facts f;

	(void)state;
	f = plain;
	check_hint(&f, NULL);
	f.helper = "";
	check_hint(&f, "install fusermount3");
	f = plain, f.helper_setuid = false;
	check_hint(&f, "chmod u+s /usr/bin/fusermount3");
	f = plain, f.no_new_privs = true;
	check_hint(&f, "no_new_privs");
	f = plain, f.device_err = -EACCES, f.device_mode = 0600;
	check_hint(&f, "/dev/fuse has mode 0600");
	f = plain, f.device_err = -ENOENT;
	check_hint(&f, "--device /dev/fuse");
	f = plain, f.device_err = -EPERM;
	check_hint(&f, "device rules");
	f = plain, f.device_err = -ENODEV;
	check_hint(&f, "modprobe fuse");
	f = plain, f.uid = 0, f.sys_admin = false;
	check_hint(&f, "no CAP_SYS_ADMIN");
	f = plain, f.uid = 0, f.sys_admin = true, f.err = -ENODEV;
	check_hint(&f, "does not know the type");
	f = plain, f.err = -ENOTBLK;
	check_hint(&f, "block device");
	f = plain, f.stage = MNT_STAGE_INIT;
	check_hint(&f, "refused to start");
}

static void the_helpers_words_are_explained(void **state)
{
	static const struct {
		const char *said, *hint;
	} rows[] = {
		{"option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf",
		 "put the line `user_allow_other' into /etc/fuse.conf; or leave out"},
		{"option allow_other only allowed if 'user_allow_other' is set in /opt/fuse.conf\n",
		 "into /opt/fuse.conf;"},
		{"too many FUSE filesystems mounted; mount_max=N can be set in /etc/fuse.conf",
		 "put the line `mount_max = N' into /etc/fuse.conf with"},
		{"user has no write access to mountpoint /x", "what they may write to"},
		{"mountpoint /x not owned by user", "on what they own"},
		{"mounting over filesystem type 0x00009fa0 is forbidden", "choose another place"},
		{"could not determine username", "/etc/passwd"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mnt_facts f = plain;

		f.helper_said = rows[i].said;
		check_hint(&f, rows[i].hint);
	}
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void check_userns_hint(const char *dir, int err, const char *part)
{
	struct mnt_text out = {0};

	mnt_hint_userns(dir, err, &out);
	assert_non_null(out.str);
	assert_non_null(strstr(out.str, part));
	mnt_text_free(&out);
}

static void the_setting_that_forbids_user_namespaces_is_named(void **state)
{
	char dir[] = "/tmp/profuse-unit-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	check_userns_hint(dir, -EPERM, "seccomp");
	check_userns_hint(dir, -EUSERS, "nested too deeply");
	check_userns_hint(dir, -ENOSPC, "limit");
	snprintf(path, sizeof(path), "%s/kernel", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put(dir, "kernel/apparmor_restrict_unprivileged_userns", "1\n");
	check_userns_hint(dir, -EACCES, "AppArmor");
	put(dir, "kernel/unprivileged_userns_clone", "0\n");
	check_userns_hint(dir, -EPERM, "unprivileged_userns_clone=1");
	snprintf(path, sizeof(path), "%s/user", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put(dir, "user/max_user_namespaces", "0\n");
	check_userns_hint(dir, -ENOSPC, "user.max_user_namespaces=");
	snprintf(path, sizeof(path), "rm -r '%s'", dir);
	assert_int_equal(system(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mountpoint_decides_the_first_way),
		cmocka_unit_test(failures_lead_to_the_next_way_or_the_end),
		cmocka_unit_test(each_obstacle_has_its_hint),
		cmocka_unit_test(the_helpers_words_are_explained),
		cmocka_unit_test(the_setting_that_forbids_user_namespaces_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
