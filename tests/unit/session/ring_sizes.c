/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many queues a machine has, and what their memory may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/rings.h"

#define MIB ((size_t)1 << 20)

static void possible_cpus_are_counted_not_numbered(void **state)
{
	assert_int_equal(xport_rings_count("0"), 1);
	assert_int_equal(xport_rings_count("0-127\n"), 128);
	assert_int_equal(xport_rings_count("0,2,4-7\n"), 6);
	assert_int_equal(xport_rings_count("0-3,64-67"), 8);
	assert_int_equal(xport_rings_count(""), 0);
	assert_int_equal(xport_rings_count("none"), 0);
	assert_int_equal(xport_rings_count("7-3"), 0);
	assert_true(xport_rings_queues() >= 1);
}

static void many_cpus_do_not_cost_a_gigabyte(void **state)
{
	unsigned int depth = xport_rings_depth(128, 8, MIB, 512 * MIB);

	assert_int_equal(depth, 4);
	assert_true((size_t)128 * depth * MIB < 1024 * MIB);
	assert_int_equal(xport_rings_depth(128, 1, MIB, 512 * MIB), 1);
	assert_int_equal(xport_rings_depth(2, 8, MIB, 512 * MIB), 8);
	/* Not even an entry each: no rings. */
	assert_int_equal(xport_rings_depth(1024, 8, MIB, 512 * MIB), 0);
	assert_int_equal(xport_rings_depth(UINT32_MAX, 8, SIZE_MAX / 2, 512 * MIB), 0);
}

static void payloads_are_what_the_kernel_demands(void **state)
{
	struct fuse_init_out out = {.max_write = MIB, .max_pages = 256};

	assert_int_equal(xport_rings_payload(&out), MIB);
	out = (struct fuse_init_out){.max_write = 4096, .max_pages = 0};
	assert_int_equal(xport_rings_payload(&out), 32 * 4096);
	out = (struct fuse_init_out){.max_write = 5000, .max_pages = 1};
	assert_int_equal(xport_rings_payload(&out), 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(possible_cpus_are_counted_not_numbered),
		cmocka_unit_test(many_cpus_do_not_cost_a_gigabyte),
		cmocka_unit_test(payloads_are_what_the_kernel_demands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
