/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's policy as a table: who asks for what, and what is decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fusermount3.h"

#define USER  1001
#define OTHER 1002
#define DIR   S_IFDIR
#define REG   S_IFREG

#define EXT4  0xef53
#define TMPFS 0x01021994
#define PROC  0x9fa0
#define SYSFS 0x62656572

/* The verdicts, in the words that programs look for. */
#define V_ALLOW		    NULL
#define V_NOT_DIR_OR_FILE   "mountpoint % is not a directory or a regular file"
#define V_NOT_WRITABLE	    "user has no write access to mountpoint %"
#define V_NOT_OWNER	    "mountpoint % not owned by user"
#define V_FILE_NOT_WRITABLE "failed to open %: Permission denied"
#define V_FSTYPE	    "mounting over filesystem type % is forbidden"
#define V_NEEDS_CONF	    "option % only allowed if 'user_allow_other' is set in " FUSE_CONF
#define V_UNKNOWN_OPTION    "unknown option '%'"
#define V_PRIVILEGED_OPTION "option % is privileged"
#define V_OPTIONS_TOO_LONG  "mount options too long"
#define V_TOO_MANY_MOUNTS   "too many FUSE filesystems mounted; mount_max=N can be set in " FUSE_CONF
#define V_TOO_MANY_HELPERS  "too many helpers of this user wait"

static void assert_verdict(const char *got, const char *want)
{
	assert_string_equal(got ? got : "allowed", want ? want : "allowed");
}

static const struct conf plain = {.mount_max = 1000};
static const struct conf others = {.user_allow_other = true, .mount_max = 1000};
static const struct conf bpf = {
	.mount_max = 1000,
	.extra_types = {0xcafe4a11, 0x1234},
	.n_extra_types = 2,
};

/* ---- mountpoints ---- */

static const struct {
	const char *what;
	struct facts facts;
	const struct conf *conf;
	const char *want;
} mountpoints[] = {
	{"own directory", {USER, DIR | 0755, USER, true, EXT4}, &plain, V_ALLOW},
	{"directory open to all", {USER, DIR | 0777, 0, true, EXT4}, &plain, V_ALLOW},
	{"directory of a group", {USER, DIR | 0775, OTHER, true, EXT4}, &plain, V_ALLOW},
	{"another's directory", {USER, DIR | 0755, OTHER, false, EXT4}, &plain, V_NOT_WRITABLE},
	{"root's directory", {USER, DIR | 0755, 0, false, EXT4}, &plain, V_NOT_WRITABLE},
	{"own, but read only", {USER, DIR | 0555, USER, false, EXT4}, &plain, V_NOT_WRITABLE},
	{"own sticky", {USER, DIR | 01755, USER, true, EXT4}, &plain, V_ALLOW},
	{"own sticky, open to all", {USER, DIR | 01777, USER, true, EXT4}, &plain, V_ALLOW},
	{"root's sticky", {USER, DIR | 01777, 0, true, EXT4}, &plain, V_NOT_OWNER},
	{"another's sticky", {USER, DIR | 01777, OTHER, true, EXT4}, &plain, V_NOT_OWNER},
	{"sticky, not writable", {USER, DIR | 01755, 0, false, EXT4}, &plain, V_NOT_WRITABLE},
	{"own setgid directory", {USER, DIR | 02755, USER, true, EXT4}, &plain, V_ALLOW},
	{"own file", {USER, REG | 0644, USER, true, EXT4}, &plain, V_ALLOW},
	{"file open to all", {USER, REG | 0666, 0, true, EXT4}, &plain, V_ALLOW},
	{"another's file", {USER, REG | 0644, OTHER, false, EXT4}, &plain, V_FILE_NOT_WRITABLE},
	{"sticky file means nothing", {USER, REG | 01666, 0, true, EXT4}, &plain, V_ALLOW},
	{"symlink", {USER, S_IFLNK | 0777, USER, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"fifo", {USER, S_IFIFO | 0666, USER, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"socket", {USER, S_IFSOCK | 0666, USER, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"character device", {USER, S_IFCHR | 0666, 0, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"block device", {USER, S_IFBLK | 0666, USER, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"no type at all", {USER, 0755, USER, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"root: symlink", {0, S_IFLNK | 0777, 0, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"root: device", {0, S_IFCHR | 0666, 0, true, EXT4}, &plain, V_NOT_DIR_OR_FILE},
	{"root: anybody's directory", {0, DIR | 0755, USER, false, EXT4}, &plain, V_ALLOW},
	{"root: sticky", {0, DIR | 01777, USER, false, EXT4}, &plain, V_ALLOW},
	{"root: procfs", {0, DIR | 0555, 0, false, PROC}, &plain, V_ALLOW},
	{"tmpfs", {USER, DIR | 0755, USER, true, TMPFS}, &plain, V_ALLOW},
	{"nfs", {USER, DIR | 0755, USER, true, 0x6969}, &plain, V_ALLOW},
	{"another fuse", {USER, DIR | 0755, USER, true, 0x65735546}, &plain, V_ALLOW},
	{"cifs", {USER, DIR | 0755, USER, true, 0xff534d42}, &plain, V_ALLOW},
	{"cifs, sign-extended",
	 {USER, DIR | 0755, USER, true, 0xffffffffff534d42},
	 &plain,
	 V_FSTYPE},
	{"overlayfs", {USER, DIR | 0755, USER, true, 0x794c7630}, &plain, V_ALLOW},
	{"vfat", {USER, DIR | 0755, USER, true, 0x4d44}, &plain, V_ALLOW},
	{"procfs directory", {USER, DIR | 0755, USER, true, PROC}, &plain, V_FSTYPE},
	{"procfs file", {USER, REG | 0644, USER, true, PROC}, &plain, V_FSTYPE},
	{"sysfs", {USER, DIR | 0755, USER, true, SYSFS}, &plain, V_FSTYPE},
	{"devpts", {USER, DIR | 0755, USER, true, 0x1cd1}, &plain, V_FSTYPE},
	{"cgroup2", {USER, DIR | 0755, USER, true, 0x63677270}, &plain, V_FSTYPE},
	{"cgroup", {USER, DIR | 0755, USER, true, 0x27e0eb}, &plain, V_FSTYPE},
	{"debugfs", {USER, DIR | 0755, USER, true, 0x64626720}, &plain, V_FSTYPE},
	{"configfs", {USER, DIR | 0755, USER, true, 0x62656570}, &plain, V_FSTYPE},
	{"securityfs", {USER, DIR | 0755, USER, true, 0x73636673}, &plain, V_FSTYPE},
	{"selinuxfs", {USER, DIR | 0755, USER, true, 0xf97cff8c}, &plain, V_FSTYPE},
	{"fusectl", {USER, DIR | 0755, USER, true, 0x65735543}, &plain, V_FSTYPE},
	{"nsfs", {USER, REG | 0644, USER, true, 0x6e736673}, &plain, V_FSTYPE},
	{"type 0", {USER, DIR | 0755, USER, true, 0}, &plain, V_FSTYPE},
	{"bpf", {USER, DIR | 0755, USER, true, 0xcafe4a11}, &plain, V_FSTYPE},
	{"bpf, configured", {USER, DIR | 0755, USER, true, 0xcafe4a11}, &bpf, V_ALLOW},
	{"second of the configured", {USER, DIR | 0755, USER, true, 0x1234}, &bpf, V_ALLOW},
	{"configured, not writable", {USER, DIR | 0755, 0, false, 0x1234}, &bpf, V_NOT_WRITABLE},
	{"procfs, other configured", {USER, DIR | 0755, USER, true, PROC}, &bpf, V_FSTYPE},
};

static void mountpoints_are_judged(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(mountpoints); i++) {
		const char *about = "the path", *want = mountpoints[i].want;
		bool of_type = want && strcmp(want, V_FSTYPE) == 0;

		print_message("  %s\n", mountpoints[i].what);
		assert_verdict(
			policy_mountpoint(&mountpoints[i].facts, mountpoints[i].conf, &about),
			want);
		assert_string_equal(about, of_type ? mountpoints[i].facts.fstype_text : "the path");
	}
}

/* ---- options ---- */

#define NOSUID (MS_NOSUID | MS_NODEV)

static const struct {
	uid_t caller;
	const char *options;
	const struct conf *conf;
	const char *want;
	const char *about;
	unsigned long flags;
} options[] = {
	{USER, "", &plain, V_ALLOW, NULL, NOSUID},
	{USER, "ro,noexec", &plain, V_ALLOW, NULL, NOSUID | MS_RDONLY | MS_NOEXEC},
	{USER, "suid", &plain, V_ALLOW, NULL, NOSUID},
	{USER, "dev", &plain, V_ALLOW, NULL, NOSUID},
	{USER, "nosuid,suid,nodev,dev", &plain, V_ALLOW, NULL, NOSUID},
	{USER, "suid,dev", &others, V_ALLOW, NULL, NOSUID},
	{USER, "allow_other", &plain, V_NEEDS_CONF, "allow_other", NOSUID},
	{USER, "allow_other", &others, V_ALLOW, NULL, NOSUID},
	{USER, "allow_root", &plain, V_NEEDS_CONF, "allow_root", NOSUID},
	{USER, "allow_root", &others, V_UNKNOWN_OPTION, "allow_root", NOSUID},
	{USER, "allow_root,allow_other", &plain, V_NEEDS_CONF, "allow_other", NOSUID},
	{USER, "blkdev,fsname=/dev/sda", &plain, V_PRIVILEGED_OPTION, "blkdev", NOSUID},
	{USER, "blkdev", &others, V_PRIVILEGED_OPTION, "blkdev", NOSUID},
	{USER, "default_permissions", &plain, V_ALLOW, NULL, NOSUID},
	{USER, "auto_unmount", &plain, V_ALLOW, NULL, NOSUID},
	{0, "", &plain, V_ALLOW, NULL, NOSUID},
	{0, "suid", &plain, V_ALLOW, NULL, MS_NODEV},
	{0, "dev", &plain, V_ALLOW, NULL, MS_NOSUID},
	{0, "suid,dev", &plain, V_ALLOW, NULL, 0},
	{0, "suid,nosuid", &plain, V_ALLOW, NULL, NOSUID},
	{0, "allow_other", &plain, V_ALLOW, NULL, NOSUID},
	{0, "allow_root", &plain, V_UNKNOWN_OPTION, "allow_root", NOSUID},
	{0, "blkdev", &plain, V_ALLOW, NULL, NOSUID},
};

static void options_are_judged(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *about = NULL;
		struct mount_options o;
		char text[64];

		print_message("  %u: %s\n", options[i].caller, options[i].options);
		strcpy(text, options[i].options);
		assert_null(options_parse(text, &o));
		assert_verdict(policy_options(options[i].caller, &o, options[i].conf, &about),
			       options[i].want);
		if (options[i].about)
			assert_string_equal(about, options[i].about);
		assert_int_equal(policy_flags(options[i].caller, o.flags), options[i].flags);
	}
}

static void names_have_a_limit(void **state)
{
	static char name[8192];
	struct mount_options o = {.value[MNT_OPT_FSNAME] = name};
	const char *about;

	memset(name, 'x', sizeof(name) - 1);
	assert_verdict(policy_options(USER, &o, &plain, &about), V_OPTIONS_TOO_LONG);
	name[4095] = '\0';
	assert_verdict(policy_options(USER, &o, &plain, &about), V_ALLOW);
	o = (struct mount_options){.value[MNT_OPT_SUBTYPE] = name};
	assert_verdict(policy_options(0, &o, &plain, &about), V_OPTIONS_TOO_LONG);
}

/* ---- numbers of mounts and helpers ---- */

static const struct {
	const char *what;
	uid_t caller;
	struct crowd n;
	bool to_mount;
	bool to_stay;
	int64_t max;
	const char *want;
} crowds[] = {
	{"the first", USER, {0, 1, 0}, true, false, 1000, V_ALLOW},
	{"the last", USER, {999, 1, 0}, true, false, 1000, V_ALLOW},
	{"one too many", USER, {1000, 1, 0}, true, false, 1000, V_TOO_MANY_MOUNTS},
	{"two for the last place", USER, {999, 2, 0}, true, false, 1000, V_TOO_MANY_MOUNTS},
	{"none allowed", USER, {0, 1, 0}, true, false, 0, V_TOO_MANY_MOUNTS},
	{"one allowed", USER, {0, 1, 0}, true, false, 1, V_ALLOW},
	{"no limit", USER, {100000, 1, 0}, true, false, -1, V_ALLOW},
	{"sixteen at once", USER, {0, 16, 0}, true, false, 1000, V_ALLOW},
	{"seventeen at once", USER, {0, 17, 0}, true, false, 1000, V_TOO_MANY_HELPERS},
	{"seventeen at once, no limit", USER, {0, 17, 0}, true, false, -1, V_TOO_MANY_HELPERS},
	{"stays as the last", USER, {4, 1, 4}, true, true, 5, V_ALLOW},
	{"stays as one too many", USER, {0, 1, 5}, true, true, 5, V_TOO_MANY_HELPERS},
	{"others may yet stay", USER, {0, 3, 3}, true, true, 5, V_TOO_MANY_HELPERS},
	{"does not stay", USER, {0, 1, 5}, true, false, 5, V_ALLOW},
	{"watches only", USER, {5, 0, 5}, false, true, 5, V_ALLOW},
	{"watches only, one too many", USER, {5, 0, 6}, false, true, 5, V_TOO_MANY_HELPERS},
	{"watches while another mounts", USER, {5, 1, 3}, false, true, 5, V_ALLOW},
	{"root", 0, {5000, 100, 100}, true, true, 10, V_ALLOW},
};

static void crowds_are_limited(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(crowds); i++) {
		struct conf c = {.mount_max = crowds[i].max};

		print_message("  %s\n", crowds[i].what);
		assert_verdict(policy_crowd(crowds[i].caller, &crowds[i].n, crowds[i].to_mount,
					    crowds[i].to_stay, &c),
			       crowds[i].want);
	}
}

/* ---- whose mount ---- */

#define LINE(type, options)                                                                        \
	"36 35 98:0 / /mnt rw,noatime shared:1 master:2 - " type " src rw" options

static const struct {
	const char *line;
	uid_t caller;
	bool owned;
} owners[] = {
	{LINE("fuse", ",user_id=1001,group_id=1001"), USER, true},
	{LINE("fuse.sshfs", ",user_id=1001,group_id=1001"), USER, true},
	{LINE("fuseblk", ",user_id=1001"), USER, true},
	{LINE("fuseblk.ntfs", ",user_id=1001"), USER, true},
	{LINE("fuse", ",user_id=1002,group_id=1001"), USER, false},
	{LINE("fuse", ",user_id=10011"), USER, false},
	{LINE("fuse", ",user_id=100"), USER, false},
	{LINE("fuse", ",user_id=01001"), USER, true}, /* the kernel writes no such thing */
	{LINE("fuse", ",user_id=0"), USER, false},
	{LINE("fuse", ",group_id=1001"), USER, false},
	{LINE("fuse", ",user_id=1001,user_id=1001"), USER, false},
	{LINE("fuse", ",user_id=0,user_id=1001"), USER, false},
	{LINE("fuse", ",user_id=1001x"), USER, false},
	{LINE("fuse", ",user_id=-1"), USER, false},
	{LINE("fuse", ",xuser_id=1001"), USER, false},
	{LINE("ext4", ",user_id=1001"), USER, false},
	{LINE("tmpfs", ""), USER, false},
	{LINE("fusectl", ",user_id=1001"), USER, false},
	{LINE("fuse2", ",user_id=1001"), USER, false},
	{LINE("fuseblkx", ",user_id=1001"), USER, false},
	{LINE("xfuse", ",user_id=1001"), USER, false},
	{LINE("fuse", ",user_id=1001"), 0, true},
	{LINE("fuse", ""), 0, true},
	{LINE("ext4", ",user_id=0"), 0, false},
};

static void mounts_have_owners(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		struct mount_entry e;
		char line[256];

		print_message("  %s\n", owners[i].line);
		strcpy(line, owners[i].line);
		assert_true(table_line(line, &e));
		assert_int_equal(e.id, 36);
		assert_int_equal(e.parent, 35);
		assert_string_equal(e.path, "/mnt");
		assert_int_equal(policy_owns(owners[i].caller, &e), owners[i].owned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mountpoints_are_judged), cmocka_unit_test(options_are_judged),
		cmocka_unit_test(names_have_a_limit),	  cmocka_unit_test(crowds_are_limited),
		cmocka_unit_test(mounts_have_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
