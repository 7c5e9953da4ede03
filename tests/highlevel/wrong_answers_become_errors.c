/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a filesystem does wrong is logged and fails with EIO; the mount goes on.
 */
#include "served.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct served served;

/* What the next callback does wrong. */
static int result;
static mode_t made_type;
static const char *entry_name;
static off_t entry_off;
static int entry_flags;
static bool second_entry_with_offset;

static int bad_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	st->st_nlink = 1;
	if (!strcmp(path, "/")) {
		st->st_mode = S_IFDIR | 0755;
		return 0;
	}
	if (!strcmp(path, "/typeless"))
		return 0;
	if (!strcmp(path, "/huge"))
		st->st_size = -1;
	st->st_mode = made_type ? made_type : S_IFREG | 0644;
	return strcmp(path, "/result") ? 0 : result;
}

static int bad_access(const char *path, int mask)
{
	return result;
}

static int bad_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	return result;
}

static int bad_write(const char *path, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	return result;
}

static int bad_getxattr(const char *path, const char *name, char *value, size_t size)
{
	return result;
}

static int bad_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return 0;
}

static int bad_readlink(const char *path, char *buf, size_t size)
{
	memset(buf, 'x', size); /* without end */
	return 0;
}

static int bad_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		       struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	filler(buf, "good", NULL, entry_off ? 1 : 0, FUSE_FILL_DIR_DEFAULTS);
	filler(buf, entry_name, NULL, second_entry_with_offset ? 7 : entry_off,
	       (enum fuse_fill_dir_flags)entry_flags);
	return 0;
}

static off_t bad_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi)
{
	return result;
}

static const struct fuse_operations bad_operations = {
	.getattr = bad_getattr,
	.access = bad_access,
	.read = bad_read,
	.write = bad_write,
	.getxattr = bad_getxattr,
	.create = bad_create,
	.readlink = bad_readlink,
	.readdir = bad_readdir,
	.lseek = bad_lseek,
};

static int set_up(void **state)
{
	result = 0;
	made_type = 0;
	entry_name = "second";
	entry_off = 0;
	entry_flags = 0;
	second_entry_with_offset = false;
	log_clear();
	serve_start(&served, &bad_operations, NULL, 0, NULL);
	return 0;
}

static int tear_down(void **state)
{
	serve_end(&served, true);
	return 0;
}

static void assert_logged(const char *text)
{
	if (!strstr(log_text(), text))
		fail_msg("not in the log: %s\nthe log: %s", text, log_text());
	log_clear();
}

static void positive_and_impossible_results(void **state)
{
	static const int wrong[] = {1, 22, -512, -100000, INT32_MIN};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		result = wrong[i];
		assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -EIO);
		assert_logged("access of the filesystem returned");
	}
	result = -511;
	assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -511);
	result = 5;
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "result", &(struct fuse_entry_out){0}),
			 -EIO);
	assert_logged("getattr of the filesystem returned 5");
}

static void entries_that_make_no_sense(void **state)
{
	struct fuse_entry_out e;

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "typeless", &e), -EIO);
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "huge", &e), -EIO);
	assert_true(serve_nodes_become(&served, 1)); /* nobody holds them */
}

static void more_bytes_than_asked_for(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char buf[16];

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	result = 17;
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, 16, 0), -EIO);
	assert_logged("read of the filesystem returned 17");
	assert_int_equal(mock_write(served.m, e.nodeid, o.fh, buf, 16, 0), -EIO);
	assert_logged("write of the filesystem returned 17");
	assert_int_equal(mock_getxattr(served.m, e.nodeid, "user.x", buf, 16), -EIO);
	assert_logged("getxattr of the filesystem returned 17");
	result = 16;
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, 16, 0), 16);
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
}

static void a_created_directory(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;

	made_type = S_IFDIR | 0755;
	assert_int_equal(mock_create(served.m, FUSE_ROOT_ID, "f", O_RDWR, 0644, &e, &o), -EIO);
	assert_logged("create of the filesystem made a file of type 040000");
	assert_true(serve_nodes_become(&served, 1));
}

static void a_link_without_end(void **state)
{
	struct fuse_entry_out e;
	char buf[8192];

	made_type = S_IFLNK | 0777;
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "l", &e), 0);
	assert_in_range(mock_readlink(served.m, e.nodeid, buf, sizeof(buf)), 0, 4096);
}

static int list_root(void)
{
	char text[256];

	return list_names(served.m, FUSE_ROOT_ID, false, text, sizeof(text));
}

static void names_that_cannot_be(void **state)
{
	static char longest[2000];

	memset(longest, 'n', sizeof(longest) - 1);
	entry_name = "a/b";
	assert_int_equal(list_root(), -EIO);
	assert_logged("gave an entry with the name 'a/b'");
	entry_name = "";
	assert_int_equal(list_root(), -EIO);
	assert_logged("gave an entry with the name ''");
	entry_name = longest;
	assert_int_equal(list_root(), -EIO);
	assert_logged("which is too long");
	entry_name = "fine";
	assert_int_equal(list_root(), 0);
}

static void offsets_that_cannot_be(void **state)
{
	entry_off = -5;
	assert_int_equal(list_root(), -EIO);
	assert_logged("with the offset -5");
	entry_off = 0;
	second_entry_with_offset = true;
	assert_int_equal(list_root(), -EIO);
	assert_logged("with and without one");
	second_entry_with_offset = false;
	entry_flags = 64;
	assert_int_equal(list_root(), -EIO);
	assert_logged("unknown flags 0x40");
}

static void handles_that_were_never_given_out(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char buf[16];

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_read(served.m, e.nodeid, 0, buf, 16, 0), -EBADF);
	assert_int_equal(mock_read(served.m, e.nodeid, UINT64_MAX, buf, 16, 0), -EBADF);
	assert_int_equal(mock_read(served.m, e.nodeid, 0x7fffffff00000001, buf, 16, 0), -EBADF);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	/* A file is no directory. */
	assert_int_equal(mock_readdir(served.m, e.nodeid, o.fh, buf, 16, 0), -EBADF);
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, 16, 0), -EBADF);
}

static void nodes_that_were_never_given_out(void **state)
{
	struct fuse_attr_out a;
	struct fuse_entry_out e;

	assert_int_equal(mock_getattr(served.m, 4711, NULL, &a), -ESTALE);
	assert_int_equal(mock_getattr(served.m, UINT64_MAX, NULL, &a), -ESTALE);
	assert_int_equal(mock_lookup(served.m, 1ull << 40, "x", &e), -ESTALE);
}

static void complaints_end_some_time(void **state)
{
	result = 1;
	for (int i = 0; i < 200; i++)
		assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -EIO);
	assert_logged("further such messages are left out");
	assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -EIO);
	assert_string_equal(log_text(), "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(positive_and_impossible_results),
		T(entries_that_make_no_sense),
		T(more_bytes_than_asked_for),
		T(a_created_directory),
		T(a_link_without_end),
		T(names_that_cannot_be),
		T(offsets_that_cannot_be),
		T(handles_that_were_never_given_out),
		T(nodes_that_were_never_given_out),
		T(complaints_end_some_time),
	};

	log_capture();
	return cmocka_run_group_tests_name("wrong answers", tests, NULL, NULL);
}
