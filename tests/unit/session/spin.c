/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the single-threaded loop sleeps and when it looks again, and how CPUs are
 * dealt out to the places of the multi-threaded one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "session/affinity.h"
#include "session/spin.h"
#include "transport/transport.h"

/* Blocks spent looking, out of `blocks`, where the two ways cost so much. */
static unsigned int blocks_looking(uint64_t sleep_ns, uint64_t look_ns, unsigned int blocks)
{
	struct xport x = {.cheap_look = true};
	struct sess_spin s;
	unsigned int looking = 0;

	sess_spin_begin(&s, &x);
	for (unsigned int i = 0; i < blocks; i++) {
		looking += s.way == SPIN_LOOK;
		sess_spin_decide(&s, s.way == SPIN_LOOK ? look_ns : sleep_ns);
	}
	return looking;
}

static void looks_where_sleeping_costs_more(void **state)
{
	assert_true(blocks_looking(75000, 25000, 1000) > 900);
}

static void sleeps_where_looking_costs_more(void **state)
{
	assert_true(blocks_looking(10000, 100000, 1000) < 100);
	assert_true(blocks_looking(10000, 100000, 1000) > 0);
}

static void notices_that_the_world_changed(void **state)
{
	struct xport x = {.cheap_look = true};
	struct sess_spin s;
	unsigned int looking = 0;

	sess_spin_begin(&s, &x);
	for (int i = 0; i < 100; i++)
		sess_spin_decide(&s, s.way == SPIN_LOOK ? 100000 : 10000);
	for (int i = 0; i < 100; i++) {
		looking += s.way == SPIN_LOOK;
		sess_spin_decide(&s, s.way == SPIN_LOOK ? 5000 : 50000);
	}
	assert_true(looking > 60);
}

static void never_looks_where_it_may_not(void **state)
{
	struct xport dear = {.cheap_look = false}, cheap = {.cheap_look = true};
	struct sess_spin s;

	sess_spin_begin(&s, &dear);
	assert_false(s.allowed);
	setenv("PROFUSE_SPINNING", "off", 1);
	sess_spin_begin(&s, &cheap);
	assert_false(s.allowed);
	unsetenv("PROFUSE_SPINNING");
	sess_spin_begin(&s, &cheap);
	assert_true(s.allowed);
}

static void places_cover_all_cpus_evenly(void **state)
{
	for (unsigned int cpus = 1; cpus <= 300; cpus++) {
		unsigned int places = cpus < 8 ? cpus : 8, next = 0;

		for (unsigned int i = 0; i < places; i++) {
			unsigned int width = sess_place_width(cpus, places, i);

			assert_int_equal(sess_place_first(cpus, places, i), next);
			assert_in_range(width, cpus / places, cpus / places + 1);
			next += width;
		}
		assert_int_equal(next, cpus);
	}
}

static void the_user_may_forbid_pinning(void **state)
{
	struct sess_cpus cpus;

	setenv("PROFUSE_PINNING", "off", 1);
	sess_cpus_get(&cpus);
	assert_true(cpus.unpinned);
	unsetenv("PROFUSE_PINNING");
	sess_cpus_get(&cpus);
	assert_false(cpus.unpinned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks_where_sleeping_costs_more),
		cmocka_unit_test(sleeps_where_looking_costs_more),
		cmocka_unit_test(notices_that_the_world_changed),
		cmocka_unit_test(never_looks_where_it_may_not),
		cmocka_unit_test(places_cover_all_cpus_evenly),
		cmocka_unit_test(the_user_may_forbid_pinning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
