/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file opened with O_TRUNC is emptied. Either the open callback sees the flag,
 * or, where a program has none, the kernel is not told that one would, and calls
 * truncate by itself. A program that has neither cannot empty files; there the
 * flag is without effect instead of an error, so that `echo 1 >control' works.
 */
#include "served.h"

#include <sys/stat.h>

static struct served served;

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	st->st_mode = S_IFDIR | 0755;
	st->st_nlink = 1;
	return 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
	return 0;
}

static int fs_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	return 0;
}

static bool open_is_told_to_empty(const struct fuse_operations *op, const char *options)
{
	bool told;

	serve_start(&served, op, options, 0, NULL);
	told = mock_init_out(served.m)->flags & FUSE_INIT_FLAG(ATOMIC_O_TRUNC);
	serve_end(&served, true);
	return told;
}

static void without_open_the_kernel_truncates(void **state)
{
	static const struct fuse_operations op = {.getattr = fs_getattr, .truncate = fs_truncate};

	assert_false(open_is_told_to_empty(&op, NULL));
	assert_false(open_is_told_to_empty(&op, "modules=subdir,subdir=/"));
}

static void where_nobody_can_truncate_nobody_is_asked(void **state)
{
	static const struct fuse_operations op = {.getattr = fs_getattr};

	assert_true(open_is_told_to_empty(&op, NULL));
	assert_true(open_is_told_to_empty(&op, "modules=subdir,subdir=/"));
}

static void open_sees_the_flag(void **state)
{
	static const struct fuse_operations op = {.getattr = fs_getattr, .open = fs_open};

	assert_true(open_is_told_to_empty(&op, NULL));
	assert_true(open_is_told_to_empty(&op, "modules=subdir,subdir=/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_open_the_kernel_truncates),
		cmocka_unit_test(where_nobody_can_truncate_nobody_is_asked),
		cmocka_unit_test(open_sees_the_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
