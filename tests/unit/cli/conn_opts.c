/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users override what the library and the filesystem chose, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fuse_lowlevel.h>

#include "base/compiler.h"
#include "session/want.h"

static char message[256];

PROFUSE_PRINTF(2, 0)
static void remember(enum fuse_log_level level, const char *fmt, va_list ap)
{
	vsnprintf(message, sizeof(message), fmt, ap);
}

static int listen_to_log(void **state)
{
	fuse_set_log_func(remember);
	return 0;
}

/* A connection on which everything but `lacking` is offered. */
static struct fuse_conn_info conn_with(uint64_t want, uint64_t lacking)
{
	return (struct fuse_conn_info){
		.max_write = 1,
		.max_readahead = 2,
		.max_background = 3,
		.congestion_threshold = 4,
		.time_gran = 5,
		.capable = (uint32_t)~lacking,
		.capable_ext = ~lacking,
		.want = (uint32_t)want,
		.want_ext = want,
	};
}

static int apply(const char *list, struct fuse_conn_info *conn)
{
	char *argv[] = {(char *)"prog", (char *)"-o", (char *)list, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_conn_info_opts *opts = fuse_parse_conn_info_opts(&args);
	int left = args.argc;

	message[0] = '\0';
	if (opts)
		fuse_apply_conn_info_opts(opts, conn);
	free(opts);
	fuse_opt_free_args(&args);
	return opts ? left : -1;
}

static void what_is_not_said_stays(void **state)
{
	struct fuse_conn_info conn = conn_with(FUSE_CAP_ASYNC_READ, 0), before = conn;

	assert_int_equal(apply("something,else", &conn), 3);
	assert_memory_equal(&conn, &before, sizeof(conn));
}

static void numbers_are_taken(void **state)
{
	struct fuse_conn_info conn = conn_with(0, 0);

	assert_int_equal(apply("max_write=100,max_readahead=0,max_background=7,"
			       "congestion_threshold=6,time_gran=1000",
			       &conn),
			 1);
	assert_int_equal(conn.max_write, 100);
	assert_int_equal(conn.max_readahead, 0);
	assert_int_equal(conn.max_background, 7);
	assert_int_equal(conn.congestion_threshold, 6);
	assert_int_equal(conn.time_gran, 1000);
}

static void switches_go_both_ways(void **state)
{
	static const struct {
		const char *on, *off;
		uint64_t cap;
	} t[] = {
		{"async_read", "sync_read", FUSE_CAP_ASYNC_READ},
		{"splice_write", "no_splice_write", FUSE_CAP_SPLICE_WRITE},
		{"splice_move", "no_splice_move", FUSE_CAP_SPLICE_MOVE},
		{"splice_read", "no_splice_read", FUSE_CAP_SPLICE_READ},
		{"auto_inval_data", "no_auto_inval_data", FUSE_CAP_AUTO_INVAL_DATA},
		{"async_dio", "no_async_dio", FUSE_CAP_ASYNC_DIO},
		{"writeback_cache", "no_writeback_cache", FUSE_CAP_WRITEBACK_CACHE},
	};
	const uint64_t bystander = FUSE_CAP_POSIX_ACL | FUSE_CAP_SECURITY_CTX;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct fuse_conn_info conn = conn_with(bystander, 0);

		assert_int_equal(apply(t[i].on, &conn), 1);
		assert_int_equal(conn.want_ext, bystander | t[i].cap);
		assert_int_equal(conn.want, (uint32_t)(bystander | t[i].cap));
		assert_int_equal(apply(t[i].off, &conn), 1);
		assert_int_equal(conn.want_ext, bystander);
		assert_int_equal(conn.want, (uint32_t)bystander);
	}
}

static void readdirplus_has_three_settings(void **state)
{
	const uint64_t both = FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO;
	struct fuse_conn_info conn = conn_with(both, 0);

	apply("readdirplus=no", &conn);
	assert_int_equal(conn.want_ext, 0);
	apply("readdirplus=auto", &conn);
	assert_int_equal(conn.want_ext, both);
	apply("readdirplus=yes", &conn);
	assert_int_equal(conn.want_ext, FUSE_CAP_READDIRPLUS);
}

static void locks_can_be_kept_local(void **state)
{
	const uint64_t both = FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS;
	struct fuse_conn_info conn = conn_with(both, 0);

	apply("no_remote_flock", &conn);
	assert_int_equal(conn.want_ext, FUSE_CAP_POSIX_LOCKS);
	conn = conn_with(both, 0);
	apply("no_remote_posix_lock", &conn);
	assert_int_equal(conn.want_ext, FUSE_CAP_FLOCK_LOCKS);
	conn = conn_with(both, 0);
	apply("no_remote_lock", &conn);
	assert_int_equal(conn.want_ext, 0);
}

static void what_the_kernel_lacks_is_said_and_ignored(void **state)
{
	struct fuse_conn_info conn = conn_with(0, FUSE_CAP_WRITEBACK_CACHE);

	assert_int_equal(apply("writeback_cache", &conn), 1);
	assert_int_equal(conn.want_ext, 0);
	assert_non_null(strstr(message, "writeback_cache"));
}

static void nonsense_is_refused(void **state)
{
	struct fuse_conn_info conn = conn_with(0, 0);

	assert_int_equal(apply("max_write=much", &conn), -1);
}

static void flags_are_asked_for_one_by_one(void **state)
{
	struct fuse_conn_info conn = conn_with(0, FUSE_CAP_PASSTHROUGH);

	assert_true(fuse_set_feature_flag(&conn, FUSE_CAP_SECURITY_CTX));
	assert_false(fuse_set_feature_flag(&conn, FUSE_CAP_PASSTHROUGH));
	assert_int_equal(conn.want_ext, FUSE_CAP_SECURITY_CTX);
	assert_int_equal(conn.want, 0);
	assert_true(fuse_get_feature_flag(&conn, FUSE_CAP_ASYNC_READ));
	assert_false(fuse_get_feature_flag(&conn, FUSE_CAP_PASSTHROUGH));
	fuse_unset_feature_flag(&conn, FUSE_CAP_SECURITY_CTX);
	assert_int_equal(conn.want_ext, 0);

	assert_true(fuse_set_conn_flag(&conn, FUSE_CONN_FLAG_SINGLE_ISSUER));
	assert_int_equal(conn.io_uring_single_issuer, 1);
	assert_true(fuse_set_conn_flag(&conn, FUSE_CONN_FLAG_NO_INTERRUPT));
	assert_int_equal(conn.no_interrupt, 1);
	assert_false(fuse_set_conn_flag(&conn, 1u << 9));
}

static void wishes_of_two_ages_go_together(void **state)
{
	const uint64_t before = FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_ALLOW_IDMAP;
	struct fuse_conn_info conn = conn_with(before, 0);

	/* Nothing changed. */
	sess_merge_wants(&conn, before);
	assert_int_equal(conn.want_ext, before);

	/* The old way, the new way, and options of the user, in one init(). */
	conn.want |= FUSE_CAP_WRITEBACK_CACHE;
	conn.want &= ~(uint32_t)FUSE_CAP_ASYNC_READ;
	assert_true(fuse_set_feature_flag(&conn, FUSE_CAP_POSIX_ACL | FUSE_CAP_SECURITY_CTX));
	apply("no_async_dio", &conn);
	sess_merge_wants(&conn, before);
	assert_int_equal(conn.want_ext, FUSE_CAP_ALLOW_IDMAP | FUSE_CAP_WRITEBACK_CACHE |
						FUSE_CAP_POSIX_ACL | FUSE_CAP_SECURITY_CTX);
	assert_int_equal(conn.want, (uint32_t)conn.want_ext);

	/* want_ext written directly. */
	conn = conn_with(before, 0);
	conn.want_ext = FUSE_CAP_ASYNC_DIO;
	sess_merge_wants(&conn, before);
	assert_int_equal(conn.want_ext, FUSE_CAP_ASYNC_DIO);
	assert_int_equal(conn.want, (uint32_t)conn.want_ext);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_stays),
		cmocka_unit_test(numbers_are_taken),
		cmocka_unit_test(switches_go_both_ways),
		cmocka_unit_test(readdirplus_has_three_settings),
		cmocka_unit_test(locks_can_be_kept_local),
		cmocka_unit_test(what_the_kernel_lacks_is_said_and_ignored),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(flags_are_asked_for_one_by_one),
		cmocka_unit_test(wishes_of_two_ages_go_together),
	};

	return cmocka_run_group_tests(tests, listen_to_log, NULL);
}
