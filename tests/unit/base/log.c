/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where messages of the library arrive. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

#include <fuse_log.h>

#include "base/compiler.h"

static enum fuse_log_level seen_level;
static char seen[128];

PROFUSE_PRINTF(2, 0)
static void remember(enum fuse_log_level level, const char *fmt, va_list ap)
{
	seen_level = level;
	vsnprintf(seen, sizeof(seen), fmt, ap);
	errno = EDOM;
}

static void a_function_of_the_program_gets_level_and_text(void **state)
{
	fuse_set_log_func(remember);
	fuse_log(FUSE_LOG_WARNING, "%s: %d\n", "answer", 42);
	assert_int_equal(seen_level, FUSE_LOG_WARNING);
	assert_string_equal(seen, "answer: 42\n");
	fuse_set_log_func(NULL);
}

static void errno_survives_a_message(void **state)
{
	fuse_set_log_func(remember);
	errno = ENOENT;
	fuse_log(FUSE_LOG_ERR, "x\n");
	assert_int_equal(errno, ENOENT);
	fuse_set_log_func(NULL);
}

/* What fd 2 receives while fuse_log() runs. */
static void on_stderr(char *buf, size_t size, const char *text)
{
	int p[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(p), 0);
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	fuse_log(FUSE_LOG_INFO, "%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(p[0], buf, size - 1);
	close(p[0]);
	buf[n > 0 ? n : 0] = '\0';
}

static void the_default_is_standard_error(void **state)
{
	char buf[64];

	fuse_set_log_func(remember);
	fuse_set_log_func(NULL);
	on_stderr(buf, sizeof(buf), "hello\n");
	assert_string_equal(buf, "hello\n");
}

static void syslog_takes_the_place_of_standard_error(void **state)
{
	char buf[64];

	fuse_log_enable_syslog("profuse-test", 0, LOG_USER);
	on_stderr(buf, sizeof(buf), "to syslog\n");
	assert_string_equal(buf, "");

	fuse_set_log_func(remember);
	fuse_log(FUSE_LOG_INFO, "still mine\n");
	assert_string_equal(seen, "still mine\n");
	fuse_set_log_func(NULL);

	fuse_log_close_syslog();
	on_stderr(buf, sizeof(buf), "back\n");
	assert_string_equal(buf, "back\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_of_the_program_gets_level_and_text),
		cmocka_unit_test(errno_survives_a_message),
		cmocka_unit_test(the_default_is_standard_error),
		cmocka_unit_test(syslog_takes_the_place_of_standard_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
