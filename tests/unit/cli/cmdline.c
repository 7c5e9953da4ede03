/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What fuse_parse_cmdline() takes from a command line and what it leaves. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <fuse_lowlevel.h>

#include "base/compiler.h"

static char message[256];

PROFUSE_PRINTF(2, 0)
static void remember(enum fuse_log_level level, const char *fmt, va_list ap)
{
	vsnprintf(message, sizeof(message), fmt, ap);
}

static int listen_to_log(void **state)
{
	fuse_set_log_func(remember);
	return chdir("/usr");
}

static struct fuse_cmdline_opts opts;
static char left[512];

/* Parses the arguments after "/opt/prog"; what is left stands in `left`. */
#define PARSE(...) parse((char *[]){(char *)"/opt/prog", __VA_ARGS__, NULL})

static int parse(char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, argv);
	size_t n = 0;
	int res;

	while (argv[args.argc])
		args.argc++;
	message[0] = left[0] = '\0';
	memset(&opts, 0xaa, sizeof(opts));
	res = fuse_parse_cmdline(&args, &opts);
	for (int i = 1; i < args.argc; i++)
		n += (size_t)snprintf(left + n, sizeof(left) - n, "%s%s", i > 1 ? "|" : "",
				      args.argv[i]);
	fuse_opt_free_args(&args);
	return res;
}

static void nothing_given_means_these_defaults(void **state)
{
	assert_int_equal(PARSE(NULL), 0);
	assert_string_equal(left, "-osubtype=prog");
	assert_null(opts.mountpoint);
	assert_int_equal(opts.singlethread, 0);
	assert_int_equal(opts.foreground, 0);
	assert_int_equal(opts.debug, 0);
	assert_int_equal(opts.show_help, 0);
	assert_int_equal(opts.show_version, 0);
	assert_int_equal(opts.clone_fd, 0);
	assert_int_equal(opts.max_idle_threads, UINT_MAX);
	assert_int_equal(opts.max_threads, 10);
}

static void known_options_are_taken(void **state)
{
	assert_int_equal(PARSE((char *)"-f", (char *)"-s", (char *)"-h", (char *)"--version",
			       (char *)"-oclone_fd,max_threads=3,max_idle_threads=2"),
			 0);
	assert_string_equal(left, "-osubtype=prog");
	assert_int_equal(opts.foreground, 1);
	assert_int_equal(opts.singlethread, 1);
	assert_int_equal(opts.show_help, 1);
	assert_int_equal(opts.show_version, 1);
	assert_int_equal(opts.clone_fd, 1);
	assert_int_equal(opts.max_threads, 3);
	assert_int_equal(opts.max_idle_threads, 2);
}

static void debugging_stays_for_the_layers_below(void **state)
{
	assert_int_equal(PARSE((char *)"-d", (char *)"-oro,debug"), 0);
	assert_string_equal(left, "-o|ro,debug|-d|-osubtype=prog");
	assert_int_equal(opts.debug, 1);
	assert_int_equal(opts.foreground, 1);
}

static void a_name_given_replaces_the_default(void **state)
{
	assert_int_equal(PARSE((char *)"-osubtype=x"), 0);
	assert_string_equal(left, "-o|subtype=x");
	assert_int_equal(opts.nodefault_subtype, 1);
	assert_int_equal(PARSE((char *)"-ofsname=a\\,b"), 0);
	assert_string_equal(left, "-o|fsname=a\\,b");
	assert_int_equal(opts.nodefault_subtype, 1);
}

static void the_mountpoint_becomes_absolute(void **state)
{
	assert_int_equal(PARSE((char *)"./lib/../bin/"), 0);
	assert_string_equal(opts.mountpoint, "/usr/bin");
	free(opts.mountpoint);
}

static void a_connection_is_no_path(void **state)
{
	/* Whether the descriptor is open is for the mount to find out. */
	assert_int_equal(PARSE((char *)"/dev/fd/4711"), 0);
	assert_string_equal(opts.mountpoint, "/dev/fd/4711");
	free(opts.mountpoint);
	assert_int_equal(PARSE((char *)"/dev/fd/4711x"), -1);
}

static void errors_name_the_argument_and_the_reason(void **state)
{
	assert_int_equal(PARSE((char *)"/nowhere/at/all"), -1);
	assert_non_null(strstr(message, "`/nowhere/at/all': No such file or directory"));
	assert_null(opts.mountpoint);

	assert_int_equal(PARSE((char *)"bin", (char *)"lib"), -1);
	assert_non_null(strstr(message, "`lib'"));
	assert_null(opts.mountpoint);

	assert_int_equal(PARSE((char *)"-omax_threads=many"), -1);
	assert_non_null(strstr(message, "`max_threads=many'"));
}

int fuse_parse_cmdline_30(struct fuse_args *args, struct fuse_cmdline_opts *o);

static void old_programs_get_their_shorter_structure(void **state)
{
	char *argv[] = {(char *)"prog", (char *)"-f", (char *)"-omax_threads=7", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	memset(&opts, 0xaa, sizeof(opts));
	assert_int_equal(fuse_parse_cmdline_30(&args, &opts), 0);
	assert_int_equal(opts.foreground, 1);
	assert_int_equal(opts.max_idle_threads, UINT_MAX);
	assert_int_equal(opts.max_threads, 0xaaaaaaaa);
	fuse_opt_free_args(&args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_means_these_defaults),
		cmocka_unit_test(known_options_are_taken),
		cmocka_unit_test(debugging_stays_for_the_layers_below),
		cmocka_unit_test(a_name_given_replaces_the_default),
		cmocka_unit_test(the_mountpoint_becomes_absolute),
		cmocka_unit_test(a_connection_is_no_path),
		cmocka_unit_test(errors_name_the_argument_and_the_reason),
		cmocka_unit_test(old_programs_get_their_shorter_structure),
	};

	return cmocka_run_group_tests(tests, listen_to_log, NULL);
}
