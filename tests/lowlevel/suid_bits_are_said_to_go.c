/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of which requests profuse_must_clear_suid() says that set-user-ID bits have to go. */
#include <profuse.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "mock_session.h"

static struct mock *m;
static struct fuse_session *se;
static bool said;

/* One in every callback; the answer does not matter. */
static void ask_and_fail(fuse_req_t req)
{
	said = profuse_must_clear_suid(req);
	fuse_reply_err(req, EPERM);
}

static void ask_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	ask_and_fail(req);
}

static void ask_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		       struct fuse_file_info *fi)
{
	ask_and_fail(req);
}

static void ask_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	ask_and_fail(req);
}

static void ask_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
			struct fuse_file_info *fi)
{
	ask_and_fail(req);
}

static void ask_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	ask_and_fail(req);
}

static void clear_ourselves(void *data, struct fuse_conn_info *conn)
{
	assert_true(fuse_set_feature_flag(conn, FUSE_CAP_HANDLE_KILLPRIV_V2));
}

static void start(bool ourselves)
{
	struct fuse_lowlevel_ops ops = {
		.init = ourselves ? clear_ourselves : NULL,
		.open = ask_open,
		.create = ask_create,
		.write = ask_write,
		.setattr = ask_setattr,
		.unlink = ask_unlink,
	};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	fuse_opt_add_arg(&args, "test");
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	fuse_opt_free_args(&args);
	assert_non_null(se);
	m = mock_new(&(struct mock_options){.quiet = true});
	assert_int_equal(mock_serve(m, se, 0), 0);
	assert_int_equal(mock_init(m), 0);
}

static void finish(void)
{
	assert_int_equal(mock_unmount(m), 0);
	fuse_session_destroy(se);
}

static bool said_of(const struct mock_call *call)
{
	said = false;
	assert_int_equal(mock_call_into(m, call, NULL, 0), -EPERM);
	return said;
}

static bool said_of_setattr(uint32_t valid)
{
	struct fuse_setattr_in in = {.valid = valid};

	return said_of(&(struct mock_call){.op = PROTO_SETATTR, .nodeid = 1, .in = &in});
}

static bool said_of_write(uint32_t flags)
{
	struct fuse_write_in in = {.write_flags = flags};

	return said_of(&(struct mock_call){
		.op = PROTO_WRITE, .nodeid = 1, .in = &in, .data = "x", .data_len = 1});
}

static bool said_of_open(uint32_t open_flags)
{
	struct fuse_open_in in = {.open_flags = open_flags};

	return said_of(&(struct mock_call){.op = PROTO_OPEN, .nodeid = 1, .in = &in});
}

static bool said_of_create(uint32_t open_flags)
{
	struct fuse_create_in in = {.open_flags = open_flags};

	return said_of(
		&(struct mock_call){.op = PROTO_CREATE, .nodeid = 1, .in = &in, .name = {"n"}});
}

static void where_the_kernel_says_so(void **state)
{
	start(true);
	assert_true(said_of_write(FUSE_WRITE_KILL_SUIDGID));
	assert_false(said_of_write(FUSE_WRITE_CACHE | FUSE_WRITE_LOCKOWNER));
	assert_true(said_of_open(FUSE_OPEN_KILL_SUIDGID));
	assert_false(said_of_open(0));
	assert_true(said_of_create(FUSE_OPEN_KILL_SUIDGID));
	assert_false(said_of_create(0));
	assert_true(said_of_setattr(FATTR_SIZE | FATTR_FH | FATTR_KILL_SUIDGID));
	assert_false(said_of_setattr(FATTR_SIZE | FATTR_FH));
	assert_false(said_of_setattr(FATTR_MODE));
	assert_false(said_of(&(struct mock_call){.op = PROTO_UNLINK, .nodeid = 1, .name = {"n"}}));
	finish();
}

static void before_a_write_that_nobody_sees(void **state)
{
	start(true);
	assert_true(said_of_setattr(0));
	assert_true(said_of_setattr(FATTR_FH | FATTR_LOCKOWNER));
	finish();
	/* Else the kernel sets the mode by itself. */
	start(false);
	assert_false(said_of_setattr(0));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_the_kernel_says_so),
		cmocka_unit_test(before_a_write_that_nobody_sees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
