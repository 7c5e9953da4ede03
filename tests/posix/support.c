/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct user_ids users[USERS] = {
	[ROOT] = {"root", 0, 0, 0},
	[U1] = {"u1", 65101, 65101, 65101},
	[U2] = {"u2", 65102, 65102, 65102},
	[U3] = {"u3", 65103, 65103, 65101},
};

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list ap)
{
	vdprintf(STDOUT_FILENO, format, ap);
}

void fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	_exit(1);
}

void skip(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	_exit(77);
}

void note(const char *format, ...)
{
	va_list ap;

	dprintf(STDOUT_FILENO, "[");
	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	dprintf(STDOUT_FILENO, "]");
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

long long must_impl(long long ret, const char *expr, const char *file, int line)
{
	if (ret < 0)
		fail("%s:%d: %s: %s", base_name(file), line, expr, errno_name(errno));
	return ret;
}

void must_fail_impl(int err, long long ret, const char *expr, const char *file, int line)
{
	if (ret >= 0)
		fail("%s:%d: %s: gave %lld, not %s", base_name(file), line, expr, ret,
		     errno_name(err));
	if (errno != err)
		fail("%s:%d: %s: gave %s, not %s", base_name(file), line, expr, errno_name(errno),
		     errno_name(err));
}

void must_be_impl(long long want, long long got, const char *expr, const char *file, int line)
{
	if (got != want)
		fail("%s:%d: %s: is %lld, not %lld (errno %s)", base_name(file), line, expr, got,
		     want, errno_name(errno));
}

void become(enum user user)
{
	const struct user_ids *u = &users[user];
	const gid_t groups[] = {u->gid, u->extra};

	/* By way of root, who alone may. The capabilities come and go with the effective id. */
	if (setresuid(-1, 0, -1) < 0 || setgroups(2, groups) < 0 || setresgid(-1, u->gid, -1) < 0 ||
	    setresuid(-1, u->uid, -1) < 0)
		fail("cannot become %s: %s", u->name, errno_name(errno));
}

const char *errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "an unknown errno";
}

int errno_number(const char *name, size_t len)
{
	/* Two names, one number. */
	if (len == 10 && memcmp(name, "EOPNOTSUPP", len) == 0)
		return EOPNOTSUPP;
	for (int err = 1; err < 200; err++) {
		const char *known = strerrorname_np(err);

		if (known && strlen(known) == len && memcmp(known, name, len) == 0)
			return err;
	}
	return -1;
}

void put_file(const char *path, mode_t mode, const char *text)
{
	int fd = must(open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode));

	must_be(strlen(text), write(fd, text, strlen(text)));
	must(close(fd));
}

void get_file(const char *path, char *buf, size_t size)
{
	int fd = must(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = must(read(fd, buf, size - 1));

	buf[n] = '\0';
	must(close(fd));
}

void fill_pattern(char *buf, size_t len, off_t off, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		const uint64_t at = (uint64_t)off + i;

		buf[i] = (char)((at * 2654435761u + (at >> 12) * 40503u + seed) >> 7 | 1);
	}
}

pid_t spawn(void (*run)(void *arg), void *arg)
{
	pid_t pid = must(fork());

	if (pid == 0) {
		run(arg);
		_exit(0);
	}
	return pid;
}

void reap(pid_t pid)
{
	int status;

	must_be(pid, waitpid(pid, &status, 0));
	/* It has said why. */
	if (status != 0)
		fail(" (in a child, status %#x)", status);
}

void sleep_ms(int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&ts, NULL);
}

bool wait_for(bool (*condition)(void *arg), void *arg, double seconds)
{
	for (int ms = 0; ms < seconds * 1000; ms += 5) {
		if (condition(arg))
			return true;
		sleep_ms(5);
	}
	return false;
}
