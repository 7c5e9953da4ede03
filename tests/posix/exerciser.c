/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exerciser [-n OPERATIONS] [-s SEED] [-l BYTES] [-d] [-w] [-v] FILE
 *
 * Does random things to a file and keeps a model of what it should contain. With the same seed it
 * does the same again. -d: with O_DIRECT reads and writes as well. -w: sync before looking for
 * holes: a FUSE mount with writeback asks the filesystem for them without writing first.
 * -v: tell every operation.
 * Exit status: 0 all as it should be, 1 a difference, 2 it could not be tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/falloc.h>

enum { ALIGN = 4096, HISTORY = 30 };

static const char *path;
static size_t max_size = 1 << 20;
static unsigned long operations = 20000;
static uint64_t seed = 1;
static bool with_direct, sync_before_seek, verbose;

static int fd = -1, append_fd = -1, direct_fd = -1;
static char *model, *scratch; /* scratch is aligned */
static size_t model_size;
static unsigned long op_number;

/* What was done last, to be told if it went wrong. */
static char history[HISTORY][96];

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void bad(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void tell(const char *format, ...)
{
	char *line = history[op_number % HISTORY];
	va_list ap;
	int n = snprintf(line, sizeof(history[0]), "%6lu ", op_number);

	va_start(ap, format);
	vsnprintf(line + n, sizeof(history[0]) - n, format, ap);
	va_end(ap);
	if (verbose)
		puts(line);
}

static void bad(const char *format, ...)
{
	const int err = errno;
	va_list ap;

	printf("exerciser: %s, seed %llu, operation %lu: ", path, (unsigned long long)seed,
	       op_number);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf(" (errno %s)\nthe last operations:\n", strerrorname_np(err));
	for (unsigned long i = op_number < HISTORY ? 0 : op_number - HISTORY + 1; i <= op_number;
	     i++)
		printf("%s\n", history[i % HISTORY]);
	exit(1);
}

/* xorshift64* */
static uint64_t rnd(uint64_t below)
{
	static uint64_t state;

	if (state == 0)
		state = seed * 0x9e3779b97f4a7c15ULL | 1;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return below ? (state * 0x2545f4914f6cdd1dULL >> 11) % below : 0;
}

/* Lengths are mostly small, and often end where blocks end. */
static size_t random_length(size_t most)
{
	size_t len = rnd(4) == 0 ? rnd(most) : rnd(most < 20000 ? most : 20000);

	if (rnd(4) == 0)
		len = (len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (len > most)
		len = most;
	return len ? len : 1;
}

static size_t random_offset(size_t below)
{
	size_t off = rnd(below ? below : 1);

	return rnd(4) == 0 ? off & ~(size_t)(ALIGN - 1) : off;
}

static void random_bytes(char *buf, size_t len)
{
	const unsigned char first = rnd(256);

	for (size_t i = 0; i < len; i++)
		buf[i] = (char)(first + i * 7 + (i >> 8));
}

/* The model grows with zeros. */
static void model_resize(size_t size)
{
	if (size > model_size)
		memset(model + model_size, 0, size - model_size);
	model_size = size;
}

static void model_write(size_t off, const char *buf, size_t len)
{
	if (off + len > model_size)
		model_resize(off + len);
	memcpy(model + off, buf, len);
}

static void compare(const char *got, size_t off, size_t len, const char *how)
{
	for (size_t i = 0; i < len; i++) {
		if (got[i] != model[off + i])
			bad("%s: byte %zu is %#x, not %#x; %zu bytes at %zu", how, off + i,
			    (unsigned char)got[i], (unsigned char)model[off + i], len, off);
	}
}

/* --- operations --- */

static void op_read(void)
{
	size_t off = random_offset(max_size), len = random_length(max_size - off);
	size_t want = off >= model_size ? 0 : len < model_size - off ? len : model_size - off;
	ssize_t n;

	tell("read %zu at %zu", len, off);
	n = pread(fd, scratch, len, off);
	if (n != (ssize_t)want)
		bad("read gives %zd, not %zu", n, want);
	compare(scratch, off, n, "read");
}

static void op_write(void)
{
	size_t off = random_offset(max_size), len = random_length(max_size - off);
	ssize_t n;

	tell("write %zu at %zu", len, off);
	random_bytes(scratch, len);
	n = pwrite(fd, scratch, len, off);
	if (n != (ssize_t)len)
		bad("write gives %zd, not %zu", n, len);
	model_write(off, scratch, len);
}

static void op_append(void)
{
	size_t len;
	ssize_t n;

	if (model_size >= max_size)
		return;
	len = random_length(max_size - model_size);
	tell("append %zu at %zu", len, model_size);
	random_bytes(scratch, len);
	n = write(append_fd, scratch, len);
	if (n != (ssize_t)len)
		bad("append gives %zd, not %zu", n, len);
	model_write(model_size, scratch, len);
}

static void op_truncate(void)
{
	size_t size = random_offset(max_size);

	tell("truncate %zu to %zu", model_size, size);
	if ((rnd(2) ? ftruncate(fd, size) : truncate(path, size)) < 0)
		bad("truncate");
	model_resize(size);
}

static void op_map(bool write)
{
	size_t off, len, start;
	char *map;

	if (model_size == 0)
		return;
	off = random_offset(model_size);
	len = random_length(model_size - off);
	start = off & ~(size_t)(ALIGN - 1);
	tell("map for %s %zu at %zu", write ? "write" : "read", len, off);
	map = mmap(NULL, off - start + len, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		   fd, start);
	if (map == MAP_FAILED)
		bad("mmap");
	if (write) {
		random_bytes(scratch, len);
		memcpy(map + off - start, scratch, len);
		model_write(off, scratch, len);
		if (rnd(3) == 0 && msync(map, off - start + len, MS_SYNC) < 0)
			bad("msync");
	} else {
		compare(map + off - start, off, len, "map");
	}
	munmap(map, off - start + len);
}

static void op_map_read(void)
{
	op_map(false);
}

static void op_map_write(void)
{
	op_map(true);
}

/* False if the filesystem cannot do it, which is then not tried again. */
static bool try_fallocate(int mode, size_t off, size_t len)
{
	static int impossible[8];
	const int which = mode & 7;

	if (mode & FALLOC_FL_ZERO_RANGE && impossible[0])
		return false;
	if (impossible[which] && which)
		return false;
	if (fallocate(fd, mode, off, len) == 0)
		return true;
	if (errno != EOPNOTSUPP)
		bad("fallocate(%#x, %zu, %zu)", mode, off, len);
	impossible[mode & FALLOC_FL_ZERO_RANGE ? 0 : which] = 1;
	return false;
}

static void op_punch(void)
{
	size_t off = random_offset(max_size), len = random_length(max_size - off);
	size_t end = off + len < model_size ? off + len : model_size;

	tell("punch %zu at %zu", len, off);
	if (try_fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len) && off < end)
		memset(model + off, 0, end - off);
}

static void op_zero(void)
{
	size_t off = random_offset(max_size), len = random_length(max_size - off);
	const bool keep = rnd(2);
	size_t end;

	tell("zero %zu at %zu%s", len, off, keep ? ", keeping the size" : "");
	if (!try_fallocate(FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0), off, len))
		return;
	if (!keep && off + len > model_size)
		model_resize(off + len);
	end = off + len < model_size ? off + len : model_size;
	if (off < end)
		memset(model + off, 0, end - off);
}

static void op_allocate(void)
{
	size_t off = random_offset(max_size), len = random_length(max_size - off);
	const bool keep = rnd(2);

	tell("allocate %zu at %zu%s", len, off, keep ? ", keeping the size" : "");
	if (try_fallocate(keep ? FALLOC_FL_KEEP_SIZE : 0, off, len) && !keep &&
	    off + len > model_size)
		model_resize(off + len);
}

static void op_copy(void)
{
	size_t from, to, len, done = 0;

	if (model_size < 2)
		return;
	from = random_offset(model_size);
	len = random_length(model_size - from);
	to = random_offset(max_size - len);
	if (from < to + len && to < from + len)
		return;
	tell("copy %zu from %zu to %zu", len, from, to);
	while (done < len) {
		off_t in = from + done, out = to + done;
		ssize_t n = copy_file_range(fd, &in, fd, &out, len - done, 0);

		if (n <= 0)
			bad("copy_file_range gives %zd with %zu left", n, len - done);
		done += n;
	}
	memcpy(scratch, model + from, len);
	model_write(to, scratch, len);
}

static void op_sync(void)
{
	tell("fsync");
	if ((rnd(2) ? fsync(fd) : fdatasync(fd)) < 0)
		bad("fsync");
}

static void open_all(void)
{
	fd = open(path, O_RDWR | O_CLOEXEC);
	append_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || append_fd < 0)
		bad("open");
	if (with_direct) {
		direct_fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
		if (direct_fd < 0)
			bad("open with O_DIRECT");
	}
}

static void op_reopen(void)
{
	tell("reopen");
	close(fd);
	close(append_fd);
	if (direct_fd >= 0)
		close(direct_fd);
	open_all();
}

/* Wherever there is said to be no data, the model must be zero. */
static void op_seek(void)
{
	off_t at = 0, data, hole;

	tell("seek data and holes");
	if (sync_before_seek && fsync(fd) < 0)
		bad("fsync");
	while ((data = lseek(fd, at, SEEK_DATA)) >= 0) {
		for (off_t i = at; i < data; i++) {
			if (model[i] != 0)
				bad("data at %lld, in a hole up to %lld", (long long)i,
				    (long long)data);
		}
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data || hole > (off_t)model_size)
			bad("the hole after %lld is at %lld", (long long)data, (long long)hole);
		at = hole;
	}
	if (errno != ENXIO)
		bad("lseek");
	for (size_t i = at; i < model_size; i++) {
		if (model[i] != 0)
			bad("data at %zu, behind the last data", i);
	}
}

static void op_direct_read(void)
{
	size_t off = random_offset(max_size) & ~(size_t)(ALIGN - 1);
	size_t len = (random_length(max_size - off) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	size_t want = off >= model_size ? 0 : len < model_size - off ? len : model_size - off;
	ssize_t n;

	if (direct_fd < 0)
		return;
	tell("direct read %zu at %zu", len, off);
	n = pread(direct_fd, scratch, len, off);
	if (n != (ssize_t)want)
		bad("direct read gives %zd, not %zu", n, want);
	compare(scratch, off, n, "direct read");
}

static void op_direct_write(void)
{
	size_t off = random_offset(max_size) & ~(size_t)(ALIGN - 1);
	size_t len = (random_length(max_size - off) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	ssize_t n;

	if (direct_fd < 0 || off + len > max_size)
		return;
	tell("direct write %zu at %zu", len, off);
	random_bytes(scratch, len);
	n = pwrite(direct_fd, scratch, len, off);
	if (n != (ssize_t)len)
		bad("direct write gives %zd, not %zu", n, len);
	model_write(off, scratch, len);
}

static const struct {
	void (*run)(void);
	unsigned weight;
} table[] = {
	{op_read, 20},	   {op_write, 20},	{op_append, 5},	      {op_truncate, 6},
	{op_map_read, 12}, {op_map_write, 12},	{op_punch, 5},	      {op_zero, 5},
	{op_allocate, 4},  {op_copy, 5},	{op_sync, 1},	      {op_reopen, 2},
	{op_seek, 1},	   {op_direct_read, 6}, {op_direct_write, 6},
};

static void one_operation(void)
{
	unsigned total = 0, pick, i = 0;
	struct stat st;

	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
		total += table[k].weight;
	for (pick = rnd(total); pick >= table[i].weight; i++)
		pick -= table[i].weight;
	tell("nothing");
	table[i].run();
	if (fstat(fd, &st) < 0)
		bad("fstat");
	if ((size_t)st.st_size != model_size)
		bad("the size is %lld, not %zu", (long long)st.st_size, model_size);
}

static void compare_all(const char *how)
{
	ssize_t n = pread(fd, scratch, max_size + ALIGN, 0);

	if (n != (ssize_t)model_size)
		bad("%s: %zd bytes, not %zu", how, n, model_size);
	compare(scratch, 0, n, how);
}

static int parse(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "n:s:l:dwv")) != -1) {
		switch (opt) {
		case 'n':
			operations = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			max_size = strtoul(optarg, NULL, 0) & ~(size_t)(ALIGN - 1);
			break;
		case 'd':
			with_direct = true;
			break;
		case 'w':
			sync_before_seek = true;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return -1;
		}
	}
	return optind == argc - 1 && max_size >= 2 * ALIGN ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (parse(argc, argv) < 0) {
		fprintf(stderr, "usage: exerciser [-n OPERATIONS] [-s SEED] [-l BYTES] [-d] [-w] "
				"[-v] FILE\n");
		return 2;
	}
	path = argv[optind];
	model = calloc(1, max_size + ALIGN);
	scratch = aligned_alloc(ALIGN, max_size + 2 * ALIGN);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (!model || !scratch || fd < 0) {
		fprintf(stderr, "exerciser: cannot start on %s: %s\n", path, strerror(errno));
		return 2;
	}
	close(fd);
	open_all();
	for (op_number = 0; op_number < operations; op_number++)
		one_operation();
	op_number--;
	compare_all("at the end");
	op_reopen();
	compare_all("after opening it again");
	printf("ok %lu operations, seed %llu\n", operations, (unsigned long long)seed);
	return unlink(path) < 0 ? 2 : 0;
}
