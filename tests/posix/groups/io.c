/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plain reading and writing, in all its forms. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BIG = 5 * 1024 * 1024 + 777 };

static char *pattern, *got;

static void big_buffers(void)
{
	pattern = malloc(BIG);
	got = malloc(BIG + 1);
	fill_pattern(pattern, BIG, 0, 11);
}

/* Write in pieces of one size, read in pieces of another. */
static void pieces(void)
{
	static const int sizes[] = { 1000, 4096, 65536, 131072, 1 << 20, BIG };
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };

	big_buffers();
	for (int w = 0; w < N; w++) {
		int fd = must(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));

		for (int at = 0; at < BIG; at += sizes[w]) {
			int len = at + sizes[w] > BIG ? BIG - at : sizes[w];

			must_be(len, write(fd, pattern + at, len));
		}
		for (int r = 0; r < N; r++) {
			memset(got, 0, BIG);
			must(lseek(fd, 0, SEEK_SET));
			for (int at = 0; at < BIG; at += sizes[r]) {
				int len = at + sizes[r] > BIG ? BIG - at : sizes[r];

				must_be(len, read(fd, got + at, sizes[r]));
			}
			must_be(0, memcmp(got, pattern, BIG));
		}
		must_be(0, read(fd, got, 1));
		must(close(fd));
	}
}

static void backwards(void)
{
	int fd;

	big_buffers();
	fd = must(open("f", O_RDWR | O_CREAT, 0644));
	for (int at = BIG / 5000 * 5000; at >= 0; at -= 5000) {
		int len = at + 5000 > BIG ? BIG - at : 5000;

		must_be(len, pwrite(fd, pattern + at, len, at));
	}
	must(close(fd));
	fd = must(open("f", O_RDONLY));
	must_be(BIG, pread(fd, got, BIG + 1, 0));
	must_be(0, memcmp(got, pattern, BIG));
}

static void vectors(void)
{
	char a[10] = "aaaaaaaaa", b[4] = "bbb", c[5] = "";
	struct iovec iov[] = { { a, 9 }, { NULL, 0 }, { b, 3 }, { c, 4 } };
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	strcpy(c, "cccc");
	must_be(16, writev(fd, iov, 4));
	memset(a, 0, 10);
	memset(b, 0, 4);
	memset(c, 0, 5);
	must_be(16, preadv(fd, iov, 4, 0));
	must_be(0, memcmp(a, "aaaaaaaaa", 9) | memcmp(b, "bbb", 3) | memcmp(c, "cccc", 4));
	must_be(16, pwritev(fd, iov, 4, 100));
	must_be(116, lseek(fd, 0, SEEK_END));
	must_be(16, pwritev2(fd, iov, 4, 0, RWF_APPEND));
	must_be(132, lseek(fd, 0, SEEK_END));
}

static void direct(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_DIRECT, 0644);
	char *buf = aligned_alloc(4096, 65536), *back = aligned_alloc(4096, 65536);
	int plain;

	if (fd < 0 && errno == EINVAL)
		skip("no O_DIRECT here");
	must(fd);
	fill_pattern(buf, 65536, 0, 1);
	must_be(65536, pwrite(fd, buf, 65536, 0));
	must_be(65536, pread(fd, back, 65536, 0));
	must_be(0, memcmp(buf, back, 65536));
	/* Direct and buffered ways see the same file. */
	plain = must(open("f", O_RDWR));
	must_be(65536, pread(plain, back, 65536, 0));
	must_be(0, memcmp(buf, back, 65536));
	must_be(4, pwrite(plain, "news", 4, 4096));
	must_be(4096, pread(fd, back, 4096, 4096));
	must_be(0, memcmp(back, "news", 4));
	memset(buf, 'd', 4096);
	must_be(4096, pwrite(fd, buf, 4096, 8192));
	must_be(4096, pread(plain, back, 4096, 8192));
	must_be(0, memcmp(buf, back, 4096));
	must_be(0, pread(fd, back, 4096, 65536));
	must_be(65536, lseek(plain, 0, SEEK_END));
}

/* Appends from several processes do not overwrite each other. */
static void append_lines(void *arg)
{
	int fd = must(open("f", O_WRONLY | O_APPEND));
	char line[100];

	memset(line, 'a' + *(int *)arg, 100);
	for (int i = 0; i < 100; i++)
		must_be(100, write(fd, line, 100));
}

static void concurrent_append(void)
{
	int ids[] = { 0, 1, 2, 3, 4, 5 }, counts[6] = { 0 }, fd;
	pid_t pids[6];
	char line[100];

	put_file("f", 0644, "");
	for (int i = 0; i < 6; i++)
		pids[i] = spawn(append_lines, &ids[i]);
	for (int i = 0; i < 6; i++)
		reap(pids[i]);
	fd = must(open("f", O_RDONLY));
	for (int i = 0; i < 600; i++) {
		must_be(100, read(fd, line, 100));
		for (int k = 1; k < 100; k++)
			must_be(line[0], line[k]);
		counts[line[0] - 'a']++;
	}
	for (int i = 0; i < 6; i++)
		must_be(100, counts[i]);
	must_be(0, read(fd, line, 100));
}

static void over_4_gib(void)
{
	const off_t where[] = { (1LL << 31) - 2, (1LL << 32) - 2, (1LL << 33) + 5 };
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));
	char buf[8];

	for (int i = 0; i < 3; i++)
		must_be(4, pwrite(fd, "edge", 4, where[i]));
	for (int i = 0; i < 3; i++) {
		must_be(4, pread(fd, buf, 4, where[i]));
		must_be(0, memcmp(buf, "edge", 4));
	}
	must_be(where[2] + 4, lseek(fd, 0, SEEK_END));
}

static void filesystem_numbers(void)
{
	struct statvfs before, after;
	static char buf[1 << 20];
	int fd;

	must(statvfs(".", &before));
	if (before.f_bsize == 0 || before.f_frsize == 0 || before.f_blocks == 0)
		fail("statvfs shows zeros");
	if (before.f_bfree > before.f_blocks || before.f_bavail > before.f_bfree)
		fail("more free than there is");
	fd = must(open("f", O_RDWR | O_CREAT, 0644));
	for (int i = 0; i < 8; i++) {
		fill_pattern(buf, sizeof(buf), i, 1);
		must_be(sizeof(buf), write(fd, buf, sizeof(buf)));
	}
	must(fsync(fd));
	must(fstatvfs(fd, &after));
	must_be(before.f_blocks, after.f_blocks);
	must_be(before.f_namemax, after.f_namemax);
}

static void blocks_and_birth(void)
{
	static char buf[100000];
	struct statx a, b;
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	must(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &a));
	fill_pattern(buf, sizeof(buf), 0, 1);
	must_be(sizeof(buf), write(fd, buf, sizeof(buf)));
	must(fsync(fd));
	must(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &b));
	if (b.stx_blocks * 512 < sizeof(buf) || b.stx_blocks * 512 > 4 * sizeof(buf))
		fail("%llu blocks for 100000 bytes", (unsigned long long)b.stx_blocks);
	if (!(b.stx_mask & STATX_BTIME))
		fail("no time of birth");
	must_be(a.stx_btime.tv_sec, b.stx_btime.tv_sec);
	must_be(a.stx_btime.tv_nsec, b.stx_btime.tv_nsec);
	if (b.stx_btime.tv_sec > b.stx_mtime.tv_sec + 1 || b.stx_btime.tv_sec < b.stx_mtime.tv_sec - 10)
		fail("born at %lld", (long long)b.stx_btime.tv_sec);
}

const struct check checks_io[] = {
	{ "in pieces of all sizes", .run = pieces },
	{ "backwards", .run = backwards },
	{ "vectors", .run = vectors },
	{ "past the page cache", .run = direct },
	{ "several who append", .run = concurrent_append },
	{ "across 2 and 4 GiB", .run = over_4_gib },
	{ "the numbers of the filesystem", .run = filesystem_numbers },
	{ "blocks and time of birth", .run = blocks_and_birth },
	{ "behind the end", "create f 0644 text; open 0 f RDWR; read 0 4 = (end); read 0 100 = (end); read 0 2 = xt; write 0 x 10 = 1; read 0 0 = text......x; stat f size = 11" },
	{ "negative positions", "create f 0644 text; open 0 f RDWR; read 0 -1 = EINVAL; write 0 x -1 = EINVAL" },
	{ "descriptors share a file, dups a position", "create f 0644 text; open 0 f RDWR; open 1 f RDWR; read 0 = text; read 1 = text; write 0 more = 4; seek 1 0 cur = 4; read 1 = more" },
	{ "fsync of files and directories", "create f 0644 text; open 0 f RDWR; fsync 0; mkdir d 0755; open 1 d RDONLY; fsync 1; open 2 f RDONLY; fsync 2" },
	{ NULL }
};
