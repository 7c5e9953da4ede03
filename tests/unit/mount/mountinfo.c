/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of /proc/self/mountinfo, sane and otherwise. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mount/mountinfo.h"

static const struct {
	const char *text, *point, *type;
	int id;
	unsigned int major, minor;
} good[] = {
	{"36 35 0:39 / /mnt rw,noatime - fuse.x src rw", "/mnt", "fuse.x", 36, 0, 39},
	{"1 0 8:1 / / rw shared:1 master:2 propagate_from:3 - ext4 /dev/sda1 rw", "/", "ext4", 1, 8,
	 1},
	{"36 35 0:39 / /a\\040b\\011c\\012d\\134e rw - fuse - rw", "/a b\tc\nd\\e", "fuse", 36, 0,
	 39},
	{"36 35 0:39 / /mnt\\040(deleted) rw - fuse x rw", "/mnt (deleted)", "fuse", 36, 0, 39},
	{"36 35 0:39 /- /- rw - fuse - rw", "/-", "fuse", 36, 0, 39},
	{"36 35 0:39 / /mnt rw - fuse", "/mnt", "fuse", 36, 0, 39},
	{"36 35 0:39 / /bad\\9 rw - fuse x y", "/bad\\9", "fuse", 36, 0, 39},
};

static void good_lines_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct mnt_info_line line;
		char text[256];

		snprintf(text, sizeof(text), "%s", good[i].text);
		assert_true(mnt_info_parse(text, &line));
		assert_string_equal(line.point, good[i].point);
		assert_string_equal(line.type, good[i].type);
		assert_int_equal(line.id, good[i].id);
		assert_int_equal(line.dev, makedev(good[i].major, good[i].minor));
	}
}

static void bad_lines_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"36",
		"x 35 0:39 / /mnt rw - fuse src rw",
		"36 35 0 / /mnt rw - fuse src rw",
		"36 35 :39 / /mnt rw - fuse src rw",
		"36 35 0: / /mnt rw - fuse src rw",
		"36 35 0:39 / /mnt",
		"36 35 0:39 / /mnt rw",
		"36 35 0:39 / /mnt rw shared:1",
		"36 35 0:39 / /mnt rw -",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mnt_info_line line;
		char text[256];

		snprintf(text, sizeof(text), "%s", rows[i]);
		assert_false(mnt_info_parse(text, &line));
	}
}

/* Through a pipe, as the kernel's file may come in pieces of any size. */
static void lines_longer_than_the_buffer_are_skipped(void **state)
{
	struct mnt_info_reader r = {.fd = -1};
	struct mnt_info_line line;
	static char lots[40000];
	int fds[2];

	(void)state;
	memset(lots, 'x', sizeof(lots));
	memcpy(lots, "2 1 0:2 / /", 11);
	lots[sizeof(lots) - 1] = '\n';
	assert_int_equal(pipe(fds), 0);
	dprintf(fds[1], "1 0 0:1 / /one rw - fuse a b\n");
	assert_int_equal(write(fds[1], lots, sizeof(lots)), sizeof(lots));
	dprintf(fds[1], "garbage\n3 0 0:3 / /three rw - fuse a b\n4 0 0:4 / /cut rw - fu");
	close(fds[1]);
	r.fd = fds[0];
	assert_int_equal(mnt_info_next(&r, &line), 1);
	assert_string_equal(line.point, "/one");
	assert_int_equal(mnt_info_next(&r, &line), 1);
	assert_string_equal(line.point, "/three");
	assert_int_equal(mnt_info_next(&r, &line), 0);
	mnt_info_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines_are_taken_apart),
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(lines_longer_than_the_buffer_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
