/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files with holes. Where holes are, within a block's precision, is the filesystem's affair. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static long long blocks_of(int fd)
{
	struct stat st;

	must(fstat(fd, &st));
	return st.st_blocks;
}

/* Three islands of data at 0, 2 and 6 MiB in a file of 8 MiB. */
static int islands(void)
{
	static char buf[65536];
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	fill_pattern(buf, sizeof(buf), 0, 3);
	must_be(sizeof(buf), pwrite(fd, buf, sizeof(buf), 0));
	must_be(sizeof(buf), pwrite(fd, buf, sizeof(buf), 2 * MIB));
	must_be(sizeof(buf), pwrite(fd, buf, sizeof(buf), 6 * MIB));
	must(ftruncate(fd, 8 * MIB));
	must(fsync(fd));
	return fd;
}

static void seek_data_and_hole(void)
{
	static const struct {
		off_t from;
		int whence;
		off_t to; /* -1: ENXIO */
	} table[] = {
		{ 0, SEEK_DATA, 0 },		      { 1, SEEK_DATA, 1 },
		{ 0, SEEK_HOLE, 65536 },	      { 65535, SEEK_HOLE, 65536 },
		{ 65536, SEEK_HOLE, 65536 },	      { 70000, SEEK_HOLE, 70000 },
		{ 65536, SEEK_DATA, 2 * MIB },	      { MIB, SEEK_DATA, 2 * MIB },
		{ 2 * MIB, SEEK_HOLE, 2 * MIB + 65536 }, { 3 * MIB, SEEK_DATA, 6 * MIB },
		{ 6 * MIB + 5, SEEK_DATA, 6 * MIB + 5 }, { 6 * MIB, SEEK_HOLE, 6 * MIB + 65536 },
		{ 7 * MIB, SEEK_DATA, -1 },	      { 7 * MIB, SEEK_HOLE, 7 * MIB },
		{ 8 * MIB - 1, SEEK_HOLE, 8 * MIB - 1 }, { 8 * MIB, SEEK_HOLE, -1 },
		{ 8 * MIB, SEEK_DATA, -1 },	      { 9 * MIB, SEEK_DATA, -1 },
		{ -1, SEEK_DATA, -1 },		      { -1, SEEK_HOLE, -1 },
	};
	int fd = islands();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		errno = 0;
		if (lseek(fd, table[i].from, table[i].whence) != table[i].to ||
		    (table[i].to < 0 && errno != ENXIO))
			fail("lseek(%lld, %s) is not %lld (%s)", (long long)table[i].from,
			     table[i].whence == SEEK_DATA ? "SEEK_DATA" : "SEEK_HOLE",
			     (long long)table[i].to, errno_name(errno));
	}
}

static void holes_read_zero(void)
{
	static char buf[8 * MIB];
	int fd = islands();

	must_be(8 * MIB, pread(fd, buf, sizeof(buf), 0));
	for (int i = 65536; i < 2 * MIB; i++)
		must_be(0, buf[i]);
	for (int i = 6 * MIB + 65536; i < 8 * MIB; i++)
		must_be(0, buf[i]);
}

static void holes_take_no_space(void)
{
	int fd = islands();

	if (blocks_of(fd) > MIB / 512)
		fail("%lld blocks for 192 KiB of data", blocks_of(fd));
	must(ftruncate(fd, 0));
	must(fsync(fd));
	if (blocks_of(fd) > 64)
		fail("%lld blocks for nothing", blocks_of(fd));
}

/* A write far beyond everything. */
static void far_write(void)
{
	const off_t far = 1LL << 40;
	char buf[16];
	int fd = must(open("f", O_RDWR | O_CREAT, 0644));

	must_be(5, pwrite(fd, "start", 5, 0));
	must_be(3, pwrite(fd, "end", 3, far));
	must_be(far + 3, lseek(fd, 0, SEEK_END));
	must_be(3, pread(fd, buf, 16, far));
	must_be(0, memcmp(buf, "end", 3));
	must_be(8, pread(fd, buf, 8, far - 8));
	must_be(0, memcmp(buf, "\0\0\0\0\0\0\0", 8));
	must_be(0, pread(fd, buf, 8, far + 3));
	must(fsync(fd));
	must_be(far, lseek(fd, MIB, SEEK_DATA) & ~4095LL);
	must(ftruncate(fd, 5));
	must_be(5, pread(fd, buf, 16, 0));
}

const struct check checks_sparse[] = {
	{ "SEEK_DATA and SEEK_HOLE", .run = seek_data_and_hole },
	{ "holes read as zeros", .run = holes_read_zero },
	{ "holes take no space", .run = holes_take_no_space },
	{ "a write at 2^40", .run = far_write },
	{ "an empty file has neither", "create f 0644; open 0 f RDONLY; seek 0 0 data = ENXIO; seek 0 0 hole = ENXIO; seek 0 1 data = ENXIO" },
	{ "a file of a hole only", "create f 0644; truncate f 1000000; open 0 f RDONLY; seek 0 0 data = ENXIO; seek 0 5 hole = 5; seek 0 999999 hole = 999999; seek 0 1000000 hole = ENXIO; read 0 999998 = .." },
	{ "a small file ends in a hole", "create f 0644 text; open 0 f RDONLY; seek 0 0 data = 0; seek 0 2 data = 2; seek 0 0 hole = 4; seek 0 4 data = ENXIO" },
	{ "the position follows", "create f 0644 text; open 0 f RDONLY; seek 0 2 data = 2; read 0 = xt; seek 0 0 hole = 4; seek 0 0 cur = 4" },
	{ "other ways to seek", "create f 0644 text; open 0 f RDONLY; seek 0 0 end = 4; seek 0 -2 cur = 2; seek 0 -1 set = EINVAL; seek 0 -5 end = EINVAL; seek 0 100 end = 104; read 0 = (end)" },
	{ NULL }
};
