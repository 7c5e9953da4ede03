/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What any callback returns and may not is logged with its name and fails with
 * EIO; afterwards the same call works.
 */
#include "served.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* The operations alone. */
#include "highlevel/fs_stack.h"

#define SIZE 16 /* asked for by whatever takes a size */

static struct served served;
static const char *judged; /* the callback that misbehaves */
static long long result;   /* what it returns */

static bool is_judged(const char *op)
{
	return judged && !strcmp(judged, op);
}

/* A write of nothing is no success. */
static int good(const char *op)
{
	return strncmp(op, "write", strlen("write")) ? 0 : SIZE;
}

#define PLAIN(...) __VA_ARGS__
#define FS_OP(op_, type, paths, params, ...)                                                       \
	static type any_##op_(PLAIN params)                                                        \
	{                                                                                          \
		return is_judged(#op_) ? (type)result : good(#op_);                                \
	}
#include "highlevel/fs_ops.def"
#undef FS_OP

static int some_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	static const struct {
		const char *start;
		mode_t type;
	} types[] = {{"/d", S_IFDIR}, {"/l", S_IFLNK}, {"/p", S_IFIFO}};

	st->st_mode = S_IFREG | 0644;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strncmp(path, types[i].start, strlen(types[i].start)))
			st->st_mode = types[i].type | 0755;
	}
	if (!path[1])
		st->st_mode = S_IFDIR | 0755;
	st->st_nlink = 1;
	return is_judged("getattr") ? (int)result : 0;
}

static int some_statx(const char *path, int flags, int mask, struct statx *stx,
		      struct fuse_file_info *fi)
{
	stx->stx_mask = STATX_TYPE | STATX_MODE;
	stx->stx_mode = S_IFREG | 0644;
	return is_judged("statx") ? (int)result : 0;
}

static int some_lock(const char *path, struct fuse_file_info *fi, int cmd, struct flock *lock)
{
	lock->l_type = F_UNLCK;
	return is_judged("lock") ? (int)result : 0;
}

static struct fuse_operations all_operations(bool vectors)
{
	struct fuse_operations op = {0};

#define FS_OP(op_, ...) op.op_ = any_##op_;
#include "highlevel/fs_ops.def"
#undef FS_OP
	op.getattr = some_getattr;
	op.statx = some_statx;
	op.lock = some_lock;
	if (!vectors) {
		op.read_buf = NULL;
		op.write_buf = NULL;
	}
	return op;
}

/* ---- the kernel's side: one call for each callback ---- */

static uint64_t file, dir, link_node, fh, dir_fh;
static struct fuse_entry_out entry;
static struct fuse_open_out opened;
static struct fuse_attr_out attr;
static char buf[4096];

static int call_getattr(void)
{
	return mock_getattr(served.m, file, NULL, &attr);
}

static int call_readlink(void)
{
	int n = mock_readlink(served.m, link_node, buf, sizeof(buf));

	return n > 0 ? 0 : n;
}

static int call_mknod(void)
{
	return mock_mknod(served.m, 1, "pipe", S_IFIFO | 0644, 0, &entry);
}

static int call_mkdir(void)
{
	return mock_mkdir(served.m, 1, "dir", 0755, &entry);
}

static int call_unlink(void)
{
	return mock_unlink(served.m, 1, "gone");
}

static int call_rmdir(void)
{
	return mock_rmdir(served.m, 1, "gone");
}

static int call_symlink(void)
{
	return mock_symlink(served.m, 1, "link", "target", &entry);
}

static int call_rename(void)
{
	return mock_rename(served.m, 1, "from", 1, "to", 0);
}

static int call_link(void)
{
	return mock_link(served.m, file, 1, "file", &entry);
}

static int set(struct fuse_setattr_in in)
{
	return mock_setattr(served.m, file, &in, &attr);
}

static int call_chmod(void)
{
	return set((struct fuse_setattr_in){.valid = FATTR_MODE, .mode = S_IFREG | 0600});
}

static int call_chown(void)
{
	return set((struct fuse_setattr_in){.valid = FATTR_UID, .uid = 1});
}

static int call_truncate(void)
{
	return set((struct fuse_setattr_in){.valid = FATTR_SIZE, .size = 1});
}

static int call_utimens(void)
{
	return set((struct fuse_setattr_in){.valid = FATTR_MTIME, .mtime = 1});
}

static int call_open(void)
{
	int err = mock_open(served.m, file, O_RDWR, &opened);

	if (!err)
		mock_release(served.m, file, opened.fh, O_RDWR);
	return err;
}

static int call_create(void)
{
	int err = mock_create(served.m, 1, "new", O_RDWR, 0644, &entry, &opened);

	if (!err)
		mock_release(served.m, entry.nodeid, opened.fh, O_RDWR);
	return err;
}

static int call_read(void)
{
	return (int)mock_read(served.m, file, fh, buf, SIZE, 0);
}

static int call_write(void)
{
	return (int)mock_write(served.m, file, fh, buf, SIZE, 0);
}

static int call_statfs(void)
{
	return mock_statfs(served.m, 1, &(struct fuse_statfs_out){0});
}

static int call_syncfs(void)
{
	return mock_syncfs(served.m, 1);
}

static int call_flush(void)
{
	return mock_flush(served.m, file, fh, 1);
}

static int call_fsync(void)
{
	return mock_fsync(served.m, file, fh, false);
}

static int call_fsyncdir(void)
{
	return mock_fsyncdir(served.m, dir, dir_fh, false);
}

static int call_setxattr(void)
{
	return mock_setxattr(served.m, file, "user.x", "v", 1, 0);
}

static int call_getxattr(void)
{
	return (int)mock_getxattr(served.m, file, "user.x", buf, SIZE);
}

static int call_listxattr(void)
{
	return (int)mock_listxattr(served.m, file, buf, SIZE);
}

static int call_removexattr(void)
{
	return mock_removexattr(served.m, file, "user.x");
}

static int call_opendir(void)
{
	int err = mock_opendir(served.m, dir, &opened);

	if (!err)
		mock_releasedir(served.m, dir, opened.fh);
	return err;
}

static int call_readdir(void)
{
	return (int)mock_readdir(served.m, dir, dir_fh, buf, sizeof(buf), 0);
}

static int call_access(void)
{
	return mock_access(served.m, file, 4);
}

static int set_lock(uint32_t flags)
{
	struct fuse_lk_in in = {
		.fh = fh, .owner = 1, .lk = {.end = 10, .type = F_WRLCK}, .lk_flags = flags};

	return mock_setlk(served.m, file, &in, false);
}

static int call_lock(void)
{
	return set_lock(0);
}

static int call_flock(void)
{
	return set_lock(FUSE_LK_FLOCK);
}

static int call_bmap(void)
{
	uint64_t block;

	return mock_bmap(served.m, file, 0, 512, &block);
}

static int call_ioctl(void)
{
	const struct fuse_ioctl_in in = {.fh = fh, .cmd = 1};
	struct mock_reply r;
	int err = mock_call(served.m,
			    &(struct mock_call){.op = PROTO_IOCTL, .nodeid = file, .in = &in}, &r);

	mock_reply_free(&r);
	return err;
}

static int call_poll(void)
{
	uint32_t revents;

	return mock_poll(served.m, file, &(struct fuse_poll_in){.fh = fh}, &revents);
}

static int call_fallocate(void)
{
	return mock_fallocate(served.m, file, fh, 0, 0, 1);
}

static int call_copy_file_range(void)
{
	const struct fuse_copy_file_range_in in = {
		.fh_in = fh, .nodeid_out = file, .fh_out = fh, .len = SIZE};

	return (int)mock_copy_file_range(served.m, file, &in, false);
}

static int call_lseek(void)
{
	uint64_t to;

	return mock_lseek(served.m, file, fh, 0, SEEK_DATA, &to);
}

static int call_statx(void)
{
	return mock_statx(served.m, file, &(struct fuse_statx_in){0}, &(struct fuse_statx_out){0});
}

/* What is too much: a count above what was asked for, or anything above 0. */
enum excess { NOTHING_IS, ANYTHING_IS, MORE_IS };

static const struct row {
	const char *op;
	int (*call)(void);
	enum excess excess;
} rows[] = {
#define ROW(op, excess)                                                                            \
	{                                                                                          \
#op, call_##op, excess                                                             \
	}
	ROW(getattr, ANYTHING_IS),  ROW(readlink, ANYTHING_IS),	   ROW(mknod, ANYTHING_IS),
	ROW(mkdir, ANYTHING_IS),    ROW(unlink, ANYTHING_IS),	   ROW(rmdir, ANYTHING_IS),
	ROW(symlink, ANYTHING_IS),  ROW(rename, ANYTHING_IS),	   ROW(link, ANYTHING_IS),
	ROW(chmod, ANYTHING_IS),    ROW(chown, ANYTHING_IS),	   ROW(truncate, ANYTHING_IS),
	ROW(utimens, ANYTHING_IS),  ROW(open, ANYTHING_IS),	   ROW(create, ANYTHING_IS),
	ROW(read, MORE_IS),	    ROW(write, MORE_IS),	   ROW(statfs, ANYTHING_IS),
	ROW(syncfs, ANYTHING_IS),   ROW(flush, ANYTHING_IS),	   ROW(fsync, ANYTHING_IS),
	ROW(fsyncdir, ANYTHING_IS), ROW(setxattr, ANYTHING_IS),	   ROW(getxattr, MORE_IS),
	ROW(listxattr, MORE_IS),    ROW(removexattr, ANYTHING_IS), ROW(opendir, ANYTHING_IS),
	ROW(readdir, ANYTHING_IS),  ROW(access, ANYTHING_IS),	   ROW(lock, ANYTHING_IS),
	ROW(flock, ANYTHING_IS),    ROW(bmap, ANYTHING_IS),	   ROW(ioctl, NOTHING_IS),
	ROW(poll, ANYTHING_IS),	    ROW(fallocate, ANYTHING_IS),   ROW(copy_file_range, MORE_IS),
	ROW(lseek, NOTHING_IS),	    ROW(statx, ANYTHING_IS),
#undef ROW
};
/* Where there are vectors, they are used. */
static const struct row vector_rows[] = {
	{"read_buf", call_read, ANYTHING_IS},
	{"write_buf", call_write, MORE_IS},
};
/* Nobody hears what these return. */
static const char *const unheard[] = {"release", "releasedir"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_covered(const char *op)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!strcmp(rows[i].op, op))
			return true;
	}
	return !strcmp(op, vector_rows[0].op) || !strcmp(op, vector_rows[1].op) ||
	       !strcmp(op, unheard[0]) || !strcmp(op, unheard[1]);
}

static void no_callback_is_left_out(void **state)
{
#define FS_OP(op_, ...)                                                                            \
	if (!is_covered(#op_))                                                                     \
		fail_msg("%s has no row", #op_);
#include "highlevel/fs_ops.def"
#undef FS_OP
}

static uint64_t look_up(const char *name)
{
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, name, &entry), 0);
	return entry.nodeid;
}

static void start(bool vectors)
{
	const struct fuse_operations op = all_operations(vectors);

	judged = NULL;
	serve_start(&served, &op, NULL, 2, NULL);
	file = look_up("f");
	dir = look_up("d");
	link_node = look_up("l");
	assert_int_equal(mock_open(served.m, file, O_RDWR, &opened), 0);
	fh = opened.fh;
	assert_int_equal(mock_opendir(served.m, dir, &opened), 0);
	dir_fh = opened.fh;
}

static void end(void)
{
	judged = NULL;
	mock_release(served.m, file, fh, O_RDWR);
	mock_releasedir(served.m, dir, dir_fh);
	serve_end(&served, true);
}

static void judge(const struct row *row, long long wrong)
{
	char text[64];
	int err;

	result = wrong;
	judged = row->op;
	log_clear();
	err = row->call();
	judged = NULL;
	/* write_buf is write to its callers. */
	snprintf(text, sizeof(text), "%s of the filesystem returned",
		 strcmp(row->op, "write_buf") ? row->op : "write");
	if (err != -EIO || !strstr(log_text(), text))
		fail_msg("%s returned %lld: %d, and the log says: %s", row->op, wrong, err,
			 log_text());
	log_clear();
	if (row->call() < 0)
		fail_msg("%s works no more after a result of %lld", row->op, wrong);
	if (log_text()[0])
		fail_msg("%s: %s", row->op, log_text());
}

static void judge_all(const struct row *row, size_t count)
{
	static const long long never[] = {-512, -4096, -100000, INT32_MIN};

	/* Each starts with a filesystem that was not complained about yet. */
	for (size_t i = 0; i < count; i++, row++) {
		start(row->call == call_read || row->call == call_write ? count == 2 : false);
		for (size_t k = 0; k < COUNT(never); k++)
			judge(row, never[k]);
		if (row->excess == ANYTHING_IS)
			judge(row, 1);
		if (row->excess != NOTHING_IS) {
			judge(row, SIZE + 1);
			judge(row, INT32_MAX);
		}
		end();
	}
}

static void of_every_callback(void **state)
{
	judge_all(rows, COUNT(rows));
}

static void of_those_with_vectors(void **state)
{
	judge_all(vector_rows, COUNT(vector_rows));
}

static void wider_than_an_int(void **state)
{
	static const struct row wide[] = {
		{"lseek", call_lseek, NOTHING_IS},
		{"copy_file_range", call_copy_file_range, MORE_IS},
	};

	start(false);
	for (size_t i = 0; i < COUNT(wide); i++) {
		judge(&wide[i], -5000000000ll);
		judge(&wide[i], INT64_MIN);
	}
	judge(&wide[1], 5000000000ll);
	judge(&wide[1], INT64_MAX);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_callback_is_left_out),
		cmocka_unit_test(of_every_callback),
		cmocka_unit_test(of_those_with_vectors),
		cmocka_unit_test(wider_than_an_int),
	};

	log_capture();
	return cmocka_run_group_tests_name("every result is judged", tests, NULL, NULL);
}
