/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* truncate(2) and ftruncate(2). */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every pair of sizes around block borders: what is kept is kept, what is new is zero. */
static void sizes(void)
{
	static const int table[] = { 0, 1, 511, 512, 4095, 4096, 4097, 8191, 8192, 12345, 65536, 131073 };
	enum { N = sizeof(table) / sizeof(table[0]), MAX = 131073 };
	static char pattern[MAX], got[MAX + 1];

	fill_pattern(pattern, MAX, 0, 1);
	for (int a = 0; a < N; a++) {
		for (int b = 0; b < N; b++) {
			const int kept = table[a] < table[b] ? table[a] : table[b];
			int fd = must(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));

			must_be(table[a], write(fd, pattern, table[a]));
			must(b & 1 ? ftruncate(fd, table[b]) : truncate("f", table[b]));
			must_be(table[b], pread(fd, got, sizeof(got), 0));
			if (memcmp(got, pattern, kept) != 0)
				fail("%d to %d: the start is damaged", table[a], table[b]);
			/* Once smaller and larger again: nothing old may come back. */
			must(ftruncate(fd, kept / 2));
			must(ftruncate(fd, MAX));
			must_be(MAX, pread(fd, got, sizeof(got), 0));
			for (int i = kept / 2; i < MAX; i++) {
				if (got[i] != 0)
					fail("%d to %d: old data at %d", table[a], table[b], i);
			}
			must(close(fd));
		}
	}
}

/* Grow to a size that no disk has. It costs nothing, or is refused; the data stay. */
static void huge(off_t size)
{
	char buf[8] = "";
	struct stat st;
	int fd;

	put_file("f", 0644, "text");
	fd = must(open("f", O_RDWR));
	if (ftruncate(fd, size) < 0) {
		if (errno != EFBIG && errno != EINVAL)
			fail("ftruncate: %s", errno_name(errno));
		note("%s", errno_name(errno));
		must(fstat(fd, &st));
		must_be(4, st.st_size);
	} else {
		note("possible");
		must(fstat(fd, &st));
		must_be(size, st.st_size);
		if (st.st_blocks > 1024)
			fail("it takes %lld blocks", (long long)st.st_blocks);
		must_be(8, pread(fd, buf, 8, size - 8));
		must_be(0, memcmp(buf, "\0\0\0\0\0\0\0", 8));
		must_be(1, pwrite(fd, "x", 1, size / 2));
		must_be(1, pread(fd, buf, 1, size / 2));
		must_be('x', buf[0]);
		must(ftruncate(fd, 4));
	}
	must_be(4, pread(fd, buf, 8, 0));
	must_be(0, memcmp(buf, "text", 4));
	must(close(fd));
}

static void huge_1e12(void)
{
	huge(1000000000000);
}

static void huge_1e15(void)
{
	huge(1000000000000000);
}

static void huge_max(void)
{
	huge(INT64_MAX);
}

/* The limit of a process for file sizes: a signal, or EFBIG if that is ignored. */
static void resource_limit(void)
{
	const struct rlimit limit = { 5000, 5000 };
	static char buf[10000];
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	signal(SIGXFSZ, SIG_IGN);
	must(setrlimit(RLIMIT_FSIZE, &limit));
	must_fail(EFBIG, ftruncate(fd, 5001));
	must(ftruncate(fd, 5000));
	must_fail(EFBIG, pwrite(fd, buf, 10, 5000));
	must_be(10, pwrite(fd, buf, 100, 4990));
	must_be(5000, pwrite(fd, buf, 10000, 0));
	must(ftruncate(fd, 0));
}

const struct check checks_truncate[] = {
	{ "sizes around block borders", .run = sizes },
	{ "to 1e12", .run = huge_1e12 },
	{ "to 1e15", .run = huge_1e15 },
	{ "to 2^63 - 1", .run = huge_max },
	{ "the process's limit", .run = resource_limit },
	{ "not to less than nothing", "create f 0644 text; open 0 f RDWR; truncate f -1 = EINVAL; ftruncate 0 -1 = EINVAL; stat f size = 4" },
	{ "not a directory", "mkdir d 0755; truncate d 0 = EISDIR; truncate . 0 = EISDIR" },
	{ "not a fifo or a device", "mkfifo p 0644; truncate p 0 = EINVAL; mknod c char 0644 259; truncate c 0 = EINVAL" },
	{ "through a symbolic link", "create f 0644 text; symlink f l; truncate l 2; stat f size = 2; symlink no d; truncate d 0 = ENOENT" },
	{ "a missing file", "truncate no 0 = ENOENT; truncate no/f 0 = ENOENT; create f 0644; truncate f/x 0 = ENOTDIR" },
	{ "the position stays", "create f 0644 abcdef; open 0 f RDWR; seek 0 4 set; ftruncate 0 2; seek 0 0 cur = 4; read 0 = (end); write 0 x = 1; read 0 0 = ab..x" },
	{ "O_TRUNC keeps everything else", "create f 0640 text; chown f u1 u2; setxattr f user.a b; link f g; try f RDWR|TRUNC; stat f size = 0; stat f mode = 0640; stat f uid = u1; stat f nlink = 2; getxattr f user.a = b" },
	{ NULL }
};
