/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creating sessions: operation tables of every age, options, and what is said
 * about those that nobody knows. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lowlevel/ll.h"

#undef fuse_session_new
struct fuse_session *fuse_session_new(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
				      size_t op_size, void *userdata);

static char logged[1024];

__attribute__((format(printf, 2, 0))) static void keep_log(enum fuse_log_level level,
							   const char *fmt, va_list ap)
{
	size_t at = strlen(logged);

	vsnprintf(logged + at, sizeof(logged) - at, fmt, ap);
}

static void getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
}

static void syncfs_op(fuse_req_t req, fuse_ino_t ino)
{
}

static const struct fuse_lowlevel_ops ops = {.getattr = getattr, .syncfs = syncfs_op};
static const struct libfuse_version version = {3, 19, 0, 0};

static struct fuse_session *with(const struct fuse_lowlevel_ops *op, size_t size,
				 const char *const *words)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *se;

	logged[0] = '\0';
	for (; *words; words++)
		assert_int_equal(fuse_opt_add_arg(&args, *words), 0);
	se = fuse_session_new_versioned(&args, op, size, &version, NULL);
	fuse_opt_free_args(&args);
	return se;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void tables_of_every_size_are_taken(void **state)
{
	struct {
		struct fuse_lowlevel_ops ops;
		void *newer[4];
	} larger = {.ops = ops};
	struct fuse_session *se = with(&ops, sizeof(ops), WORDS("p"));

	assert_non_null(se);
	assert_ptr_equal(ll_of(se)->ops.syncfs, syncfs_op);
	assert_string_equal(logged, "");
	fuse_session_destroy(se);

	/* The older program's table ends before syncfs. */
	se = with(&ops, offsetof(struct fuse_lowlevel_ops, syncfs), WORDS("p"));
	assert_non_null(se);
	assert_ptr_equal(ll_of(se)->ops.getattr, getattr);
	assert_null(ll_of(se)->ops.syncfs);
	fuse_session_destroy(se);

	se = with(&larger.ops, sizeof(larger), WORDS("p"));
	assert_non_null(se);
	assert_ptr_equal(ll_of(se)->ops.syncfs, syncfs_op);
	assert_non_null(strstr(logged, "newer library"));
	fuse_session_destroy(se);
}

static void no_table_is_for_the_old_symbol_only(void **state)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *se;

	assert_null(with(NULL, sizeof(ops), WORDS("p")));
	assert_null(with(&ops, 0, WORDS("p")));
	fuse_opt_add_arg(&args, "p");
	assert_null(fuse_session_new_versioned(&args, &ops, sizeof(ops), NULL, NULL));
	se = fuse_session_new(&args, NULL, 0, (void *)1);
	assert_non_null(se);
	assert_null(ll_of(se)->ops.getattr);
	fuse_session_destroy(se);
	fuse_opt_free_args(&args);
}

static void a_program_name_is_needed(void **state)
{
	struct fuse_args none = FUSE_ARGS_INIT(0, NULL);

	logged[0] = '\0';
	assert_null(fuse_session_new_versioned(&none, &ops, sizeof(ops), &version, NULL));
	assert_non_null(strstr(logged, "empty argv"));
}

static void options_are_understood(void **state)
{
	struct fuse_session *se;

	se = with(&ops, sizeof(ops), WORDS("p", "-d"));
	assert_true(atomic_load(&se->debug));
	assert_non_null(strstr(logged, "FUSE library version: "));
	fuse_session_destroy(se);
	se = with(&ops, sizeof(ops), WORDS("p", "-odebug,allow_root,max_read=8192"));
	assert_true(atomic_load(&se->debug));
	assert_true(se->deny_others);
	assert_int_equal(se->max_read, 8192);
	fuse_session_destroy(se);
	se = with(&ops, sizeof(ops), WORDS("p", "--debug", "-o", "ro,fsname=x,subtype=y"));
	assert_true(atomic_load(&se->debug));
	assert_false(se->deny_others);
	fuse_session_destroy(se);
}

static void unknown_options_are_named(void **state)
{
	assert_null(with(&ops, sizeof(ops), WORDS("p", "-oro,what,debug", "-x")));
	assert_non_null(strstr(logged, "unknown option(s): `"));
	assert_non_null(strstr(logged, "what"));
	assert_non_null(strstr(logged, "-x"));
	assert_null(strstr(logged, "ro,"));
	assert_null(with(&ops, sizeof(ops), WORDS("p", "argument")));
	assert_non_null(strstr(logged, "argument"));
}

static void an_option_as_program_name_is_only_remarked_on(void **state)
{
	struct fuse_session *se = with(&ops, sizeof(ops), WORDS("-d"));

	assert_non_null(se);
	assert_false(atomic_load(&se->debug));
	assert_non_null(strstr(logged, "argv[0]"));
	fuse_session_destroy(se);
}

static void sessions_share_nothing(void **state)
{
	struct fuse_session *se[50];

	for (int i = 0; i < 50; i++) {
		se[i] = with(&ops, sizeof(ops), i % 2 ? WORDS("p", "-d") : WORDS("p"));
		assert_non_null(se[i]);
	}
	fuse_session_exit(se[3]);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(atomic_load(&se[i]->debug), i % 2);
		assert_int_equal(fuse_session_exited(se[i]), i == 3);
	}
	fuse_session_reset(se[3]);
	assert_int_equal(fuse_session_exited(se[3]), 0);
	for (int i = 0; i < 50; i++)
		fuse_session_destroy(se[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_every_size_are_taken),
		cmocka_unit_test(no_table_is_for_the_old_symbol_only),
		cmocka_unit_test(a_program_name_is_needed),
		cmocka_unit_test(options_are_understood),
		cmocka_unit_test(unknown_options_are_named),
		cmocka_unit_test(an_option_as_program_name_is_only_remarked_on),
		cmocka_unit_test(sessions_share_nothing),
	};

	fuse_set_log_func(keep_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
