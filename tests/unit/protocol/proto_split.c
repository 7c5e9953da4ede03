/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests from a ring come in two pieces; where the argument stands is told by
 * the lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/decode.h"

static const struct proto_conn conn = {.minor = 45};

static struct fuse_in_header header(uint32_t opcode, size_t len)
{
	return (struct fuse_in_header){.len = (uint32_t)len, .opcode = opcode, .unique = 2};
}

static void an_argument_may_stand_apart(void **state)
{
	struct fuse_write_in in = {.size = 4, .offset = 7};
	_Alignas(8) char data[4] = "abcd";
	struct fuse_in_header hdr = header(FUSE_WRITE, sizeof(hdr) + sizeof(in) + 4);
	struct proto_msg msg = {&hdr, &in, sizeof(in), data, 4, true};
	struct proto_req req;

	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_OK);
	assert_ptr_equal(req.in, &in);
	assert_ptr_equal(req.data, data);
	assert_int_equal(req.data_len, 4);
}

static void an_argument_may_stand_before_the_rest(void **state)
{
	_Alignas(8) struct {
		struct fuse_notify_retrieve_in in;
		char data[5];
	} rest = {{.offset = 4096, .size = 5}, "STORO"};
	struct fuse_notify_retrieve_in stale = {.offset = 1, .size = 1000};
	size_t len = sizeof(rest.in) + 5;
	struct fuse_in_header hdr = header(FUSE_NOTIFY_REPLY, sizeof(hdr) + len);
	struct proto_msg msg = {&hdr, &stale, 0, &rest, len, true};
	struct proto_req req;

	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_OK);
	assert_ptr_equal(req.in, &rest.in);
	assert_ptr_equal(req.data, rest.data);
	assert_int_equal(req.data_len, 5);
	msg.rest_len = len - 1; /* cut short */
	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_ERR_COUNT);
	msg.rest_len = sizeof(rest.in) - 1;
	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_ERR_ARGUMENT);
}

static void an_operation_without_argument_has_only_the_rest(void **state)
{
	_Alignas(8) char name[8] = "file";
	struct fuse_in_header hdr = header(FUSE_LOOKUP, sizeof(hdr) + 5);
	struct proto_msg msg = {&hdr, NULL, 0, name, 5, true};
	struct proto_req req;

	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_OK);
	assert_string_equal(req.name[0], "file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_argument_may_stand_apart),
		cmocka_unit_test(an_argument_may_stand_before_the_rest),
		cmocka_unit_test(an_operation_without_argument_has_only_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
