/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs built with libfuse 3.11 to 3.16 find the members of struct
 * fuse_config where they were in 3.14. */
#include "served.h"

#include <errno.h>
#include <string.h>

#include "protocol/wire.h"

/* Makes this program one of them; see base/abi.h. */
extern const int abi_generation;
const int abi_generation = 3;

static int nullpath_seen, timeout_set_seen;
static double ac_timeout_seen;
static bool path_was_null;
static uint32_t wanted;

static void *old_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	char *c = (char *)cfg;

	wanted = conn->want;
	memcpy(&timeout_set_seen, c + 88, sizeof(int));
	memcpy(&ac_timeout_seen, c + 96, sizeof(double));
	memcpy(&nullpath_seen, c + 104, sizeof(int));
	memcpy(c + 104, &(int){1}, sizeof(int));
	return NULL;
}

static int old_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	st->st_mode = path && !strcmp(path, "/") ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_nlink = 1;
	return 0;
}

static int old_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	path_was_null = !path;
	return 0;
}

static const struct fuse_operations old_operations = {
	.init = old_init,
	.getattr = old_getattr,
	.read = old_read,
};

static void members_are_where_they_were(void **state)
{
	struct served s;
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char buf[8];

	serve_start(&s, &old_operations, "ac_attr_timeout=7", 0, NULL);
	assert_int_equal(timeout_set_seen, 1);
	assert_true(ac_timeout_seen == 7.0);
	assert_int_equal(nullpath_seen, 0);
	assert_int_equal(mock_lookup(s.m, FUSE_ROOT_ID, "f", &e), 0);
	assert_int_equal(mock_open(s.m, e.nodeid, O_RDONLY, &o), 0);
	assert_int_equal(mock_read(s.m, e.nodeid, o.fh, buf, 8, 0), 0);
	assert_true(path_was_null);
	mock_release(s.m, e.nodeid, o.fh, O_RDONLY);
	serve_end(&s, true);
}

/* It stands among their wishes, and was never more than that. */
static void setuid_bits_are_the_kernels_business(void **state)
{
	struct served s;

	serve_start(&s, &old_operations, NULL, 0, NULL);
	assert_true(wanted & FUSE_CAP_HANDLE_KILLPRIV);
	assert_false(mock_init_out(s.m)->flags & FUSE_INIT_FLAG(HANDLE_KILLPRIV));
	serve_end(&s, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_where_they_were),
		cmocka_unit_test(setuid_bits_are_the_kernels_business),
	};

	return cmocka_run_group_tests_name("old configuration", tests, NULL, NULL);
}
