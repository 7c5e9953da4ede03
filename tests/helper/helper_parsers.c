/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's parsers: command line, option string, fuse.conf, mountinfo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "fusermount3.h"

/* ---- command line ---- */

static int parse(struct request *req, const char *env, const char *words)
{
	static char prog[] = "fusermount3", text[256];
	char *argv[16] = {prog};
	int argc = 1;

	strcpy(text, words);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	return parse_command_line(argc, argv, env, req);
}

static void letters_are_told_apart(void **state)
{
	static const struct {
		const char *words;
		const char *given;
	} table[] = {
		{"m", ""},
		{"-o ro -- m", "o"},
		{"--sync-init m", "s"},
		{"-u m", "u"},
		{"-uzq m", "uzq"},
		{"--unmount --lazy --quiet m", "uzq"},
		{"-u --auto-unmount m", "ua"},
		{"--auto-unmount -- m", "a"},
		{"m --auto-unmount", "a"},
		{"-h", "h"},
		{"m -h", "h"},
		{"-h --nonsense", "h"},
		{"--version", "V"},
	};
	struct request req;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		print_message("  %s\n", table[i].words);
		assert_int_equal(parse(&req, "5", table[i].words), 0);
		for (size_t c = 0; c < ARRAY_SIZE(req.given); c++)
			assert_int_equal(req.given[c] != NULL,
					 c && strchr(table[i].given, (int)c) != NULL);
	}
}

static void arguments_are_kept(void **state)
{
	struct request req;

	assert_int_equal(parse(&req, "5", "m -o a -o b,c --sync-init"), 0);
	assert_string_equal(req.mountpoint, "m");
	assert_string_equal(req.given['o'], "b,c");
	assert_int_equal(req.comm_fd, 5);
	assert_int_equal(parse(&req, "5", "--comm-fd=7 m"), 0);
	assert_int_equal(req.comm_fd, 7);
	assert_null(req.given['o']);
	assert_int_equal(parse(&req, NULL, "-u m"), 0);
	assert_int_equal(req.comm_fd, -1);
}

static void wrong_command_lines_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"-o",
		"-o ro",
		"a b",
		"-z a",
		"-x a",
		"--foo a",
		"-u",
		"-u a b",
		"--comm-fd",
		"-q",
		"--quiet=1 a",
		"--help=no",
		"--comm-fd=",
		"--comm-fd x a",
		"--comm-fd=-1 a",
		"--auto-unmount",
	};
	static const char *const fds[] = {"", "x", "1x", " 1", "+1", "-1", "2147483648", "1 "};
	struct request req;

	say_nothing = true;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(parse(&req, "5", lines[i]), -1);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		assert_int_equal(parse(&req, fds[i], "m"), -1);
	assert_int_equal(parse(&req, NULL, "m"), -1);
}

/* ---- options ---- */

static const char *options(const char *text, struct mount_options *o)
{
	static char copy[512];

	strcpy(copy, text);
	return options_parse(copy, o);
}

#define NOSUID (MS_NOSUID | MS_NODEV)

/* The words beside flags, in the table's order. */
static const char *others(const struct mount_options *o)
{
	static char out[512];

	*out = '\0';
	for (size_t i = 0; i < MNT_OPT_COUNT; i++)
		if (o->value[i])
			sprintf(out + strlen(out), "%s%s ", option_table[i].name, o->value[i]);
	return out;
}

static void options_become_flags(void **state)
{
	struct mount_options o;

	assert_null(options_parse(NULL, &o));
	assert_null(options("", &o));
	assert_int_equal(o.flags, NOSUID);
	assert_string_equal(others(&o), "");
	assert_null(options("ro,sync,dirsync,noexec,noatime,nodiratime,nosymfollow", &o));
	assert_int_equal(o.flags, NOSUID | MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOEXEC |
					  MS_NOATIME | MS_NODIRATIME | 256);
	assert_null(options("ro,rw,noexec,exec,sync,async,nosymfollow,symfollow", &o));
	assert_int_equal(o.flags, NOSUID);
	assert_null(options("suid,dev,allow_other,default_permissions,auto_unmount", &o));
	assert_int_equal(o.flags, 0);
	assert_string_equal(others(&o), "allow_other default_permissions auto_unmount ");
	assert_null(options("max_read=4096,blksize=512,max_read=8192", &o));
	assert_string_equal(others(&o), "max_read=8192 blksize=512 ");
	assert_null(options("nonempty,fd=9,rootmode=7,user_id=0,group_id=0,x-a,x-b=c,X-d,ro,", &o));
	assert_int_equal(o.flags, NOSUID | MS_RDONLY);
	assert_string_equal(others(&o), "");
}

/* Each row of the library's table: what it lets users ask for is taken, the rest
 * is refused by name. */
static void the_table_is_obeyed(void **state)
{
	for (size_t i = 0; i < MNT_OPT_COUNT; i++) {
		const struct mnt_opt_row *row = &option_table[i];
		bool value = row->name[strlen(row->name) - 1] == '=';
		struct mount_options o;
		char word[64], wrong[64];
		const char *bad;

		print_message("  %s\n", row->name);
		snprintf(word, sizeof(word), "%s%s", row->name, value ? "7" : "");
		bad = options(word, &o);
		assert_int_equal(bad != NULL, row->helper == MNT_HELPER_REFUSE);
		snprintf(wrong, sizeof(wrong), "%s", row->name);
		strcpy(wrong + strlen(wrong) - value, value ? "" : "=7");
		if (strcmp(wrong, "user") != 0 && strcmp(wrong, "context") != 0)
			assert_non_null(options(wrong, &o));
	}
}

static void backslashes_count_in_names_only(void **state)
{
	static const struct {
		const char *text;
		const char *fsname;
		const char *bad;
	} table[] = {
		{"fsname=a", "a", NULL},
		{"fsname=", "", NULL},
		{"fsname=a\\,b,ro", "a,b", NULL},
		{"fsname=a\\\\,ro", "a\\", NULL},
		{"fsname=\\x\\y", "xy", NULL},
		{"fsname=a\\", "a\\", NULL},
		{"fsname=a,fsname=b", "b", NULL},
		{"ro\\,allow_other", NULL, "ro\\"},
		{"\\,allow_other", NULL, "\\"},
		{"max_read=1\\,allow_other", NULL, "max_read=1\\"},
		{"x-a\\,foo", NULL, "foo"},
		{"fsname=a\\\\\\,b", "a\\,b", NULL},
		{"ro,,rw", NULL, ""},
		{",", NULL, ""},
	};
	struct mount_options o;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *bad = options(table[i].text, &o);

		print_message("  %s\n", table[i].text);
		if (table[i].bad) {
			assert_non_null(bad);
			assert_string_equal(bad, table[i].bad);
			continue;
		}
		assert_null(bad);
		assert_string_equal(o.value[MNT_OPT_FSNAME], table[i].fsname);
		o.value[MNT_OPT_FSNAME] = NULL;
		assert_string_equal(others(&o), "");
	}
}

/* ---- fuse.conf ---- */

static struct conf read_conf(const char *text)
{
	static char copy[8192];
	struct conf c;

	strcpy(copy, text);
	conf_parse(copy, strlen(copy), &c);
	return c;
}

static void conf_is_read(void **state)
{
	struct conf c = read_conf("# a comment\n"
				  "mount_max=3 # and another\n\n"
				  " user_allow_other \n"
				  "allow_fstype = 0x01021997\nallow_fstype=0xCAFE\n");

	assert_true(c.user_allow_other);
	assert_int_equal(c.mount_max, 3);
	assert_int_equal(c.n_extra_types, 2);
	assert_true(c.extra_types[0] == 0x01021997 && c.extra_types[1] == 0xcafe);
	c = read_conf("\tmount_max\t=\t-1\t\r\n");
	assert_int_equal(c.mount_max, -1);
}

static void a_nul_hides_nothing(void **state)
{
	char text[] = "user_allow_other\0x\nmount_max = 2\n\0";
	struct conf c;

	say_nothing = true;
	conf_parse(text, sizeof(text) - 2, &c);
	assert_false(c.user_allow_other);
	assert_int_equal(c.mount_max, 2);
}

static void wrong_lines_of_conf_change_nothing(void **state)
{
	static const char *const lines[] = {
		"user_allow_others\n",	 "user_allow_other = 1\n",
		"user_allow_other",	 "#user_allow_other\n",
		"user allow_other\n",	 "mount_max = -2\n",
		"mount_max = x\n",	 "mount_max 5\n",
		"mount_max = 5",	 "mount_max = 2147483648\n",
		"mount_max = 5 5\n",	 "mount_max = +5\n",
		"MOUNT_MAX = 5\n",	 "xmount_max = 5\n",
		"mount_max = 0x5\n",	 "allow_fstype = 5\n",
		"allow_fstype = 0x\n",	 "allow_fstype = 0x0\n",
		"allow_fstype = 0x1g\n", "allow_fstype =\n",
		"allow_fstype = -0x1\n", "allow_fstype = 0x10000000000000000\n",
	};
	char longer[400];

	say_nothing = true;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct conf c = read_conf(lines[i]);

		assert_false(c.user_allow_other);
		assert_int_equal(c.mount_max, 1000);
		assert_int_equal(c.n_extra_types, 0);
	}
	/* 255 bytes are a line, 256 are too long. */
	memset(longer, ' ', sizeof(longer));
	strcpy(longer + 255 - strlen("mount_max = 7"), "mount_max = 7\n");
	assert_int_equal(read_conf(longer).mount_max, 7);
	memset(longer, ' ', sizeof(longer));
	strcpy(longer + 256 - strlen("mount_max = 7"), "mount_max = 7\n");
	assert_int_equal(read_conf(longer).mount_max, 1000);
}

static void conf_takes_a_limited_number_of_types(void **state)
{
	char text[CONF_EXTRA_TYPES * 2 * 24] = "";

	for (int i = 0; i < CONF_EXTRA_TYPES * 2; i++)
		strcat(text, "allow_fstype = 0x77\n");
	assert_int_equal(read_conf(text).n_extra_types, CONF_EXTRA_TYPES);
	assert_int_equal(read_conf("mount_max = -1\n").mount_max, -1);
	assert_int_equal(read_conf("mount_max = 0\n").mount_max, 0);
}

/* ---- mountinfo ---- */

static void mount_table_names_are_unescaped(void **state)
{
	char line[] = "1 2 0:3 /a\\040b /x\\040y\\011\\012\\134\\043z rw - fuse.a\\040b c\\040d "
		      "rw,user_id=7";
	struct mount_entry e;

	assert_true(table_line(line, &e));
	assert_string_equal(e.path, "/x y\t\n\\#z");
	assert_true(e.fuse && e.has_owner && e.owner == 7);
}

static void broken_mount_table_lines_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"1",
		"1 2 0:3 / /x rw",
		"1 2 0:3 / /x rw -",
		"1 2 0:3 / /x rw - fuse",
		"1 2 0:3 / /x rw - fuse src",
		"x 2 0:3 / /x rw - fuse src rw",
		"1 y 0:3 / /x rw - fuse src rw",
		"-1 2 0:3 / /x rw - fuse src rw",
		"99999999999 2 0:3 / /x rw - fuse src rw",
	};
	struct mount_entry e;
	char line[128];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		strcpy(line, lines[i]);
		assert_false(table_line(line, &e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_are_told_apart),
		cmocka_unit_test(arguments_are_kept),
		cmocka_unit_test(wrong_command_lines_are_refused),
		cmocka_unit_test(options_become_flags),
		cmocka_unit_test(the_table_is_obeyed),
		cmocka_unit_test(backslashes_count_in_names_only),
		cmocka_unit_test(conf_is_read),
		cmocka_unit_test(a_nul_hides_nothing),
		cmocka_unit_test(wrong_lines_of_conf_change_nothing),
		cmocka_unit_test(conf_takes_a_limited_number_of_types),
		cmocka_unit_test(mount_table_names_are_unescaped),
		cmocka_unit_test(broken_mount_table_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
