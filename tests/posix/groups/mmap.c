/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files as memory. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 5 * 4096 + 123 };

static char pattern[SIZE], got[SIZE];

static int make_file(void)
{
	int fd = must(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));

	fill_pattern(pattern, SIZE, 0, 9);
	must_be(SIZE, write(fd, pattern, SIZE));
	return fd;
}

static char *map(int fd, size_t len, int prot, int flags)
{
	char *m = mmap(NULL, len, prot, flags, fd, 0);

	if (m == MAP_FAILED)
		fail("mmap: %s", errno_name(errno));
	return m;
}

static void shared_shows_file(void)
{
	int fd = make_file();
	char *m = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);

	must_be(0, memcmp(m, pattern, SIZE));
	/* What is written shows in the mapping, what is stored shows in reads. */
	must_be(5, pwrite(fd, "WRITE", 5, 4094));
	must_be(0, memcmp(m + 4094, "WRITE", 5));
	memcpy(m + 8190, "STORE", 5);
	must_be(5, pread(fd, got, 5, 8190));
	must_be(0, memcmp(got, "STORE", 5));
	must(munmap(m, SIZE));
	must(close(fd));
	fd = must(open("f", O_RDONLY));
	memcpy(pattern + 4094, "WRITE", 5);
	memcpy(pattern + 8190, "STORE", 5);
	must_be(SIZE, read(fd, got, SIZE));
	must_be(0, memcmp(got, pattern, SIZE));
}

static void store_in_child(void *arg)
{
	char *m = map(must(open("f", O_RDWR)), SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);

	memcpy(m + 100, "child", 5);
}

static void shared_between_processes(void)
{
	int fd = make_file();
	char *m = map(fd, SIZE, PROT_READ, MAP_SHARED);

	reap(spawn(store_in_child, NULL));
	must_be(0, memcmp(m + 100, "child", 5));
	must_be(5, pread(fd, got, 5, 100));
	must_be(0, memcmp(got, "child", 5));
}

static void private_keeps_to_itself(void)
{
	int fd = make_file();
	char *m = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	memcpy(m, "private", 7);
	must_be(SIZE, pread(fd, got, SIZE, 0));
	must_be(0, memcmp(got, pattern, SIZE));
	must(munmap(m, SIZE));
}

static void tail_is_zero(void)
{
	int fd = make_file();
	char *m = map(fd, 6 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED);

	for (int i = SIZE; i < 6 * 4096; i++)
		must_be(0, m[i]);
	/* What is stored behind the end should not become part of the file. In tmpfs it does. */
	memset(m + SIZE, 'x', 100);
	must(msync(m, 6 * 4096, MS_SYNC));
	must(munmap(m, 6 * 4096));
	must(ftruncate(fd, SIZE + 50));
	must_be(50, pread(fd, got, 100, SIZE));
	note(memcmp(got, "\0\0\0", 3) == 0 ? "zeros" : "old bytes");
}

static sigjmp_buf jump;

static void on_bus(int sig)
{
	siglongjmp(jump, 1);
}

/* A page wholly behind the end is no memory. */
static void beyond_the_end(void)
{
	int fd = make_file();
	char *m = map(fd, 16 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
	struct sigaction sa = { .sa_handler = on_bus };

	sigaction(SIGBUS, &sa, NULL);
	if (sigsetjmp(jump, 1) == 0) {
		*(volatile char *)(m + 7 * 4096) = 1;
		fail("a store behind the end succeeds");
	}
	must(ftruncate(fd, 10 * 4096));
	*(volatile char *)(m + 7 * 4096) = 7;
	must_be(1, pread(fd, got, 1, 7 * 4096));
	must_be(7, got[0]);
	must(ftruncate(fd, 100));
	if (sigsetjmp(jump, 1) == 0) {
		got[0] = *(volatile char *)(m + 7 * 4096);
		fail("a load behind the new end succeeds");
	}
}

static void rights(void)
{
	int ro, wo;

	close(make_file());
	ro = must(open("f", O_RDONLY));
	wo = must(open("f", O_WRONLY));
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) != MAP_FAILED || errno != EACCES)
		fail("a writable shared mapping of a read-only descriptor");
	if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, wo, 0) != MAP_FAILED || errno != EACCES)
		fail("a mapping of a write-only descriptor");
	map(ro, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	map(ro, 4096, PROT_READ, MAP_SHARED);
}

static void extend_by_mmap(void)
{
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));
	char *m;

	must(ftruncate(fd, 1 << 20));
	m = map(fd, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (int i = 0; i < 1 << 20; i += 8192)
		m[i] = (char)(i >> 13);
	must(msync(m, 1 << 20, MS_ASYNC));
	must(munmap(m, 1 << 20));
	must(fsync(fd));
	for (int i = 0; i < 1 << 20; i += 4096) {
		must_be(1, pread(fd, got, 1, i));
		must_be(i % 8192 ? 0 : (char)(i >> 13), got[0]);
	}
}

/* A program on the filesystem runs, and is not written to while it does. */
static void execute(void)
{
	int in = must(open("/bin/true", O_RDONLY));
	int out = must(open("prog", O_RDWR | O_CREAT, 0755));
	int status;
	ssize_t n;
	static char buf[65536];
	pid_t pid;

	while ((n = must(read(in, buf, sizeof(buf)))) > 0)
		must_be(n, write(out, buf, n));
	must(close(out));
	pid = must(fork());
	if (pid == 0) {
		execl("./prog", "prog", NULL);
		_exit(99);
	}
	must_be(pid, waitpid(pid, &status, 0));
	must_be(0, status);
	must(chmod("prog", 0644));
	must_fail(EACCES, execl("./prog", "prog", NULL));
}

static void truncated_under_mapping(void)
{
	int fd = make_file();
	char *m = map(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);

	m[10] = 'x';
	must(ftruncate(fd, 5));
	must(ftruncate(fd, SIZE));
	must_be(0, m[10]);
	must_be(0, m[4096]);
	must_be(pattern[4], m[4]);
}

const struct check checks_mmap[] = {
	{ "a shared mapping is the file", .run = shared_shows_file },
	{ "shared between processes", .run = shared_between_processes },
	{ "a private mapping keeps to itself", .run = private_keeps_to_itself },
	{ "behind the end there are zeros", .run = tail_is_zero },
	{ "pages behind the end", .run = beyond_the_end },
	{ "rights", .run = rights },
	{ "filling a hole by stores", .run = extend_by_mmap },
	{ "executing", .run = execute },
	{ "truncated while mapped", .run = truncated_under_mapping },
	{ NULL }
};
