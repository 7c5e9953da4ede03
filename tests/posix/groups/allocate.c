/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fallocate(2). */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/falloc.h>

enum { SIZE = 3 * 4096 + 100 };

/*
 * Ranges around block borders, in a file full of data: inside the range there are zeros afterwards,
 * outside nothing has changed.
 */
static void zero_ranges(int mode)
{
	static const int starts[] = { 0, 1, 4095, 4096, 4097, 8000, SIZE - 1, SIZE };
	static const int lengths[] = { 1, 10, 4095, 4096, 4097, 8192, SIZE };
	static char pattern[SIZE], got[3 * SIZE];

	fill_pattern(pattern, SIZE, 0, 7);
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
			const int start = starts[s], end = start + lengths[l];
			const bool grows = !(mode & FALLOC_FL_KEEP_SIZE) && end > SIZE;
			int fd = must(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));

			must_be(SIZE, write(fd, pattern, SIZE));
			if (fallocate(fd, mode, start, lengths[l]) < 0) {
				/* tmpfs can punch holes only. */
				if (errno != EOPNOTSUPP || !(mode & FALLOC_FL_ZERO_RANGE))
					fail("fallocate: %s", errno_name(errno));
				note("not supported");
				return;
			}
			must_be(grows ? end : SIZE, pread(fd, got, sizeof(got), 0));
			for (int i = 0; i < (grows ? end : SIZE); i++) {
				const bool zeroed = (i >= start && i < end) || i >= SIZE;

				if (got[i] != (zeroed ? 0 : pattern[i]))
					fail("[%d, %d): wrong byte at %d", start, end, i);
			}
			must(close(fd));
		}
	}
}

static void punch(void)
{
	zero_ranges(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
}

static void zero(void)
{
	zero_ranges(FALLOC_FL_ZERO_RANGE);
}

static void zero_keep(void)
{
	zero_ranges(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
}

static void punching_frees(void)
{
	static char buf[1 << 20];
	struct stat st;
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	fill_pattern(buf, sizeof(buf), 0, 1);
	must_be(sizeof(buf), write(fd, buf, sizeof(buf)));
	must(fsync(fd));
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, sizeof(buf) - 8192));
	must(fsync(fd));
	must(fstat(fd, &st));
	must_be(sizeof(buf), st.st_size);
	if (st.st_blocks > 64)
		fail("%lld blocks are still there", (long long)st.st_blocks);
	must_be(4096, lseek(fd, 0, SEEK_HOLE));
	must_be(sizeof(buf) - 4096, lseek(fd, 4096, SEEK_DATA));
}

/* What is reserved reads as zeros and takes space, within and beyond the size. */
static void reserving(void)
{
	static char got[100001];
	struct stat st;
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	must_be(4, write(fd, "text", 4));
	must(fallocate(fd, 0, 0, 100000));
	must_be(100000, pread(fd, got, sizeof(got), 0));
	must_be(0, memcmp(got, "text", 4));
	for (int i = 4; i < 100000; i++)
		must_be(0, got[i]);
	must(fstat(fd, &st));
	if (st.st_blocks < 100000 / 512)
		fail("%lld blocks only", (long long)st.st_blocks);
	must(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
	must(fstat(fd, &st));
	must_be(100000, st.st_size);
	if (st.st_blocks < (1 << 20) / 512)
		fail("%lld blocks only, beyond the size", (long long)st.st_blocks);
	must(ftruncate(fd, 1 << 19));
	must_be(100000, pread(fd, got, 100000, 300000));
	for (int i = 0; i < 100000; i++)
		must_be(0, got[i]);
}

/* More than there can be is refused and takes nothing. */
static void too_much(void)
{
	struct stat st;
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	if (fallocate(fd, 0, 0, 1LL << 50) == 0)
		fail("there is a pebibyte?");
	if (errno != ENOSPC && errno != EFBIG)
		fail("fallocate: %s", errno_name(errno));
	note("%s", errno_name(errno));
	must(fstat(fd, &st));
	must_be(0, st.st_size);
	must_be(4, write(fd, "text", 4));
}

const struct check checks_allocate[] = {
	{ "reserves space", .run = reserving },
	{ "grows the file, or not",
	  "create f 0644 text; open 0 f RDWR; fallocate 0 none 10 100; stat f size = 110;"
	  "fallocate 0 keep 0 1000; stat f size = 110; fallocate 0 none 0 50; stat f size = 110;"
	  "seek 0 0 end = 110" },
	{ "punch a hole", .run = punch },
	{ "zero a range", .run = zero },
	{ "zero a range, keeping the size", .run = zero_keep },
	{ "punching gives space back", .run = punching_frees },
	{ "more than there is", .run = too_much },
	{ "a hole beyond the end changes nothing",
	  "create f 0644 text; open 0 f RDWR; fallocate 0 punch+keep 100 100; stat f size = 4; read 0 = text" },
	{ "what makes no sense",
	  "create f 0644 text; open 0 f RDWR; fallocate 0 none -1 10 = EINVAL; fallocate 0 none 0 0 = EINVAL;"
	  "fallocate 0 none 0 -1 = EINVAL; fallocate 0 punch 0 4 = EOPNOTSUPP; stat f size = 4;"
	  "fallocate 0 none 1 9223372036854775807 = EFBIG" },
	{ "needs a descriptor for writing", "create f 0644 text; open 0 f RDONLY; fallocate 0 none 0 10 = EBADF; open 1 f PATH; fallocate 1 none 0 10 = EBADF" },
	{ "needs a file", "mkdir d 0755; open 0 d RDONLY; fallocate 0 none 0 10 = EBADF; mkfifo p 0644; open 1 p RDWR; fallocate 1 none 0 10 = ESPIPE" },
	{ NULL }
};
