/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request names how many bytes it wants, and they are allocated. A peer that is
 * not the kernel may name any number; it gets EIO for what was never agreed on, no
 * callback hears of it, and the mount goes on.
 */
#include "served.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static struct served served;
static size_t largest; /* that a callback was asked for */

static void note(size_t size)
{
	if (size > largest)
		largest = size;
}

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	st->st_mode = strcmp(path, "/") ? S_IFREG | 0644 : S_IFDIR | 0755;
	st->st_nlink = 1;
	return 0;
}

static int fs_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	note(size);
	memset(buf, 'x', size);
	return (int)size;
}

static int fs_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	note(1);
	return 0;
}

static int fs_getxattr(const char *path, const char *name, char *value, size_t size)
{
	note(size);
	return (int)size;
}

static int fs_listxattr(const char *path, char *list, size_t size)
{
	note(size);
	return 0;
}

static int fs_ioctl(const char *path, unsigned int cmd, void *arg, struct fuse_file_info *fi,
		    unsigned int flags, void *data)
{
	note(1);
	return 0;
}

static const struct fuse_operations operations = {
	.getattr = fs_getattr,
	.read = fs_read,
	.readdir = fs_readdir,
	.getxattr = fs_getxattr,
	.listxattr = fs_listxattr,
	.ioctl = fs_ioctl,
};

static int set_up(void **state)
{
	largest = 0;
	log_clear();
	serve_start(&served, &operations, NULL, 0, NULL);
	return 0;
}

static int tear_down(void **state)
{
	serve_end(&served, true);
	return 0;
}

static int ioctl_for(uint64_t ino, uint64_t fh, uint32_t out_size)
{
	struct fuse_ioctl_in in = {.fh = fh, .cmd = 1, .out_size = out_size};
	struct mock_call call = {.op = PROTO_IOCTL, .nodeid = ino, .in = &in};
	struct mock_reply reply;
	int res = mock_call(served.m, &call, &reply);

	mock_reply_free(&reply);
	return res;
}

/* What is answered to requests for `size` bytes; -EIO must be the same for all. */
static void ask_for(uint32_t size, uint64_t ino, uint64_t fh, uint64_t dirfh)
{
	static char byte[1];

	assert_int_equal(mock_read(served.m, ino, fh, byte, size, 0), -EIO);
	assert_int_equal(mock_readdir(served.m, FUSE_ROOT_ID, dirfh, byte, size, 0), -EIO);
	assert_int_equal(mock_readdirplus(served.m, FUSE_ROOT_ID, dirfh, byte, size, 0), -EIO);
	assert_int_equal(mock_getxattr(served.m, ino, "user.x", byte, size), -EIO);
	assert_int_equal(mock_listxattr(served.m, ino, byte, size), -EIO);
	assert_int_equal(ioctl_for(ino, fh, size), -EIO);
}

static void impossible_sizes(void **state)
{
	static const uint32_t sizes[] = {UINT32_MAX, UINT32_MAX - 16, INT32_MAX, 1u << 30,
					 1u << 26};
	struct fuse_entry_out e;
	struct fuse_open_out o, d;

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	assert_int_equal(mock_opendir(served.m, FUSE_ROOT_ID, &d), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ask_for(sizes[i], e.nodeid, o.fh, d.fh);
	assert_int_equal(largest, 0);
	assert_non_null(strstr(log_text(), "more bytes are wanted than was agreed on"));
	mock_releasedir(served.m, FUSE_ROOT_ID, d.fh);
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
}

/* All that Linux may ask for. */
static void possible_sizes(void **state)
{
	uint32_t most = mock_init_out(served.m)->max_pages * 4096u;
	char *buf = malloc(most);
	struct fuse_entry_out e;
	struct fuse_open_out o, d;

	assert_non_null(buf);
	assert_true(most >= 65536);
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	assert_int_equal(mock_opendir(served.m, FUSE_ROOT_ID, &d), 0);
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, most, 0), most);
	assert_int_equal(mock_readdir(served.m, FUSE_ROOT_ID, d.fh, buf, most, 0), 0);
	assert_int_equal(mock_getxattr(served.m, e.nodeid, "user.x", buf, 65536), 65536);
	assert_int_equal(mock_listxattr(served.m, e.nodeid, buf, 65536), 0);
	assert_int_equal(ioctl_for(e.nodeid, o.fh, 16383), 0);
	assert_int_equal(ioctl_for(e.nodeid, o.fh, most), 0);
	assert_int_equal(largest, most);
	mock_releasedir(served.m, FUSE_ROOT_ID, d.fh);
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(impossible_sizes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(possible_sizes, set_up, tear_down),
	};

	log_capture();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
