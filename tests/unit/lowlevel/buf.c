/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuse_buf_copy and fuse_buf_size: every combination of memory and descriptors
 * ends with the same bytes, positions are kept, and errors are told. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lowlevel/buf.h"

#define MAX_PIECES 4
#define BIG	   200000

/* A vector of up to four pieces. */
struct vec {
	union {
		struct fuse_bufvec v;
		unsigned char room[sizeof(struct fuse_bufvec) +
				   (MAX_PIECES - 1) * sizeof(struct fuse_buf)];
	};
};

static void vec_init(struct vec *vec)
{
	memset(vec, 0, sizeof(*vec));
}

static struct fuse_buf *add(struct vec *vec)
{
	size_t at = offsetof(struct fuse_bufvec, buf) + vec->v.count++ * sizeof(struct fuse_buf);
	struct fuse_buf *b = (struct fuse_buf *)(void *)(vec->room + at);

	b->fd = -1;
	return b;
}

static void add_mem(struct vec *vec, void *mem, size_t size)
{
	struct fuse_buf *b = add(vec);

	b->mem = mem;
	b->size = size;
}

static void add_fd(struct vec *vec, int fd, off_t pos, size_t size, unsigned int flags)
{
	struct fuse_buf *b = add(vec);

	b->fd = fd;
	b->pos = pos;
	b->size = size;
	b->flags = FUSE_BUF_IS_FD | flags;
}

static int file_with(const void *bytes, size_t size)
{
	int fd = memfd_create("buf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	return fd;
}

static unsigned char *pattern(size_t size)
{
	unsigned char *p = malloc(size);

	assert_non_null(p);
	for (size_t i = 0; i < size; i++)
		p[i] = (unsigned char)(i * 7 + i / 251);
	return p;
}

/* ---- sizes ---- */

static void sizes_add_up_or_saturate(void **state)
{
	struct vec vec;

	vec_init(&vec);
	assert_int_equal(fuse_buf_size(&vec.v), 0);
	add_mem(&vec, NULL, 10);
	add_fd(&vec, -1, 0, 32, 0);
	assert_int_equal(fuse_buf_size(&vec.v), 42);
	vec.v.idx = 1;
	vec.v.off = 2;
	assert_int_equal(fuse_buf_size(&vec.v), 42);
	assert_int_equal(ll_buf_left(&vec.v), 30);
	add_fd(&vec, -1, 0, SIZE_MAX, 0);
	assert_true(fuse_buf_size(&vec.v) == SIZE_MAX);
	assert_true(ll_buf_left(&vec.v) == SIZE_MAX);
}

static void a_position_beyond_a_piece_counts_as_its_end(void **state)
{
	struct vec vec;
	char a[4] = "abc", b[4] = "def";

	vec_init(&vec);
	add_mem(&vec, a, 3);
	add_mem(&vec, b, 3);
	vec.v.off = 100;
	assert_int_equal(ll_buf_left(&vec.v), 3);
}

/* ---- memory ---- */

static void pieces_of_different_sizes_are_copied_through(void **state)
{
	char a[] = "abc", b[] = "", c[] = "defgh";
	char x[2], y[4], z[10] = "";
	struct vec src, dst;

	vec_init(&src);
	add_mem(&src, a, 3);
	add_mem(&src, b, 0);
	add_mem(&src, c, 5);
	vec_init(&dst);
	add_mem(&dst, x, 2);
	add_mem(&dst, y, 4);
	add_mem(&dst, z, 10);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 8);
	assert_memory_equal(x, "ab", 2);
	assert_memory_equal(y, "cdef", 4);
	assert_memory_equal(z, "gh", 2);
	assert_int_equal(src.v.idx, 3);
	assert_int_equal(dst.v.idx, 2);
	assert_int_equal(dst.v.off, 2);
	/* Nothing is left; the rest of dst stays as it is. */
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 0);
}

static void a_copy_goes_on_where_the_last_one_ended(void **state)
{
	char from[] = "0123456789", to[11] = "";
	struct vec src, dst;

	vec_init(&src);
	add_mem(&src, from, 10);
	vec_init(&dst);
	add_mem(&dst, to, 4);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 4);
	vec_init(&dst);
	add_mem(&dst, to + 4, 6);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 6);
	assert_string_equal(to, from);
}

static void overlapping_memory_is_moved(void **state)
{
	char mem[] = "abcdef";
	struct vec src, dst;

	vec_init(&src);
	add_mem(&src, mem, 5);
	vec_init(&dst);
	add_mem(&dst, mem + 1, 5);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 5);
	assert_string_equal(mem, "aabcde");
}

/* ---- descriptors ---- */

/* Every way between two places, with the flags given, carries BIG bytes. */
static void copy_big(unsigned int src_kind, unsigned int dst_kind, unsigned int flags)
{
	unsigned char *want = pattern(BIG), *got = calloc(1, BIG), *mem = calloc(1, BIG);
	int in = file_with(want, BIG), out = memfd_create("out", MFD_CLOEXEC);
	struct vec src, dst;
	ssize_t n;

	vec_init(&src);
	if (src_kind == 0)
		add_mem(&src, want, BIG);
	else
		add_fd(&src, in, 0, BIG, src_kind);
	vec_init(&dst);
	if (dst_kind == 0)
		add_mem(&dst, mem, BIG);
	else
		add_fd(&dst, out, 0, BIG, dst_kind);
	if (src_kind && !(src_kind & FUSE_BUF_FD_SEEK))
		lseek(in, 0, SEEK_SET);
	n = fuse_buf_copy(&dst.v, &src.v, flags);
	assert_int_equal(n, BIG);
	if (dst_kind == 0)
		memcpy(got, mem, BIG);
	else
		assert_int_equal(pread(out, got, BIG, 0), BIG);
	assert_memory_equal(got, want, BIG);
	close(in);
	close(out);
	free(want);
	free(got);
	free(mem);
}

static void every_combination_carries_the_same_bytes(void **state)
{
	static const unsigned int kinds[] = {
		0,
		FUSE_BUF_IS_FD | FUSE_BUF_FD_RETRY,
		FUSE_BUF_IS_FD | FUSE_BUF_FD_RETRY | FUSE_BUF_FD_SEEK,
	};
	static const unsigned int flags[] = {
		0,
		FUSE_BUF_NO_SPLICE,
		FUSE_BUF_SPLICE_MOVE,
		FUSE_BUF_SPLICE_NONBLOCK,
	};

	for (size_t s = 0; s < ARRAY_SIZE(kinds); s++) {
		for (size_t d = 0; d < ARRAY_SIZE(kinds); d++) {
			for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
				copy_big(kinds[s], kinds[d], flags[f]);
		}
	}
}

static void seeking_reads_and_writes_leave_the_file_position(void **state)
{
	int in = file_with("0123456789", 10);
	char mem[4];
	struct vec src, dst;

	lseek(in, 2, SEEK_SET);
	vec_init(&src);
	add_fd(&src, in, 6, 4, FUSE_BUF_FD_SEEK);
	vec_init(&dst);
	add_mem(&dst, mem, 4);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 4);
	assert_memory_equal(mem, "6789", 4);
	assert_int_equal(lseek(in, 0, SEEK_CUR), 2);
	close(in);
}

static void the_end_of_a_file_ends_the_copy(void **state)
{
	int in = file_with("abc", 3);
	char mem[10];
	struct vec src, dst;

	vec_init(&src);
	add_fd(&src, in, 0, 10, FUSE_BUF_FD_SEEK | FUSE_BUF_FD_RETRY);
	vec_init(&dst);
	add_mem(&dst, mem, 10);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 3);
	assert_int_equal(src.v.idx, 0);
	assert_int_equal(src.v.off, 3);
	close(in);
}

static void without_retry_a_short_read_is_the_result(void **state)
{
	int p[2];
	char mem[10];
	struct vec src, dst;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "ab", 2), 2);
	vec_init(&src);
	add_fd(&src, p[0], 0, 10, 0);
	vec_init(&dst);
	add_mem(&dst, mem, 10);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 2);
	close(p[0]);
	close(p[1]);
}

static void with_retry_a_pipe_is_read_until_its_end(void **state)
{
	int p[2];
	char mem[10];
	struct vec src, dst;
	pid_t child;

	assert_int_equal(pipe(p), 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 5; i++) {
			if (write(p[1], "xy", 2) < 0)
				_exit(1);
			usleep(1000);
		}
		_exit(0);
	}
	close(p[1]);
	vec_init(&src);
	add_fd(&src, p[0], 0, 10, FUSE_BUF_FD_RETRY);
	vec_init(&dst);
	add_mem(&dst, mem, 10);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 10);
	assert_memory_equal(mem, "xyxyxyxyxy", 10);
	close(p[0]);
}

static void splicing_needs_a_pipe_if_it_is_forced(void **state)
{
	int in = file_with("abcdef", 6), out = memfd_create("out", MFD_CLOEXEC), p[2];
	char mem[6];
	struct vec src, dst;

	vec_init(&src);
	add_fd(&src, in, 0, 6, FUSE_BUF_FD_SEEK);
	vec_init(&dst);
	add_fd(&dst, out, 0, 6, FUSE_BUF_FD_SEEK);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, FUSE_BUF_FORCE_SPLICE), -EINVAL);

	assert_int_equal(pipe(p), 0);
	vec_init(&src);
	add_fd(&src, in, 0, 6, FUSE_BUF_FD_SEEK);
	vec_init(&dst);
	add_fd(&dst, p[1], 0, 6, 0);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, FUSE_BUF_FORCE_SPLICE), 6);
	assert_int_equal(read(p[0], mem, 6), 6);
	assert_memory_equal(mem, "abcdef", 6);
	close(in);
	close(out);
	close(p[0]);
	close(p[1]);
}

static void errors_are_told_only_if_nothing_was_copied(void **state)
{
	char mem[8], first[] = "ab";
	struct vec src, dst;

	vec_init(&src);
	add_fd(&src, -1, 0, 4, 0);
	vec_init(&dst);
	add_mem(&dst, mem, 8);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), -EBADF);

	vec_init(&src);
	add_mem(&src, first, 2);
	add_fd(&src, -1, 0, 4, 0);
	vec_init(&dst);
	add_mem(&dst, mem, 8);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), 2);
}

static void positions_that_overflow_are_refused(void **state)
{
	int in = file_with("abc", 3);
	char mem[8];
	struct vec src, dst;

	vec_init(&src);
	add_fd(&src, in, INT64_MAX - 1, 8, FUSE_BUF_FD_SEEK | FUSE_BUF_FD_RETRY);
	src.v.off = 4;
	vec_init(&dst);
	add_mem(&dst, mem, 8);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, 0), -EOVERFLOW);
	close(in);
}

/* What bounce buffers took from a pipe must not be lost by a short write. */
static void bytes_from_a_pipe_are_written_whole(void **state)
{
	unsigned char *want = pattern(60000), *got = calloc(1, 60000);
	int p[2], out = memfd_create("out", MFD_CLOEXEC);
	struct vec src, dst;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], want, 60000), 60000);
	close(p[1]);
	vec_init(&src);
	add_fd(&src, p[0], 0, 60000, FUSE_BUF_FD_RETRY);
	vec_init(&dst);
	add_fd(&dst, out, 0, 60000, 0);
	assert_int_equal(fuse_buf_copy(&dst.v, &src.v, FUSE_BUF_NO_SPLICE), 60000);
	assert_int_equal(pread(out, got, 60000, 0), 60000);
	assert_memory_equal(got, want, 60000);
	close(p[0]);
	close(out);
	free(want);
	free(got);
}

/* ---- as an iovec ---- */

static void memory_becomes_an_iovec_and_descriptors_do_not(void **state)
{
	char a[] = "abc", b[] = "defg";
	struct iovec iov[4];
	struct vec vec;

	vec_init(&vec);
	add_mem(&vec, a, 3);
	add_mem(&vec, NULL, 0);
	add_mem(&vec, b, 4);
	vec.v.off = 1;
	assert_int_equal(ll_buf_iov(&vec.v, iov, 4), 2);
	assert_ptr_equal(iov[0].iov_base, a + 1);
	assert_int_equal(iov[0].iov_len, 2);
	assert_ptr_equal(iov[1].iov_base, b);
	assert_int_equal(iov[1].iov_len, 4);
	assert_int_equal(ll_buf_iov(&vec.v, iov, 1), -1);
	add_fd(&vec, 0, 0, 1, 0);
	assert_int_equal(ll_buf_iov(&vec.v, iov, 4), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_add_up_or_saturate),
		cmocka_unit_test(a_position_beyond_a_piece_counts_as_its_end),
		cmocka_unit_test(pieces_of_different_sizes_are_copied_through),
		cmocka_unit_test(a_copy_goes_on_where_the_last_one_ended),
		cmocka_unit_test(overlapping_memory_is_moved),
		cmocka_unit_test(every_combination_carries_the_same_bytes),
		cmocka_unit_test(seeking_reads_and_writes_leave_the_file_position),
		cmocka_unit_test(the_end_of_a_file_ends_the_copy),
		cmocka_unit_test(without_retry_a_short_read_is_the_result),
		cmocka_unit_test(with_retry_a_pipe_is_read_until_its_end),
		cmocka_unit_test(splicing_needs_a_pipe_if_it_is_forced),
		cmocka_unit_test(errors_are_told_only_if_nothing_was_copied),
		cmocka_unit_test(positions_that_overflow_are_refused),
		cmocka_unit_test(bytes_from_a_pipe_are_written_whole),
		cmocka_unit_test(memory_becomes_an_iovec_and_descriptors_do_not),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
