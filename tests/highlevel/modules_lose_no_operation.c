/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each operation goes through each module, alone and stacked, and arrives below
 * with its paths changed as they must be; and what the filesystem does not have,
 * a module on top of it does not have either.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <cmocka.h>

#include "highlevel/context.h"
#include "highlevel/fs_stack.h"

/* What no callback would return by itself. */
#define ARRIVED (-77)

static const char *arrived;	     /* the operation */
static char first[256], second[256]; /* its paths */

static void note(const char *op, const char *path, const char *path2)
{
	arrived = op;
	snprintf(first, sizeof(first), "%s", path ? path : "(null)");
	snprintf(second, sizeof(second), "%s", path2 ? path2 : "(null)");
}

/* ---- a filesystem that has everything ---- */

#define PLAIN(...) __VA_ARGS__
#define SECOND_1   NULL
#define SECOND_2   path2
#define FS_OP(op_, type, paths, params, ...)                                                       \
	static type base_##op_(PLAIN params)                                                       \
	{                                                                                          \
		note(#op_, path, SECOND_##paths);                                                  \
		return ARRIVED;                                                                    \
	}
#include "highlevel/fs_ops.def"
#undef FS_OP

#define FS_OP(op_, ...) .op_ = base_##op_,
static const struct fuse_operations everything = {
#include "highlevel/fs_ops.def"
};
#undef FS_OP

/* ---- calling all of it ---- */

static struct fuse_fs *top;
static const char *path_in, *path_out, *path2_out;
static void (*check)(const char *op, long res, bool two);

static void arrives(const char *op, long res, bool two)
{
	if (res != ARRIVED || !arrived || strcmp(arrived, op))
		fail_msg("%s: result %ld, arrived as %s", op, res, arrived ? arrived : "nothing");
	if (strcmp(first, path_out) || (two && strcmp(second, path2_out)))
		fail_msg("%s: path %s, %s; expected %s, %s", op, first, second, path_out,
			 path2_out);
	arrived = NULL;
}

/* What programs that stack layers rely on where a callback is missing. */
static void is_missing(const char *op, long res, bool two)
{
	static const char *const fine[] = {"open", "release", "opendir", "releasedir", "statfs"};
	long expected = -ENOSYS;

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		if (!strcmp(op, fine[i]))
			expected = 0;
	}
	if (res != expected)
		fail_msg("%s: result %ld, expected %ld", op, res, expected);
}

static struct statvfs numbers;

#define IS_TWO_1 false
#define IS_TWO_2 true

/* All other arguments that are no paths are nothing. */
#define st	  ((void *)&numbers)
#define fi	  0
#define buf	  0
#define size	  0
#define mode	  0
#define rdev	  0
#define target	  "t"
#define flags	  0
#define uid	  0
#define gid	  0
#define off	  0
#define datasync  0
#define name	  0
#define value	  0
#define list	  0
#define filler	  0
#define mask	  0
#define cmd	  0
#define lock	  0
#define tv	  0
#define blocksize 0
#define idx	  0
#define arg	  0
#define data	  0
#define ph	  0
#define reventsp  0
#define bufp	  0
#define op	  0
#define len	  0
#define fi_in	  0
#define fi_out	  0
#define off_in	  0
#define off_out	  0
#define whence	  0
#define stx	  0

static void call_all(void)
{
	const char *path = path_in, *path2 = path_in;

#define FS_OP(op_, type, paths, params, args, ...)                                                 \
	check(#op_, (long)fuse_fs_##op_(top, PLAIN args), IS_TWO_##paths);
#include "highlevel/fs_ops.def"
#undef FS_OP
}

#undef st
#undef fi
#undef buf
#undef size
#undef mode
#undef rdev
#undef target
#undef flags
#undef uid
#undef gid
#undef off
#undef datasync
#undef name
#undef value
#undef list
#undef filler
#undef mask
#undef cmd
#undef lock
#undef tv
#undef blocksize
#undef idx
#undef arg
#undef data
#undef ph
#undef reventsp
#undef bufp
#undef op
#undef len
#undef fi_in
#undef fi_out
#undef off_in
#undef off_out
#undef whence
#undef stx

static struct fuse_fs *module(const char *which, const char *options, struct fuse_fs *below)
{
	char *argv[] = {(char *)"test", (char *)"-o", (char *)(uintptr_t)options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_fs *layers[] = {below, NULL}, *made;
	fuse_module_factory_t factory = hl_module_factory(which);

	assert_non_null(factory);
	made = factory(&args, layers);
	assert_non_null(made);
	assert_int_equal(args.argc, 1); /* it took its options */
	fuse_opt_free_args(&args);
	return made;
}

static void done(struct fuse_fs *fs)
{
	fuse_fs_destroy(fs);
	hl_fs_free(fs);
}

static void expect(const char *in, const char *out)
{
	check = arrives;
	path_in = in;
	path_out = path2_out = out;
	call_all();
}

static void without_a_module(void **state)
{
	top = fuse_fs_new(&everything, sizeof(everything), NULL);
	expect("/a/b", "/a/b");
	hl_fs_free(top);
}

static void what_is_missing_has_its_answer(void **state)
{
	const struct fuse_operations none = {0};
	struct fuse_fs *base = fuse_fs_new(&none, sizeof(none), NULL);
	struct fuse_fs *layers[] = {
		base,
		module("subdir", "subdir=/s", base),
		module("iconv", "to_code=UTF-8,from_code=UTF-8", base),
	};

	check = is_missing;
	path_in = "/a";
	for (int i = 2; i >= 0; i--) {
		memset(&numbers, 0, sizeof(numbers));
		top = layers[i];
		call_all();
		assert_int_equal(numbers.f_namemax, 255);
		assert_int_equal(numbers.f_bsize, 512);
		if (i)
			done(top);
	}
	/* A program of an early edition knows fewer of them. */
	top = fuse_fs_new(&everything, offsetof(struct fuse_operations, lseek), NULL);
	assert_int_equal(fuse_fs_lseek(top, "/a", 0, 0, NULL), -ENOSYS);
	assert_int_equal(fuse_fs_statx(top, "/a", 0, 0, NULL, NULL), -ENOSYS);
	assert_int_equal(fuse_fs_copy_file_range(top, "/a", NULL, 0, "/b", NULL, 0, 0, 0), ARRIVED);
	hl_fs_free(top);
	hl_fs_free(base);
}

static void through_subdir(void **state)
{
	struct fuse_fs *base = fuse_fs_new(&everything, sizeof(everything), NULL);

	top = module("subdir", "subdir=/in/there/", base);
	expect("/a/b", "/in/there/a/b");
	expect("/", "/in/there");
	done(top);
	top = module("subdir", "subdir=/", base);
	expect("/a", "/a");
	expect("/", "/");
	done(top);
	hl_fs_free(base);
}

static void an_open_file_may_have_no_path(void **state)
{
	struct fuse_fs *base = fuse_fs_new(&everything, sizeof(everything), NULL);

	top = module("subdir", "subdir=/in", base);
	expect(NULL, "(null)");
	done(top);
	top = module("iconv", "to_code=UTF-8,from_code=ISO-8859-1", base);
	expect(NULL, "(null)");
	done(top);
	hl_fs_free(base);
}

static void through_iconv(void **state)
{
	struct fuse_fs *base = fuse_fs_new(&everything, sizeof(everything), NULL);

	top = module("iconv", "to_code=UTF-8,from_code=ISO-8859-1", base);
	expect("/caf\xc3\xa9", "/caf\xe9");
	assert_int_equal(fuse_fs_mkdir(top, "/\xe2\x82\xac", 0), -EILSEQ);
	done(top);
	hl_fs_free(base);
}

static void through_both(void **state)
{
	struct fuse_fs *base = fuse_fs_new(&everything, sizeof(everything), NULL);
	struct fuse_fs *middle = module("subdir", "subdir=/s", base);

	top = module("iconv", "to_code=UTF-8,from_code=ISO-8859-1", middle);
	expect("/\xc3\xa9", "/s/\xe9");
	done(top);
	done(middle);
	hl_fs_free(base);
}

static void what_is_missing_below_is_missing(void **state)
{
	const struct fuse_operations few = {.getattr = base_getattr, .read = base_read};
	struct fuse_fs *base = fuse_fs_new(&few, sizeof(few), NULL);
	struct fuse_fs *modules[2];
	int count = 0;

	modules[0] = module("subdir", "subdir=/s", base);
	modules[1] = module("iconv", "to_code=UTF-8,from_code=UTF-8", base);
	for (int i = 0; i < 2; i++) {
#define FS_OP(op_, ...) count += modules[i]->op.op_ != NULL;
#include "highlevel/fs_ops.def"
#undef FS_OP
		/* read and read_buf stand in for one another. */
		assert_int_equal(count, 3);
		count = 0;
		done(modules[i]);
	}
	hl_fs_free(base);
}

/* ---- names that come back ---- */

static const char *link_target;

static int link_readlink(const char *path, char *buf, size_t size)
{
	snprintf(buf, size, "%s", link_target);
	return 0;
}

static void subdir_makes_links_relative(void **state)
{
	static const struct {
		const char *link, *target, *shown;
	} cases[] = {
		{"/l", "/b/file", "file"},
		{"/d/l", "/b/file", "../file"},
		{"/d/e/l", "/b/d/f", "../f"},
		{"/d/l", "/b/d", "../d"},
		{"/l", "/b", "."},
		{"/d/l", "/b", "../"},
		{"/d/l", "/bc/file", "/bc/file"},
		{"/d/l", "/elsewhere", "/elsewhere"},
		{"/d/l", "relative/../x", "relative/../x"},
	};
	const struct fuse_operations ops = {.readlink = link_readlink};
	struct fuse_fs *base = fuse_fs_new(&ops, sizeof(ops), NULL);
	char buf[64];

	top = module("subdir", "subdir=/b,rellinks", base);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		link_target = cases[i].target;
		assert_int_equal(fuse_fs_readlink(top, cases[i].link, buf, sizeof(buf)), 0);
		assert_string_equal(buf, cases[i].shown);
	}
	done(top);
	hl_fs_free(base);
}

static int latin_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
			 struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	filler(buf, "plain", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	filler(buf, "caf\xe9", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

static int collect(void *buf, const char *name, const struct stat *st, off_t off,
		   enum fuse_fill_dir_flags flags)
{
	strcat(buf, name);
	strcat(buf, " ");
	return 0;
}

static void iconv_shows_names_in_the_users_set(void **state)
{
	const struct fuse_operations ops = {.readdir = latin_readdir, .readlink = link_readlink};
	struct fuse_fs *base = fuse_fs_new(&ops, sizeof(ops), NULL);
	char text[256] = "";

	top = module("iconv", "to_code=UTF-8,from_code=ISO-8859-1", base);
	assert_int_equal(fuse_fs_readdir(top, "/", text, collect, 0, NULL, 0), 0);
	assert_string_equal(text, "plain caf\xc3\xa9 ");
	link_target = "th\xe9";
	assert_int_equal(fuse_fs_readlink(top, "/l", text, sizeof(text)), 0);
	assert_string_equal(text, "th\xc3\xa9");
	done(top);
	hl_fs_free(base);
}

static void a_module_that_lacks_its_options_is_refused(void **state)
{
	struct fuse_fs *base = fuse_fs_new(&everything, sizeof(everything), NULL);
	struct fuse_fs *layers[] = {base, NULL};
	char *argv[] = {(char *)"test", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	assert_null(hl_module_factory("subdir")(&args, layers));
	assert_null(hl_module_factory("there is none of this name"));
	assert_null(hl_module_factory("../evil"));
	fuse_opt_free_args(&args);
	hl_fs_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_module),
		cmocka_unit_test(what_is_missing_has_its_answer),
		cmocka_unit_test(through_subdir),
		cmocka_unit_test(an_open_file_may_have_no_path),
		cmocka_unit_test(through_iconv),
		cmocka_unit_test(through_both),
		cmocka_unit_test(what_is_missing_below_is_missing),
		cmocka_unit_test(subdir_makes_links_relative),
		cmocka_unit_test(iconv_shows_names_in_the_users_set),
		cmocka_unit_test(a_module_that_lacks_its_options_is_refused),
	};

	return cmocka_run_group_tests_name("modules", tests, NULL, NULL);
}
