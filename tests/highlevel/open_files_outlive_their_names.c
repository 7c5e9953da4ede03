/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are removed while they are open: hidden, and never seen again. */
#include "served.h"
#include "treefs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct served served;

static uint64_t look_up(uint64_t dir, const char *name)
{
	struct fuse_entry_out e;

	assert_int_equal(mock_lookup(served.m, dir, name, &e), 0);
	return e.nodeid;
}

static uint64_t open_file(uint64_t ino)
{
	struct fuse_open_out o;

	assert_int_equal(mock_open(served.m, ino, O_RDWR, &o), 0);
	return o.fh;
}

static uint32_t links(uint64_t ino)
{
	struct fuse_attr_out a;

	assert_int_equal(mock_getattr(served.m, ino, NULL, &a), 0);
	return a.attr.nlink;
}

static int set_up(void **state)
{
	log_clear();
	treefs_reset();
	treefs_make("/d/");
	treefs_make("/d/file");
	treefs_make("/d/other");
	serve_start(&served, &treefs_operations, *state, 2, NULL);
	return 0;
}

static int tear_down(void **state)
{
	serve_end(&served, true);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
	assert_int_equal(treefs_open_files, 0);
	assert_string_equal(log_text(), "");
	return 0;
}

static void the_file_is_kept_until_it_is_closed(void **state)
{
	uint64_t d = look_up(1, "d"), f = look_up(d, "file"), fh = open_file(f);
	char names[256];

	assert_int_equal(mock_unlink(served.m, d, "file"), 0);
	assert_false(treefs_has("/d/file"));
	assert_int_equal(treefs_count(".fuse_hidden"), 1);
	assert_int_equal(links(f), 0);
	for (int plus = 0; plus < 2; plus++) {
		for (int offsets = 0; offsets < 2; offsets++) {
			treefs_offsets = offsets;
			assert_int_equal(list_names(served.m, d, plus, names, sizeof(names)), 0);
			assert_string_equal(names, "other ");
		}
	}
	mock_release(served.m, f, fh, O_RDWR);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
}

static void with_two_who_have_it_open_until_the_last(void **state)
{
	uint64_t d = look_up(1, "d"), f = look_up(d, "file");
	uint64_t fh1 = open_file(f), fh2 = open_file(f);

	assert_int_equal(mock_unlink(served.m, d, "file"), 0);
	mock_release(served.m, f, fh1, O_RDWR);
	assert_int_equal(treefs_count(".fuse_hidden"), 1);
	mock_release(served.m, f, fh2, O_RDWR);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
}

static void a_rename_hides_what_it_replaces(void **state)
{
	uint64_t d = look_up(1, "d"), f = look_up(d, "file"), fh = open_file(f);
	uint64_t o = look_up(d, "other");

	assert_int_equal(mock_rename(served.m, d, "other", d, "file", 0), 0);
	assert_int_equal(treefs_count(".fuse_hidden"), 1);
	assert_int_equal(look_up(d, "file"), o);
	assert_int_equal(links(f), 0);
	assert_int_equal(links(o), 1);
	mock_release(served.m, f, fh, O_RDWR);
}

static void a_rename_that_fails_replaces_nothing(void **state)
{
	uint64_t d = look_up(1, "d"), f = look_up(d, "file"), fh = open_file(f);

	treefs_rename_error = -EXDEV;
	assert_int_equal(mock_rename(served.m, d, "other", d, "file", 0), -EXDEV);
	assert_true(treefs_has("/d/file"));
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
	assert_int_equal(look_up(d, "file"), f);
	assert_int_equal(links(f), 1);
	mock_release(served.m, f, fh, O_RDWR);
	assert_true(treefs_has("/d/file"));
}

static void an_exchange_hides_nothing(void **state)
{
	uint64_t d = look_up(1, "d"), f = look_up(d, "file"), fh = open_file(f);

	assert_int_equal(mock_rename(served.m, d, "other", d, "file", RENAME_EXCHANGE), 0);
	assert_int_equal(mock_rename(served.m, d, "other", d, "other", 0), 0);
	assert_int_equal(look_up(d, "other"), f);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
	mock_release(served.m, f, fh, O_RDWR);
}

static void a_directory_with_hidden_files_is_empty(void **state)
{
	uint64_t d = look_up(1, "d"), f = look_up(d, "file"), fh = open_file(f);
	struct fuse_statx_out x;
	struct fuse_attr_out a;

	assert_int_equal(mock_unlink(served.m, d, "file"), 0);
	assert_int_equal(mock_rmdir(served.m, 1, "d"), -ENOTEMPTY);
	assert_int_equal(mock_unlink(served.m, d, "other"), 0);
	assert_int_equal(mock_rmdir(served.m, 1, "d"), 0);
	assert_false(treefs_has("/d"));
	assert_int_equal(links(f), 0);
	/* Who stands in it can still ask. */
	assert_int_equal(mock_getattr(served.m, d, NULL, &a), 0);
	assert_int_equal(a.attr.nlink, 0);
	assert_int_equal(a.attr.mode & S_IFMT, S_IFDIR);
	assert_int_equal(mock_statx(served.m, d, &(struct fuse_statx_in){0}, &x), 0);
	assert_int_equal(x.stat.nlink, 0);
	assert_int_equal(x.stat.mode & S_IFMT, S_IFDIR);
	mock_release(served.m, f, fh, O_RDWR);
}

static void a_file_without_a_name(void **state)
{
	uint64_t d = look_up(1, "d");
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char names[256];

	assert_int_equal(mock_tmpfile(served.m, d, O_TMPFILE | O_RDWR, 0600, &e, &o), 0);
	assert_int_equal(e.attr.nlink, 0);
	assert_int_equal(list_names(served.m, d, true, names, sizeof(names)), 0);
	assert_string_equal(names, "file other ");
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
}

static void what_a_dead_daemon_left_is_seen(void **state)
{
	uint64_t d = look_up(1, "d");
	char names[256];

	treefs_make("/d/.fuse_hidden0000000300000001");
	assert_int_equal(list_names(served.m, d, true, names, sizeof(names)), 0);
	assert_non_null(strstr(names, ".fuse_hidden0000000300000001"));
	assert_int_equal(mock_unlink(served.m, d, ".fuse_hidden0000000300000001"), 0);
}

static void with_hard_remove_nothing_is_hidden(void **state)
{
	uint64_t d = look_up(1, "d"), f = look_up(d, "file"), fh = open_file(f);
	struct fuse_attr_out a;

	assert_int_equal(mock_unlink(served.m, d, "file"), 0);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
	assert_int_equal(mock_getattr(served.m, f, NULL, &a), -ENOENT);
	mock_release(served.m, f, fh, O_RDWR);
}

static void the_end_of_the_filesystem_removes_them(void **state)
{
	struct served s;
	struct fuse_open_out o;
	struct fuse_entry_out e;

	treefs_reset();
	treefs_make("/file");
	serve_start(&s, &treefs_operations, NULL, 0, NULL);
	assert_int_equal(mock_lookup(s.m, 1, "file", &e), 0);
	assert_int_equal(mock_open(s.m, e.nodeid, O_RDWR, &o), 0);
	assert_int_equal(mock_unlink(s.m, 1, "file"), 0);
	assert_int_equal(treefs_count(".fuse_hidden"), 1);
	serve_end(&s, false);
	assert_int_equal(treefs_count(".fuse_hidden"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_file_is_kept_until_it_is_closed),
		T(with_two_who_have_it_open_until_the_last),
		T(a_rename_hides_what_it_replaces),
		T(a_rename_that_fails_replaces_nothing),
		T(an_exchange_hides_nothing),
		T(a_directory_with_hidden_files_is_empty),
		T(a_file_without_a_name),
		T(what_a_dead_daemon_left_is_seen),
		{"with_hard_remove_nothing_is_hidden", with_hard_remove_nothing_is_hidden, set_up,
		 tear_down, (void *)"hard_remove"},
		cmocka_unit_test(the_end_of_the_filesystem_removes_them),
	};

	log_capture();
	return cmocka_run_group_tests_name("hidden files", tests, NULL, NULL);
}
