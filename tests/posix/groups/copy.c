/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* copy_file_range(2), and the older ways to let the kernel copy. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 300000 };

static char pattern[SIZE], got[2 * SIZE];

static int source(void)
{
	int fd = must(open("from", O_RDWR | O_CREAT | O_TRUNC, 0644));

	fill_pattern(pattern, SIZE, 0, 5);
	must_be(SIZE, pwrite(fd, pattern, SIZE, 0));
	return fd;
}

static void compare(int fd, off_t off, const char *want, size_t len)
{
	must_be(len, pread(fd, got, len, off));
	if (memcmp(got, want, len) != 0)
		fail("%zu bytes at %lld are wrong", len, (long long)off);
}

/* It may copy less than asked for; then one goes on. */
static void copy_all(int in, off_t off_in, int out, off_t off_out, size_t len)
{
	while (len > 0) {
		ssize_t n = must(copy_file_range(in, &off_in, out, &off_out, len, 0));

		if (n == 0)
			fail("nothing copied with %zu left", len);
		len -= n;
	}
}

static void ranges(void)
{
	static const struct {
		off_t from, to;
		size_t len;
	} table[] = {
		{ 0, 0, SIZE },	   { 0, 1, 1 },	      { 1, 0, 4096 },	{ 4096, 8192, 4096 },
		{ 5, 4095, 10000 }, { 100000, 0, 200000 }, { SIZE - 1, 77, 1 },
	};
	int in = source();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int out = must(open("to", O_RDWR | O_CREAT | O_TRUNC, 0644));

		copy_all(in, table[i].from, out, table[i].to, table[i].len);
		must_be(table[i].to + table[i].len, lseek(out, 0, SEEK_END));
		compare(out, table[i].to, pattern + table[i].from, table[i].len);
		for (off_t at = 0; at < table[i].to; at++) {
			char c;

			must_be(1, pread(out, &c, 1, at));
			must_be(0, c);
		}
		must(close(out));
	}
}

static void within_one_file(void)
{
	off_t a = 0, b = 50;
	int fd = source();

	copy_all(fd, 0, fd, SIZE, 100000);
	compare(fd, SIZE, pattern, 100000);
	copy_all(fd, 1000, fd, 200000, 5000);
	compare(fd, 200000, pattern + 1000, 5000);
	must_fail(EINVAL, copy_file_range(fd, &a, fd, &b, 100, 0));
}

static void over_old_data(void)
{
	int in = must(open("from", O_RDWR | O_CREAT, 0644));
	int out;

	/* A hole between two islands replaces what the target has there. */
	must_be(5, pwrite(in, "first", 5, 0));
	must_be(4, pwrite(in, "last", 4, 100000));
	out = must(open("to", O_RDWR | O_CREAT, 0644));
	memset(pattern, 'o', SIZE);
	must_be(SIZE, write(out, pattern, SIZE));
	copy_all(in, 0, out, 0, 100004);
	compare(out, 0, "first", 5);
	compare(out, 100000, "last", 4);
	compare(out, 100004, pattern, 1000);
	must_be(99995, pread(out, got, 99995, 5));
	for (int i = 0; i < 99995; i++)
		must_be(0, got[i]);
}

static void ends_and_errors(void)
{
	int in = source();
	int out = must(open("to", O_RDWR | O_CREAT, 0644));
	int ro = must(open("to", O_RDONLY));
	int wo = must(open("to", O_WRONLY));
	int ap = must(open("to", O_WRONLY | O_APPEND));
	int dir = must(open(".", O_RDONLY | O_DIRECTORY));
	off_t end = SIZE, past = SIZE + 100, near = SIZE - 10, zero = 0;

	must_be(0, copy_file_range(in, &end, out, NULL, 100, 0));
	must_be(0, copy_file_range(in, &past, out, NULL, 100, 0));
	must_be(10, copy_file_range(in, &near, out, NULL, 1000, 0));
	must_be(SIZE, near);
	must_be(0, copy_file_range(in, NULL, out, NULL, 0, 0));
	must_fail(EBADF, copy_file_range(in, &zero, ro, NULL, 10, 0));
	must_fail(EBADF, copy_file_range(wo, &zero, out, NULL, 10, 0));
	must_fail(EBADF, copy_file_range(in, &zero, ap, NULL, 10, 0));
	must_fail(EISDIR, copy_file_range(dir, NULL, out, NULL, 10, 0));
	must_fail(EISDIR, copy_file_range(in, &zero, dir, NULL, 10, 0));
	must_fail(EINVAL, copy_file_range(in, &zero, out, NULL, 10, 99));
}

static void positions(void)
{
	int in = source();
	int out = must(open("to", O_RDWR | O_CREAT, 0644));

	must(lseek(in, 100, SEEK_SET));
	must_be(1000, copy_file_range(in, NULL, out, NULL, 1000, 0));
	must_be(1100, lseek(in, 0, SEEK_CUR));
	must_be(1000, lseek(out, 0, SEEK_CUR));
	compare(out, 0, pattern + 100, 1000);
}

static void times(void)
{
	int in, out;

	source();
	run_script("create to 0644; mark from to");
	in = must(open("from", O_RDONLY));
	out = must(open("to", O_WRONLY));
	copy_all(in, 0, out, 0, 1000);
	run_script("since to = mc; since from = -|a");
}

static void sendfile_and_splice(void)
{
	int in = source(), pipefd[2];
	int out = must(open("to", O_RDWR | O_CREAT, 0644));
	off_t off = 0;
	size_t done = 0;

	while (done < SIZE)
		done += must(sendfile(out, in, &off, SIZE - done));
	compare(out, 0, pattern, SIZE);
	must(pipe(pipefd));
	off = 4096;
	must_be(4096, splice(in, &off, pipefd[1], NULL, 4096, 0));
	off = SIZE;
	must_be(4096, splice(pipefd[0], NULL, out, &off, 4096, 0));
	compare(out, SIZE, pattern + 4096, 4096);
}

const struct check checks_copy[] = {
	{ "ranges", .run = ranges },
	{ "within one file", .run = within_one_file },
	{ "holes over old data", .run = over_old_data },
	{ "ends and errors", .run = ends_and_errors },
	{ "file positions", .run = positions },
	{ "times", .run = times },
	{ "sendfile and splice", .run = sendfile_and_splice },
	{ NULL }
};
