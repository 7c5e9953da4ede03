/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop parameters: defaults, setters, and the older public structure. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fuse_lowlevel.h>

#include "session/loop_cfg.h"

static void quiet(enum fuse_log_level level, const char *fmt, va_list ap)
{
}

static int silence(void **state)
{
	fuse_set_log_func(quiet);
	return 0;
}

static void assert_params(struct sess_loop_params p, int clone_fd, unsigned int idle,
			  unsigned int max)
{
	assert_int_equal(p.clone_fd, clone_fd);
	assert_int_equal(p.max_idle_threads, idle);
	assert_int_equal(p.max_threads, max);
}

static void ten_threads_that_stay_are_the_default(void **state)
{
	struct fuse_loop_config *c = fuse_loop_cfg_create();

	assert_params(sess_loop_params(c), 0, UINT_MAX, 10);
	assert_params(sess_loop_params(NULL), 0, UINT_MAX, 10);
	assert_params(sess_loop_params_v1(NULL), 0, UINT_MAX, 10);
	fuse_loop_cfg_destroy(c);
}

static void setters_set(void **state)
{
	struct fuse_loop_config *c = fuse_loop_cfg_create();

	fuse_loop_cfg_set_clone_fd(c, 7);
	fuse_loop_cfg_set_idle_threads(c, 3);
	fuse_loop_cfg_set_max_threads(c, 4);
	assert_params(sess_loop_params(c), 1, 3, 4);
	fuse_loop_cfg_set_idle_threads(c, UINT_MAX);
	assert_params(sess_loop_params(c), 1, UINT_MAX, 4);
	fuse_loop_cfg_destroy(c);
}

static void nonsense_is_ignored(void **state)
{
	struct fuse_loop_config *c = fuse_loop_cfg_create();

	fuse_loop_cfg_set_idle_threads(c, (unsigned int)-2);
	fuse_loop_cfg_set_max_threads(c, (unsigned int)-1);
	fuse_loop_cfg_set_max_threads(c, 0);
	assert_params(sess_loop_params(c), 0, UINT_MAX, 10);
	fuse_loop_cfg_destroy(c);
}

static void the_older_structure_is_converted(void **state)
{
	struct fuse_loop_config *c = fuse_loop_cfg_create();
	struct fuse_loop_config_v1 v1 = {.clone_fd = 1, .max_idle_threads = 5};

	fuse_loop_cfg_convert(c, &v1);
	assert_params(sess_loop_params(c), 1, 5, 5);
	assert_params(sess_loop_params_v1(&v1), 1, 5, 5);

	v1.max_idle_threads = UINT_MAX;
	assert_params(sess_loop_params_v1(&v1), 1, UINT_MAX, 10);
	v1.max_idle_threads = 0;
	assert_params(sess_loop_params_v1(&v1), 1, 0, 10);
	fuse_loop_cfg_destroy(c);
}

static void the_older_structure_passed_by_mistake_is_recognised(void **state)
{
	struct fuse_loop_config_v1 v1 = {.clone_fd = 1, .max_idle_threads = 6};

	assert_params(sess_loop_params((void *)&v1), 1, 6, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_threads_that_stay_are_the_default),
		cmocka_unit_test(setters_set),
		cmocka_unit_test(nonsense_is_ignored),
		cmocka_unit_test(the_older_structure_is_converted),
		cmocka_unit_test(the_older_structure_passed_by_mistake_is_recognised),
	};

	return cmocka_run_group_tests(tests, silence, NULL);
}
