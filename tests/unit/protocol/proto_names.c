/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and numbers, and what the rows promise about each other. */
#include "proto_common.h"

#include "base/compiler.h"

static void numbers_are_those_of_the_kernel(void **state)
{
	static const struct {
		const char *name;
		uint32_t nr;
	} rows[] = {
		{"LOOKUP", 1},
		{"FORGET", 2},
		{"SYMLINK", 6},
		{"MKNOD", 8},
		{"STATFS", 17},
		{"RELEASE", 18},
		{"FSYNC", 20},
		{"INIT", 26},
		{"ACCESS", 34},
		{"INTERRUPT", 36},
		{"DESTROY", 38},
		{"NOTIFY_REPLY", 41},
		{"RENAME2", 45},
		{"COPY_FILE_RANGE", 47},
		{"SYNCFS", 50},
		{"STATX", 52},
		{"COPY_FILE_RANGE_64", 53},
		{"CUSE_INIT", 4096},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(proto_op_name(rows[i].nr), rows[i].name);
		assert_int_equal(proto_op_by_name(rows[i].name)->opcode, rows[i].nr);
	}
}

static void every_row_is_found_by_number_and_name(void **state)
{
	size_t found = 0;

	for (uint32_t nr = 0; nr < 70000; nr++) {
		const struct proto_op *op = proto_op_find(nr);

		if (!op) {
			assert_string_equal(proto_op_name(nr), "UNKNOWN");
			continue;
		}
		found++;
		assert_int_equal(op->opcode, nr);
		assert_ptr_equal(op, &proto_ops[op->index]);
		assert_ptr_equal(proto_op_by_name(op->name), op);
	}
	assert_int_equal(found, PROTO_OP_COUNT);
	assert_ptr_equal(proto_op_by_name("lookup"), &proto_ops[PROTO_LOOKUP]);
	assert_null(proto_op_by_name("LOOK"));
	assert_null(proto_op_find(UINT32_MAX));
}

static void every_notification_is_found(void **state)
{
	for (uint32_t code = 0; code < 300; code++) {
		const struct proto_notify *n = proto_notify_find(code);

		assert_int_equal(n != NULL, code >= 1 && code <= 9);
		if (n)
			assert_int_equal(n->code, code);
	}
	assert_null(proto_notify_find(UINT32_MAX));
}

static void layouts_match_their_rows(void **state)
{
	for (size_t i = 0; i < PROTO_OP_COUNT; i++) {
		const struct proto_layout *l = proto_op_layout(&proto_ops[i]), *out[2];

		assert_int_equal(l->size, proto_ops[i].in_size);
		proto_reply_layout(&proto_ops[i], out);
		assert_true(out[0] || !out[1]);
		if (proto_op_has(&proto_ops[i], PROTO_F_FH))
			assert_true(strncmp(l->fields[0].name, "fh", 2) == 0);
		if (proto_op_has(&proto_ops[i], PROTO_F_LOOKUP))
			assert_string_equal(out[0]->name, "entry_out");
		if (proto_op_has(&proto_ops[i], PROTO_F_OPENS))
			assert_string_equal(out[out[1] ? 1 : 0]->name, "open_out");
	}
	for (uint32_t code = 1; code <= 9; code++) {
		const struct proto_notify *n = proto_notify_find(code);

		assert_int_equal(proto_notify_layout(n)->size, n->out_size);
	}
	assert_null(proto_layout_find("nothing"));
	assert_int_equal(proto_layout_find("entry_out")->size, 128);
}

/* Fields tile their structure: each begins where the one before ends. */
static void fields_leave_no_gap(void **state)
{
	static const char *const names[] = {"attr",    "statx",	   "entry_out", "setattr_in",
					    "init_in", "init_out", "lk_in",	"cuse_init_out"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct proto_layout *l = proto_layout_find(names[i]);
		size_t at = 0;

		for (size_t k = 0; k < l->count; k++) {
			assert_int_equal(l->fields[k].offset, at);
			at += l->fields[k].size;
		}
		assert_int_equal(at, l->size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_the_kernel),
		cmocka_unit_test(every_row_is_found_by_number_and_name),
		cmocka_unit_test(every_notification_is_found),
		cmocka_unit_test(layouts_match_their_rows),
		cmocka_unit_test(fields_leave_no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
