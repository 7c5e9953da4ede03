/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's parsers: command line, option string, fuse.conf, mountinfo. */
#include <setjmp.h>
#include <stdarg.h>
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

static void modes_are_told_apart(void **state)
{
	static const struct {
		const char *words;
		enum mode mode;
	} table[] = {
		{"m", MODE_MOUNT},
		{"-o ro -- m", MODE_MOUNT},
		{"--sync-init m", MODE_MOUNT},
		{"-u m", MODE_UNMOUNT},
		{"-uzq m", MODE_UNMOUNT},
		{"--unmount --lazy --quiet m", MODE_UNMOUNT},
		{"-u --auto-unmount m", MODE_UNMOUNT},
		{"--auto-unmount -- m", MODE_WATCH},
		{"m --auto-unmount", MODE_WATCH},
		{"-h", MODE_HELP},
		{"m -h", MODE_HELP},
		{"--version", MODE_VERSION},
	};
	struct request req;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		print_message("  %s\n", table[i].words);
		assert_int_equal(parse(&req, "5", table[i].words), 0);
		assert_int_equal(req.mode, table[i].mode);
	}
}

static void arguments_are_kept(void **state)
{
	struct request req;

	assert_int_equal(parse(&req, "5", "m -o a -o b,c --sync-init"), 0);
	assert_string_equal(req.mountpoint, "m");
	assert_string_equal(req.options, "b,c");
	assert_int_equal(req.comm_fd, 5);
	assert_true(req.sync_init && !req.lazy && !req.quiet);
	assert_int_equal(parse(&req, "5", "--comm-fd=7 m"), 0);
	assert_int_equal(req.comm_fd, 7);
	assert_null(req.options);
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

	report_quiet(true);
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

static void options_become_flags(void **state)
{
	struct mount_options o;

	assert_null(options_parse(NULL, &o));
	assert_null(options("", &o));
	assert_int_equal(o.flags | o.wishes, 0);
	assert_null(options("ro,sync,dirsync,noexec,noatime,nodiratime,nosymfollow", &o));
	assert_int_equal(o.flags, MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOEXEC | MS_NOATIME |
					  MS_NODIRATIME | 256);
	assert_null(options("ro,rw,noexec,exec,sync,async,nosymfollow,symfollow", &o));
	assert_int_equal(o.flags, 0);
	assert_null(options("suid,dev,allow_other,default_permissions,auto_unmount", &o));
	assert_int_equal(o.wishes, WISH_SUID | WISH_DEV | WISH_ALLOW_OTHER |
					   WISH_DEFAULT_PERMISSIONS | WISH_AUTO_UNMOUNT);
	assert_null(options("max_read=4096,blksize=512,max_read=8192", &o));
	assert_int_equal(o.max_read, 8192);
	assert_int_equal(o.blksize, 512);
	assert_null(options("nonempty,fd=9,rootmode=7,user_id=0,group_id=0,x-a,x-b=c,ro,", &o));
	assert_int_equal(o.flags, MS_RDONLY);
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
		assert_string_equal(o.fsname, table[i].fsname);
		assert_int_equal(o.wishes, 0);
	}
}

/* ---- fuse.conf ---- */

static struct conf read_conf(const char *text, size_t piece)
{
	struct conf c;
	struct conf_reader r = {.conf = &c};

	conf_defaults(&c);
	for (size_t at = 0, n = strlen(text); at < n; at += piece)
		conf_feed(&r, text + at, n - at < piece ? n - at : piece);
	conf_end(&r);
	return c;
}

static void conf_is_read_in_pieces_of_any_size(void **state)
{
	static const char text[] = "# a comment\n"
				   "mount_max=3 # and another\n\n"
				   " user_allow_other \n"
				   "allow_fstype = 0x01021997\nallow_fstype=0xCAFE\n";

	for (size_t piece = 1; piece < sizeof(text) + 1; piece++) {
		struct conf c = read_conf(text, piece);

		assert_true(c.user_allow_other);
		assert_int_equal(c.mount_max, 3);
		assert_int_equal(c.n_extra_types, 2);
		assert_true(c.extra_types[0] == 0x01021997 && c.extra_types[1] == 0xcafe);
	}
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

	report_quiet(true);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct conf c = read_conf(lines[i], 1000);

		assert_false(c.user_allow_other);
		assert_int_equal(c.mount_max, 1000);
		assert_int_equal(c.n_extra_types, 0);
	}
	/* 255 bytes are a line, 256 are too long. */
	memset(longer, ' ', sizeof(longer));
	strcpy(longer + 255 - strlen("mount_max = 7"), "mount_max = 7\n");
	assert_int_equal(read_conf(longer, 1000).mount_max, 7);
	memset(longer, ' ', sizeof(longer));
	strcpy(longer + 256 - strlen("mount_max = 7"), "mount_max = 7\n");
	assert_int_equal(read_conf(longer, 1000).mount_max, 1000);
}

static void conf_takes_a_limited_number_of_types(void **state)
{
	char text[CONF_EXTRA_TYPES * 2 * 24] = "";

	for (int i = 0; i < CONF_EXTRA_TYPES * 2; i++)
		strcat(text, "allow_fstype = 0x77\n");
	assert_int_equal(read_conf(text, 100).n_extra_types, CONF_EXTRA_TYPES);
	assert_int_equal(read_conf("mount_max = -1\n", 100).mount_max, -1);
	assert_int_equal(read_conf("mount_max = 0\n", 100).mount_max, 0);
}

/* ---- mountinfo ---- */

static void mount_table_names_are_unescaped(void **state)
{
	char line[] = "1 2 0:3 /a\\040b /x\\040y\\011\\012\\134\\043z rw - fuse.a\\040b c\\040d "
		      "rw,user_id=7";
	struct mount_entry e;

	assert_true(mounts_parse_line(line, &e));
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
		assert_false(mounts_parse_line(line, &e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_are_told_apart),
		cmocka_unit_test(arguments_are_kept),
		cmocka_unit_test(wrong_command_lines_are_refused),
		cmocka_unit_test(options_become_flags),
		cmocka_unit_test(backslashes_count_in_names_only),
		cmocka_unit_test(conf_is_read_in_pieces_of_any_size),
		cmocka_unit_test(wrong_lines_of_conf_change_nothing),
		cmocka_unit_test(conf_takes_a_limited_number_of_types),
		cmocka_unit_test(mount_table_names_are_unescaped),
		cmocka_unit_test(broken_mount_table_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
