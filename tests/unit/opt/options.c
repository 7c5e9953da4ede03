/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to a command line: which options act, what is left over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fuse_log.h>
#include <fuse_opt.h>

struct conf {
	int flag;
	int other;
	unsigned int number;
	long big;
	double real;
	char *text;
	char calls[256]; /* what the processing function saw: "key:arg " */
	int answer;
};

static const struct fuse_opt spec[] = {
	{"-f", offsetof(struct conf, flag), 1},
	{"--flag", offsetof(struct conf, flag), 2},
	{"flag", offsetof(struct conf, flag), 3},
	{"noflag", offsetof(struct conf, flag), 0},
	{"set=", offsetof(struct conf, flag), 4},
	{"number=%u", offsetof(struct conf, number), 0},
	{"octal=%o", offsetof(struct conf, number), 0},
	{"--big=%li", offsetof(struct conf, big), 0},
	{"-n %u", offsetof(struct conf, number), 0},
	{"real=%lf", offsetof(struct conf, real), 0},
	{"text=%s", offsetof(struct conf, text), 0},
	{"-t %s", offsetof(struct conf, text), 0},
	{"both", offsetof(struct conf, flag), 5},
	{"both", offsetof(struct conf, other), 6},
	FUSE_OPT_KEY("key", 10),
	FUSE_OPT_KEY("value=", 11),
	FUSE_OPT_KEY("-p ", 12),
	FUSE_OPT_KEY("keep", FUSE_OPT_KEY_KEEP),
	FUSE_OPT_KEY("drop", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_END,
};

static int note(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct conf *c = data;
	size_t n = strlen(c->calls);

	snprintf(c->calls + n, sizeof(c->calls) - n, "%d:%s ", key, arg);
	return c->answer;
}

static void quiet(enum fuse_log_level level, const char *fmt, va_list ap)
{
}

static int silence(void **state)
{
	fuse_set_log_func(quiet);
	return 0;
}

/* Parses "prog" and the arguments given, joins what is left with '|'. */
#define PARSE(c, ...) parse(c, (char *[]){(char *)"prog", __VA_ARGS__, NULL})

static const char *parse(struct conf *c, char **argv)
{
	static char left[512];
	struct fuse_args args = FUSE_ARGS_INIT(0, argv);
	size_t n = 0;
	int res;

	while (argv[args.argc])
		args.argc++;
	left[0] = '\0';
	res = fuse_opt_parse(&args, c, spec, note);
	for (int i = 1; i < args.argc; i++)
		n += (size_t)snprintf(left + n, sizeof(left) - n, "%s%s", i > 1 ? "|" : "",
				      args.argv[i]);
	assert_null(args.argv[args.argc]);
	fuse_opt_free_args(&args);
	return res == 0 ? left : NULL;
}

static void flags_are_set_in_every_spelling(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"-f"), "");
	assert_int_equal(c.flag, 1);
	assert_string_equal(PARSE(&c, (char *)"--flag"), "");
	assert_int_equal(c.flag, 2);
	assert_string_equal(PARSE(&c, (char *)"-oflag"), "");
	assert_int_equal(c.flag, 3);
	assert_string_equal(PARSE(&c, (char *)"-o", (char *)"noflag"), "");
	assert_int_equal(c.flag, 0);
	assert_string_equal(PARSE(&c, (char *)"-o", (char *)"set=anything"), "");
	assert_int_equal(c.flag, 4);
	assert_string_equal(c.calls, "");
}

static void an_element_of_a_list_is_no_argument(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"flag", (char *)"-fx"), "flag|-fx");
	assert_int_equal(c.flag, 0);
	assert_string_equal(c.calls, "-2:flag -1:-fx ");
}

static void parameters_are_converted(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"-onumber=42,real=0.5", (char *)"--big=-0x10"), "");
	assert_int_equal(c.number, 42);
	assert_true(c.real == 0.5);
	assert_int_equal(c.big, -16);
	assert_string_equal(PARSE(&c, (char *)"-ooctal=755"), "");
	assert_int_equal(c.number, 0755);
	assert_string_equal(PARSE(&c, (char *)"-n7"), "");
	assert_int_equal(c.number, 7);
	assert_string_equal(PARSE(&c, (char *)"-n", (char *)"8"), "");
	assert_int_equal(c.number, 8);
}

static void a_parameter_that_is_none_fails_the_parse(void **state)
{
	struct conf c = {.answer = 1};

	assert_null(PARSE(&c, (char *)"-onumber=many"));
	assert_null(PARSE(&c, (char *)"-onumber="));
	assert_null(PARSE(&c, (char *)"-n"));
	assert_null(PARSE(&c, (char *)"-o"));
}

static void a_failed_parse_leaves_the_arguments_alone(void **state)
{
	char *argv[] = {(char *)"prog", (char *)"-f", (char *)"-o", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct conf c = {.answer = 1};

	assert_int_equal(fuse_opt_parse(&args, &c, spec, note), -1);
	assert_ptr_equal(args.argv, argv);
	assert_int_equal(args.argc, 3);
	assert_int_equal(args.allocated, 0);
}

static void a_string_replaces_the_one_before(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"-otext=first,text=", (char *)"-tlast one"), "");
	assert_string_equal(c.text, "last one");
	free(c.text);
}

static void the_function_decides_about_keys_and_strangers(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"dir", (char *)"-ovalue=1,x,key", (char *)"--y"),
			    "-o|value=1,x,key|dir|--y");
	assert_string_equal(c.calls, "-2:dir 11:value=1 -1:x 10:key -1:--y ");

	c = (struct conf){.answer = 0};
	assert_string_equal(PARSE(&c, (char *)"dir", (char *)"-ovalue=1,x,key", (char *)"--y"), "");

	c = (struct conf){.answer = -1};
	assert_null(PARSE(&c, (char *)"dir"));
}

static void two_arguments_reach_the_function_as_one(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"-p", (char *)"80", (char *)"-p81"), "-p80|-p81");
	assert_string_equal(c.calls, "12:-p80 12:-p81 ");
}

static void keep_and_discard_need_no_function(void **state)
{
	struct conf c = {.answer = -1};

	assert_string_equal(PARSE(&c, (char *)"-odrop,keep,drop"), "-o|keep");
}

static void every_matching_entry_acts(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"-oboth"), "");
	assert_int_equal(c.flag, 5);
	assert_int_equal(c.other, 6);
}

static void lists_are_gathered_in_front(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"dir", (char *)"-oa", (char *)"-f", (char *)"-ob,c"),
			    "-o|a,b,c|dir");
}

static void escapes_survive_being_passed_on(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"-oa\\,b,c\\\\d,\\145\\054f,g\\"),
			    "-o|a\\,b,c\\\\d,e\\,f,g\\\\");
	assert_string_equal(c.calls, "-1:a,b -1:c\\d -1:e,f -1:g\\ ");

	assert_string_equal(PARSE(&c, (char *)"-otext=1\\,2"), "");
	assert_string_equal(c.text, "1,2");
	free(c.text);
}

static void two_dashes_end_the_options(void **state)
{
	struct conf c = {.answer = 1};

	assert_string_equal(PARSE(&c, (char *)"-f", (char *)"--", (char *)"-f", (char *)"--"),
			    "--|-f|--");
	assert_int_equal(c.flag, 1);
	assert_string_equal(c.calls, "-2:-f -2:-- ");

	/* Where nothing is left behind them they go, list in front or not. */
	assert_string_equal(PARSE(&c, (char *)"-f", (char *)"--"), "");
	assert_string_equal(PARSE(&c, (char *)"-ostay", (char *)"--"), "-o|stay");
	c.answer = 0;
	assert_string_equal(PARSE(&c, (char *)"--", (char *)"-f"), "");
}

static void nothing_to_do_is_no_error(void **state)
{
	struct fuse_args empty = FUSE_ARGS_INIT(0, NULL);
	char *argv[] = {(char *)"prog", (char *)"-f", (char *)"-ox", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	assert_int_equal(fuse_opt_parse(NULL, NULL, spec, note), 0);
	assert_int_equal(fuse_opt_parse(&empty, NULL, spec, note), 0);

	assert_int_equal(fuse_opt_parse(&args, NULL, NULL, NULL), 0);
	assert_int_equal(args.argc, 4);
	assert_string_equal(args.argv[1], "-o");
	assert_string_equal(args.argv[2], "x");
	assert_string_equal(args.argv[3], "-f");
	fuse_opt_free_args(&args);
	assert_null(args.argv);
	fuse_opt_free_args(&args);
	fuse_opt_free_args(NULL);
}

static void matching_can_be_asked_for(void **state)
{
	assert_int_equal(fuse_opt_match(spec, "flag"), 1);
	assert_int_equal(fuse_opt_match(spec, "number=1"), 1);
	assert_int_equal(fuse_opt_match(spec, "-p"), 1);
	assert_int_equal(fuse_opt_match(spec, "number"), 0);
	assert_int_equal(fuse_opt_match(spec, "flagg"), 0);
	assert_int_equal(fuse_opt_match(spec, ""), 0);
	assert_int_equal(fuse_opt_match(NULL, "flag"), 0);
}

static void lists_grow(void **state)
{
	char *list = NULL;

	assert_int_equal(fuse_opt_add_opt(&list, "a"), 0);
	assert_int_equal(fuse_opt_add_opt(&list, "b,c\\"), 0);
	assert_string_equal(list, "a,b,c\\");
	assert_int_equal(fuse_opt_add_opt_escaped(&list, "d,e\\"), 0);
	assert_string_equal(list, "a,b,c\\,d\\,e\\\\");
	free(list);
}

static void vectors_grow_at_any_place(void **state)
{
	char *argv[] = {(char *)"prog", (char *)"x", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(2, argv);

	assert_int_equal(fuse_opt_insert_arg(&args, 1, "first"), 0);
	assert_int_equal(fuse_opt_add_arg(&args, "last"), 0);
	assert_int_equal(fuse_opt_insert_arg(&args, 5, "too far"), -1);
	assert_int_equal(fuse_opt_insert_arg(&args, -1, "too early"), -1);
	assert_int_equal(args.argc, 4);
	assert_string_equal(args.argv[0], "prog");
	assert_string_equal(args.argv[1], "first");
	assert_string_equal(args.argv[2], "x");
	assert_string_equal(args.argv[3], "last");
	assert_null(args.argv[4]);
	assert_string_equal(argv[1], "x");
	fuse_opt_free_args(&args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_set_in_every_spelling),
		cmocka_unit_test(an_element_of_a_list_is_no_argument),
		cmocka_unit_test(parameters_are_converted),
		cmocka_unit_test(a_parameter_that_is_none_fails_the_parse),
		cmocka_unit_test(a_failed_parse_leaves_the_arguments_alone),
		cmocka_unit_test(a_string_replaces_the_one_before),
		cmocka_unit_test(the_function_decides_about_keys_and_strangers),
		cmocka_unit_test(two_arguments_reach_the_function_as_one),
		cmocka_unit_test(keep_and_discard_need_no_function),
		cmocka_unit_test(every_matching_entry_acts),
		cmocka_unit_test(lists_are_gathered_in_front),
		cmocka_unit_test(escapes_survive_being_passed_on),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(nothing_to_do_is_no_error),
		cmocka_unit_test(matching_can_be_asked_for),
		cmocka_unit_test(lists_grow),
		cmocka_unit_test(vectors_grow_at_any_place),
	};

	return cmocka_run_group_tests(tests, silence, NULL);
}
