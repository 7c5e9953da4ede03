/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What filesystems say in the C library's terms arrives in the kernel's. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "protocol/fill.h"

static void check_timeout(double seconds, uint64_t want_sec, uint32_t want_nsec, uint32_t slack)
{
	uint64_t sec;
	uint32_t nsec;

	proto_timeout(seconds, &sec, &nsec);
	assert_int_equal(sec, want_sec);
	assert_in_range(nsec, want_nsec > slack ? want_nsec - slack : 0, want_nsec + slack);
	assert_true(nsec < 1000000000);
}

static void timeouts_are_clamped_to_what_has_a_meaning(void **state)
{
	check_timeout(0, 0, 0, 0);
	check_timeout(-0.0, 0, 0, 0);
	check_timeout(-1, 0, 0, 0);
	check_timeout(-INFINITY, 0, 0, 0);
	check_timeout(NAN, 0, 0, 0);
	check_timeout(1, 1, 0, 0);
	check_timeout(0.5, 0, 500000000, 0);
	check_timeout(1.25, 1, 250000000, 0);
	check_timeout(0.9999999999, 0, 999999999, 0);
	check_timeout(86400.001, 86400, 1000000, 1000);
	check_timeout(1e30, INT64_MAX, 0, 0);
	check_timeout(INFINITY, INT64_MAX, 0, 0);
	check_timeout(9.3e18, INT64_MAX, 0, 0);
}

static void device_numbers_survive_the_way_there_and_back(void **state)
{
	static const unsigned int majors[] = {0, 1, 10, 259, 4095};
	static const unsigned int minors[] = {0, 1, 255, 256, 1048575};

	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < 5; j++) {
			dev_t dev = makedev(majors[i], minors[j]);

			assert_true(proto_dev_decode(proto_dev_encode(dev)) == dev);
		}
	}
	/* 8:17 as the kernel writes it */
	assert_int_equal(proto_dev_encode(makedev(8, 17)), 0x811);
	assert_int_equal(proto_dev_encode(makedev(8, 0x12345)), 0x12300845);
}

static void attributes_arrive_and_nothing_is_left_unset(void **state)
{
	struct stat st;
	struct fuse_attr attr;

	memset(&st, 0xff, sizeof(st));
	memset(&attr, 0xff, sizeof(attr));
	st.st_ino = 7;
	st.st_size = 1234567890123;
	st.st_blocks = 99;
	st.st_nlink = (nlink_t)1 << 40;
	st.st_blksize = (blksize_t)1 << 40;
	st.st_mode = S_IFBLK | 0640;
	st.st_rdev = makedev(8, 1);
	st.st_uid = 1000;
	st.st_gid = 1001;
	st.st_atim = (struct timespec){-1, 1};
	st.st_mtim = (struct timespec){1700000000, 999999999};
	st.st_ctim = (struct timespec){3, 4};
	proto_fill_attr(&attr, &st);
	assert_int_equal(attr.ino, 7);
	assert_int_equal(attr.size, 1234567890123);
	assert_int_equal(attr.blocks, 99);
	assert_int_equal(attr.nlink, UINT32_MAX);
	assert_int_equal(attr.blksize, UINT32_MAX);
	assert_int_equal(attr.mode, S_IFBLK | 0640);
	assert_int_equal(attr.rdev, 0x801);
	assert_int_equal(attr.uid, 1000);
	assert_int_equal(attr.gid, 1001);
	assert_true((int64_t)attr.atime == -1);
	assert_int_equal(attr.mtimensec, 999999999);
	assert_int_equal(attr.ctime, 3);
	assert_int_equal(attr.flags, 0);
	st.st_blksize = -1;
	proto_fill_attr(&attr, &st);
	assert_int_equal(attr.blksize, 0);
}

static void faults_that_the_kernel_would_swallow_are_found(void **state)
{
	struct stat st = {.st_mode = S_IFREG | 0644};
	struct statx stx = {.stx_mask = STATX_BASIC_STATS, .stx_mode = S_IFDIR};

	assert_null(proto_attr_fault(&st));
	st.st_size = -1;
	assert_non_null(proto_attr_fault(&st));
	st.st_size = 0;
	for (unsigned int type = 0; type < 16; type++) {
		static const unsigned int valid =
			1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12;

		st.st_mode = type << 12;
		assert_int_equal(proto_attr_fault(&st) == NULL, (valid >> type) & 1);
	}
	assert_null(proto_statx_fault(&stx));
	stx.stx_size = (uint64_t)INT64_MAX + 1;
	assert_non_null(proto_statx_fault(&stx));
	stx.stx_mask &= ~STATX_SIZE; /* then the size says nothing */
	assert_null(proto_statx_fault(&stx));
	stx.stx_mode = 0;
	assert_non_null(proto_statx_fault(&stx));
}

static void locks_have_inclusive_ends_on_the_wire(void **state)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5, .l_pid = 42};
	struct fuse_file_lock wire;
	struct flock back;

	assert_true(proto_fill_lock(&wire, &lock));
	assert_int_equal(wire.start, 10);
	assert_int_equal(wire.end, 14);
	assert_int_equal(wire.type, F_WRLCK);
	proto_flock_from_wire(&back, &wire);
	assert_int_equal(back.l_start, 10);
	assert_int_equal(back.l_len, 5);
	assert_int_equal(back.l_pid, 42);
	assert_int_equal(back.l_whence, SEEK_SET);

	lock.l_len = 0;
	assert_true(proto_fill_lock(&wire, &lock));
	assert_int_equal(wire.end, INT64_MAX);
	proto_flock_from_wire(&back, &wire);
	assert_int_equal(back.l_len, 0);

	/* The whole range has no length but 0. */
	wire = (struct fuse_file_lock){.start = 0, .end = INT64_MAX};
	proto_flock_from_wire(&back, &wire);
	assert_int_equal(back.l_len, 0);
}

static void impossible_locks_have_no_form(void **state)
{
	static const struct flock bad[] = {
		{.l_type = 17, .l_len = 1},
		{.l_type = F_RDLCK, .l_start = -1, .l_len = 1},
		{.l_type = F_RDLCK, .l_start = 5, .l_len = -1},
		{.l_type = F_RDLCK, .l_start = INT64_MAX, .l_len = 2},
	};
	struct fuse_file_lock wire;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(proto_fill_lock(&wire, &bad[i]));
}

static void flock_operations_are_told_from_lock_types(void **state)
{
	struct fuse_file_lock lk = {.type = F_RDLCK};

	assert_int_equal(proto_flock_op(&lk, true), LOCK_SH);
	assert_int_equal(proto_flock_op(&lk, false), LOCK_SH | LOCK_NB);
	lk.type = F_WRLCK;
	assert_int_equal(proto_flock_op(&lk, false), LOCK_EX | LOCK_NB);
	lk.type = F_UNLCK;
	assert_int_equal(proto_flock_op(&lk, true), LOCK_UN);
	lk.type = 9;
	assert_int_equal(proto_flock_op(&lk, true), -1);
}

static void directory_records_are_padded_with_zeros(void **state)
{
	unsigned char buf[512];
	struct fuse_dirent d;
	struct fuse_entry_out entry = {.nodeid = 5, .attr = {.ino = 6, .mode = S_IFDIR | 0755}};

	for (size_t len = 1; len < 20; len++) {
		char name[21];
		size_t size = proto_dirent_size(len);

		memset(name, 'n', len);
		name[len] = '\0';
		assert_int_equal(size % 8, 0);
		assert_in_range(size, 24 + len, 24 + len + 7);
		memset(buf, 0xee, sizeof(buf));
		/* off by one: programs pack records wherever they like */
		proto_fill_dirent(buf + 1, 11, 22, S_IFREG | 0644, name, len);
		memcpy(&d, buf + 1, sizeof(d));
		assert_int_equal(d.ino, 11);
		assert_int_equal(d.off, 22);
		assert_int_equal(d.namelen, len);
		assert_int_equal(d.type, 8);
		assert_memory_equal(buf + 1 + 24, name, len);
		for (size_t i = 24 + len; i < size; i++)
			assert_int_equal(buf[1 + i], 0);
		assert_int_equal(buf[1 + size], 0xee);
	}
	memset(buf, 0xee, sizeof(buf));
	proto_fill_direntplus(buf, &entry, 33, "abc", 3);
	assert_int_equal(proto_direntplus_size(3), 160);
	memcpy(&d, buf + 128, sizeof(d));
	assert_int_equal(d.ino, 6);
	assert_int_equal(d.type, 4);
	assert_int_equal(d.off, 33);
	assert_memory_equal(buf + 152, "abc\0\0\0\0\0", 8);
	assert_int_equal(buf[160], 0xee);
}

static void setattr_carries_times_and_ids(void **state)
{
	struct fuse_setattr_in in = {
		.mode = 0100600,
		.uid = 1,
		.gid = 2,
		.size = 3,
		.atime = (uint64_t)-5,
		.atimensec = 6,
		.mtime = 7,
		.mtimensec = 8,
		.ctime = 9,
		.ctimensec = 10,
	};
	struct stat st;

	proto_stat_from_setattr(&st, &in);
	assert_int_equal(st.st_mode, 0100600);
	assert_int_equal(st.st_uid, 1);
	assert_int_equal(st.st_gid, 2);
	assert_int_equal(st.st_size, 3);
	assert_true(st.st_atim.tv_sec == -5);
	assert_int_equal(st.st_atim.tv_nsec, 6);
	assert_int_equal(st.st_mtim.tv_sec, 7);
	assert_int_equal(st.st_ctim.tv_nsec, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeouts_are_clamped_to_what_has_a_meaning),
		cmocka_unit_test(device_numbers_survive_the_way_there_and_back),
		cmocka_unit_test(attributes_arrive_and_nothing_is_left_unset),
		cmocka_unit_test(faults_that_the_kernel_would_swallow_are_found),
		cmocka_unit_test(locks_have_inclusive_ends_on_the_wire),
		cmocka_unit_test(impossible_locks_have_no_form),
		cmocka_unit_test(flock_operations_are_told_from_lock_types),
		cmocka_unit_test(directory_records_are_padded_with_zeros),
		cmocka_unit_test(setattr_carries_times_and_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
