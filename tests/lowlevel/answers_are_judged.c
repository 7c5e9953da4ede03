/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What filesystems answer, right and wrong, and what reaches the kernel. A
 * mock kernel asks; the callback of each test is chosen by the test. */
#include <profuse.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mock_session.h"

static struct mock *m;
static struct fuse_session *se;
static struct fuse_lowlevel_ops ops;
static char logged[4096];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((format(printf, 2, 0))) static void keep_log(enum fuse_log_level level,
							   const char *fmt, va_list ap)
{
	size_t at;

	pthread_mutex_lock(&log_lock);
	at = strlen(logged);
	vsnprintf(logged + at, sizeof(logged) - at, fmt, ap);
	pthread_mutex_unlock(&log_lock);
}

static void check_logged(const char *part)
{
	pthread_mutex_lock(&log_lock);
	if (!strstr(logged, part))
		fail_msg("\"%s\" should be in the log:\n%s", part, logged);
	logged[0] = '\0';
	pthread_mutex_unlock(&log_lock);
}

/* ---- a session with chosen callbacks ---- */

static void start_with(uint32_t minor)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	logged[0] = '\0';
	fuse_opt_add_arg(&args, "test");
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	fuse_opt_free_args(&args);
	assert_non_null(se);
	m = mock_new(&(struct mock_options){.minor = minor, .quiet = true});
	assert_int_equal(mock_serve(m, se, 0), 0);
	assert_int_equal(mock_init(m), 0);
}

static void start(void)
{
	start_with(45);
}

/* The kernel had nothing to complain about. */
static void finish(void)
{
	assert_int_equal(mock_unmount(m), 0);
	fuse_session_destroy(se);
	memset(&ops, 0, sizeof(ops));
}

static int answer_result; /* what the reply function returned */

/* The same, once it has returned: the single thread has come to the next one. */
static int answered(void)
{
	struct fuse_statfs_out st;

	assert_int_equal(mock_statfs(m, 1, &st), 0);
	return answer_result;
}

static int call_error(const struct mock_call *call)
{
	struct mock_reply reply;
	int error = mock_call(m, call, &reply);

	mock_reply_free(&reply);
	return error;
}

/* ---- entries ---- */

static struct fuse_entry_param entry;

static struct fuse_entry_param good_entry(mode_t type)
{
	struct fuse_entry_param e = {
		.ino = 5,
		.generation = 6,
		.attr = {.st_ino = 5, .st_mode = type | 0644, .st_nlink = 1},
		.entry_timeout = 1.5,
		.attr_timeout = 2.25,
	};

	return e;
}

static void lookup_entry(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	answer_result = fuse_reply_entry(req, &entry);
}

static void mkdir_entry(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	answer_result = fuse_reply_entry(req, &entry);
}

static void mknod_entry(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			dev_t rdev)
{
	answer_result = fuse_reply_entry(req, &entry);
}

static void create_entry(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			 struct fuse_file_info *fi)
{
	answer_result = fuse_reply_create(req, &entry, fi);
}

static void entries_arrive_as_they_were_given(void **state)
{
	struct fuse_entry_out out;

	ops.lookup = lookup_entry;
	start();
	entry = good_entry(S_IFREG);
	assert_int_equal(mock_lookup(m, 1, "a", &out), 0);
	assert_int_equal(answered(), 0);
	assert_int_equal(out.nodeid, 5);
	assert_int_equal(out.generation, 6);
	assert_int_equal(out.entry_valid, 1);
	assert_int_equal(out.entry_valid_nsec, 500000000);
	assert_int_equal(out.attr_valid, 2);
	assert_int_equal(out.attr_valid_nsec, 250000000);
	assert_int_equal(out.attr.mode, S_IFREG | 0644);
	assert_int_equal(mock_lookups(m, 5), 1);
	entry.ino = 0; /* nothing there, to be remembered */
	assert_int_equal(mock_lookup(m, 1, "b", &out), -ENOENT);
	assert_int_equal(answered(), 0);
	finish();
}

/* The kernel would fail these for its caller and never forget them. */
static void impossible_entries_are_refused(void **state)
{
	struct fuse_entry_out out;
	struct fuse_open_out open;

	ops.lookup = lookup_entry;
	ops.mkdir = mkdir_entry;
	ops.mknod = mknod_entry;
	ops.create = create_entry;
	start();

	entry = good_entry(0);
	assert_int_equal(mock_lookup(m, 1, "a", &out), -EIO);
	assert_int_equal(answered(), -EINVAL);
	check_logged("LOOKUP");
	entry = good_entry(S_IFREG);
	entry.attr.st_size = -1;
	assert_int_equal(mock_lookup(m, 1, "a", &out), -EIO);
	check_logged("negative");
	entry = good_entry(S_IFREG);
	assert_int_equal(mock_mkdir(m, 1, "d", 0755, &out), -EIO);
	check_logged("MKDIR");
	entry = good_entry(S_IFIFO);
	assert_int_equal(mock_mknod(m, 1, "n", S_IFCHR | 0644, 0, &out), -EIO);
	check_logged("MKNOD");
	entry = good_entry(S_IFDIR);
	assert_int_equal(mock_create(m, 1, "c", O_RDWR, 0644, &out, &open), -EIO);
	check_logged("CREATE");
	entry = good_entry(S_IFDIR);
	entry.ino = 0;
	assert_int_equal(mock_mkdir(m, 1, "d", 0755, &out), -EIO);
	check_logged("is 0");
	entry.ino = 1;
	assert_int_equal(mock_mkdir(m, 1, "d", 0755, &out), -EIO);
	check_logged("root");

	assert_int_equal(mock_lookups_total(m), 0);
	finish();
}

static void old_kernels_get_short_entries(void **state)
{
	struct fuse_entry_out out;
	struct fuse_open_out open;

	ops.lookup = lookup_entry;
	ops.create = create_entry;
	start_with(8);
	entry = good_entry(S_IFREG);
	assert_int_equal(mock_lookup(m, 1, "a", &out), 0);
	assert_int_equal(out.nodeid, 5);
	assert_int_equal(mock_create(m, 1, "c", O_RDWR, 0644, &out, &open), 0);
	assert_int_equal(mock_lookups(m, 5), 2);
	finish();
}

/* ---- open files ---- */

static struct fuse_file_info wanted_fi;

static void open_fi(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	answer_result = fuse_reply_open(req, &wanted_fi);
}

static uint32_t flags_for(struct fuse_file_info fi)
{
	struct fuse_open_out out;

	wanted_fi = fi;
	assert_int_equal(mock_open(m, 5, O_RDONLY, &out), 0);
	assert_int_equal(out.fh, fi.fh);
	return out.open_flags;
}

static void open_flags_reach_the_kernel(void **state)
{
	ops.open = open_fi;
	start();
	assert_int_equal(flags_for((struct fuse_file_info){.fh = 1}), 0);
	assert_int_equal(flags_for((struct fuse_file_info){.fh = 2, .direct_io = 1}),
			 FOPEN_DIRECT_IO);
	assert_int_equal(flags_for((struct fuse_file_info){.fh = 3, .keep_cache = 1}),
			 FOPEN_KEEP_CACHE);
	assert_int_equal(flags_for((struct fuse_file_info){.fh = 4, .nonseekable = 1}),
			 FOPEN_NONSEEKABLE);
	assert_int_equal(flags_for((struct fuse_file_info){.fh = 5, .cache_readdir = 1}),
			 FOPEN_CACHE_DIR);
	assert_int_equal(flags_for((struct fuse_file_info){.fh = 6, .noflush = 1}), FOPEN_NOFLUSH);
	assert_int_equal(flags_for((struct fuse_file_info){
				 .fh = 7, .direct_io = 1, .parallel_direct_writes = 1}),
			 FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES);
	/* What is not cached cannot be kept: the kernel would fail the open. */
	assert_int_equal(
		flags_for((struct fuse_file_info){.fh = 8, .backing_id = 9, .keep_cache = 1}),
		FOPEN_PASSTHROUGH);
	finish();
}

static void init_no_open(void *userdata, struct fuse_conn_info *conn)
{
	assert_true(fuse_set_feature_flag(conn, FUSE_CAP_NO_OPEN_SUPPORT));
	assert_true(fuse_set_feature_flag(conn, FUSE_CAP_NO_OPENDIR_SUPPORT));
}

static void callbacks_that_are_missing_have_an_answer(void **state)
{
	struct fuse_statfs_out st;
	struct fuse_open_out open;
	struct fuse_attr_out attr;

	start();
	assert_int_equal(mock_open(m, 5, O_RDONLY, &open), 0);
	assert_int_equal(open.fh, 0);
	assert_int_equal(mock_release(m, 5, 0, 0), 0);
	assert_int_equal(mock_opendir(m, 5, &open), 0);
	assert_int_equal(mock_releasedir(m, 5, 0), 0);
	assert_int_equal(mock_statfs(m, 1, &st), 0);
	assert_int_equal(st.st.namelen, 255);
	assert_int_equal(st.st.bsize, 512);
	assert_int_equal(mock_getattr(m, 1, NULL, &attr), -ENOSYS);
	assert_int_equal(mock_flush(m, 5, 0, 0), -ENOSYS);
	assert_int_equal(mock_access(m, 5, R_OK), -ENOSYS);
	assert_int_equal(mock_forget(m, 5, 1), 0);
	finish();

	ops.init = init_no_open;
	start();
	assert_int_equal(mock_open(m, 5, O_RDONLY, &open), -ENOSYS);
	assert_int_equal(mock_opendir(m, 5, &open), -ENOSYS);
	finish();
}

/* ---- errors ---- */

static int error_to_give;

static void access_error(fuse_req_t req, fuse_ino_t ino, int mask)
{
	answer_result = fuse_reply_err(req, error_to_give);
}

static void errors_outside_of_the_kernels_range_become_eio(void **state)
{
	static const int bad[] = {-1, -ENOENT, 512, 1000, INT_MAX, INT_MIN};

	ops.access = access_error;
	start();
	error_to_give = 0;
	assert_int_equal(mock_access(m, 5, R_OK), 0);
	error_to_give = 511;
	assert_int_equal(mock_access(m, 5, R_OK), -511);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error_to_give = bad[i];
		assert_int_equal(mock_access(m, 5, R_OK), -EIO);
		assert_int_equal(answered(), -EINVAL);
		check_logged("out of range");
	}
	finish();
}

/* ---- bytes ---- */

static struct fuse_bufvec *vec;
static struct iovec pieces[300];
static int piece_count;

static void read_vec(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	answer_result = fuse_reply_data(req, vec, 0);
}

static void read_pieces(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			struct fuse_file_info *fi)
{
	answer_result = fuse_reply_iov(req, pieces, piece_count);
}

static void read_nothing(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			 struct fuse_file_info *fi)
{
	answer_result = fuse_reply_err(req, 0);
}

static struct fuse_bufvec *new_vec(size_t count)
{
	struct fuse_bufvec *v = calloc(1, sizeof(*v) + count * sizeof(struct fuse_buf));

	assert_non_null(v);
	v->count = count;
	return v;
}

static struct fuse_buf *buf_at(struct fuse_bufvec *v, size_t i)
{
	return (struct fuse_buf *)((char *)v + offsetof(struct fuse_bufvec, buf)) + i;
}

static void data_comes_from_memory_and_descriptors(void **state)
{
	int file = memfd_create("data", MFD_CLOEXEC), p[2];
	char got[64];

	assert_int_equal(write(file, "0123456789", 10), 10);
	assert_int_equal(pipe(p), 0);
	ops.read = read_vec;
	start();

	vec = new_vec(3);
	*buf_at(vec, 0) = (struct fuse_buf){.mem = (void *)"abc", .size = 3};
	*buf_at(vec, 1) = (struct fuse_buf){.mem = (void *)"", .size = 0};
	*buf_at(vec, 2) = (struct fuse_buf){.mem = (void *)"def", .size = 3};
	assert_int_equal(mock_read(m, 5, 0, got, 64, 0), 6);
	assert_memory_equal(got, "abcdef", 6);
	assert_int_equal(vec->idx, 3); /* used up */
	vec->idx = 0;
	vec->off = 2; /* in the middle */
	assert_int_equal(mock_read(m, 5, 0, got, 64, 0), 4);
	assert_memory_equal(got, "cdef", 4);
	free(vec);

	vec = new_vec(2);
	*buf_at(vec, 0) = (struct fuse_buf){.mem = (void *)"xy", .size = 2};
	*buf_at(vec, 1) = (struct fuse_buf){
		.flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK, .fd = file, .pos = 7, .size = 20};
	assert_int_equal(mock_read(m, 5, 0, got, 64, 0), 5); /* the file is shorter */
	assert_memory_equal(got, "xy789", 5);
	free(vec);

	vec = new_vec(1);
	assert_int_equal(write(p[1], "pipe", 4), 4);
	*buf_at(vec, 0) = (struct fuse_buf){.flags = FUSE_BUF_IS_FD, .fd = p[0], .size = 4};
	assert_int_equal(mock_read(m, 5, 0, got, 64, 0), 4);
	assert_memory_equal(got, "pipe", 4);
	free(vec);

	vec = new_vec(1);
	*buf_at(vec, 0) = (struct fuse_buf){.flags = FUSE_BUF_IS_FD, .fd = -1, .size = 4};
	assert_int_equal(mock_read(m, 5, 0, got, 64, 0), -EBADF);
	free(vec);

	vec = new_vec(0);
	assert_int_equal(mock_read(m, 5, 0, got, 64, 0), 0);
	free(vec);
	finish();
	close(file);
	close(p[0]);
	close(p[1]);
}

static void more_than_was_asked_for_is_refused(void **state)
{
	char got[64];

	ops.read = read_vec;
	start();
	vec = new_vec(1);
	*buf_at(vec, 0) = (struct fuse_buf){.mem = got, .size = 64};
	assert_int_equal(mock_read(m, 5, 0, got, 63, 0), -EIO);
	assert_int_equal(answered(), -EINVAL);
	check_logged("longer than was asked for");
	/* also before anybody reads that much of a descriptor */
	*buf_at(vec, 0) = (struct fuse_buf){.flags = FUSE_BUF_IS_FD, .fd = 0, .size = SIZE_MAX};
	assert_int_equal(mock_read(m, 5, 0, got, 63, 0), -EIO);
	free(vec);
	finish();
}

static void vectors_of_any_length_arrive(void **state)
{
	static const int counts[] = {0, 1, 13, 14, 15, 16, 300};
	char bytes[300], got[300];

	ops.read = read_pieces;
	start();
	for (int i = 0; i < 300; i++) {
		bytes[i] = (char)i;
		pieces[i] = (struct iovec){&bytes[i], 1};
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		piece_count = counts[i];
		assert_int_equal(mock_read(m, 5, 0, got, 300, 0), counts[i]);
		assert_memory_equal(got, bytes, (size_t)counts[i]);
	}
	pieces[1].iov_len = SIZE_MAX;
	piece_count = 2;
	assert_int_equal(mock_read(m, 5, 0, got, 300, 0), -EIO);
	finish();
}

static void an_empty_success_is_the_end_of_the_file(void **state)
{
	char got[10];

	ops.read = read_nothing;
	start();
	assert_int_equal(mock_read(m, 5, 0, got, 10, 0), 0);
	assert_int_equal(answered(), 0);
	finish();
}

/* ---- xattrs ---- */

static void xattr_size(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	answer_result = fuse_reply_xattr(req, 3);
}

static void a_size_is_no_value(void **state)
{
	char got[64];

	ops.getxattr = xattr_size;
	start();
	assert_int_equal(mock_getxattr(m, 5, "user.a", NULL, 0), 3);
	assert_int_equal(mock_getxattr(m, 5, "user.a", got, 64), -EIO);
	assert_int_equal(answered(), -EINVAL);
	check_logged("GETXATTR");
	finish();
}

/* ---- counts ---- */

static size_t count_to_give;

static void write_count(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
			struct fuse_file_info *fi)
{
	answer_result = fuse_reply_write(req, count_to_give);
}

static void copy_count(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
		       struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
		       struct fuse_file_info *fi_out, size_t len, int flags)
{
	assert_true(len <= SSIZE_MAX);
	answer_result = fuse_reply_write(req, count_to_give);
}

static void counts_fit_their_field(void **state)
{
	struct fuse_copy_file_range_in in = {.len = (uint64_t)8 << 30};

	ops.write = write_count;
	ops.copy_file_range = copy_count;
	start();
	count_to_give = 4;
	assert_int_equal(mock_write(m, 5, 0, "data", 4, 0), 4);
	count_to_give = (size_t)1 << 32 | 4;
	assert_int_equal(mock_write(m, 5, 0, "data", 4, 0), -EIO);
	check_logged("WRITE");
	count_to_give = (size_t)5 << 30;
	assert_int_equal(mock_copy_file_range(m, 5, &in, true), (ssize_t)5 << 30);
	count_to_give = 77;
	in.len = 100;
	assert_int_equal(mock_copy_file_range(m, 5, &in, false), 77);
	in.len = UINT64_MAX;
	assert_int_equal(mock_copy_file_range(m, 5, &in, true), 77);
	finish();
}

/* ---- locks ---- */

static struct flock lock_given, lock_seen;

static void getlk_given(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
			struct flock *lock)
{
	lock_seen = *lock;
	answer_result = fuse_reply_lock(req, &lock_given);
}

static void locks_are_translated_and_checked(void **state)
{
	struct fuse_lk_in in = {.fh = 1, .lk = {.start = 10, .end = INT64_MAX, .type = F_WRLCK}};
	struct fuse_lk_out out;

	ops.getlk = getlk_given;
	start();
	lock_given = (struct flock){.l_type = F_RDLCK, .l_start = 5, .l_len = 5, .l_pid = 9};
	assert_int_equal(mock_getlk(m, 5, &in, &out), 0);
	assert_int_equal(lock_seen.l_start, 10);
	assert_int_equal(lock_seen.l_len, 0);
	assert_int_equal(out.lk.start, 5);
	assert_int_equal(out.lk.end, 9);
	lock_given.l_len = -1;
	assert_int_equal(mock_getlk(m, 5, &in, &out), -EIO);
	check_logged("GETLK");
	in.lk = (struct fuse_file_lock){.start = 10, .end = 5};
	assert_int_equal(mock_getlk(m, 5, &in, &out), -EINVAL);
	finish();
}

/* ---- forgets ---- */

static _Atomic unsigned int forgotten;
static fuse_req_t forget_reqs[8];
static _Atomic unsigned int forgets_kept;

static void forget_later(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	forget_reqs[forgets_kept++] = req;
	forgotten += (unsigned int)nlookup;
}

static void forget_many(fuse_req_t req, size_t count, struct fuse_forget_data *list)
{
	for (size_t i = 0; i < count; i++)
		forgotten += (unsigned int)list[i].nlookup;
	fuse_reply_none(req);
}

static bool soon(_Atomic unsigned int *what, unsigned int value)
{
	for (int i = 0; i < 5000 && *what != value; i++)
		usleep(1000);
	return *what == value;
}

static void *end_forgets(void *arg)
{
	for (unsigned int i = 0; i < forgets_kept; i++)
		fuse_reply_none(forget_reqs[i]);
	return NULL;
}

static void each_forget_of_a_batch_ends_in_its_own_time(void **state)
{
	static const struct fuse_forget_one list[] = {{5, 1}, {6, 10}, {7, 100}};
	pthread_t t;

	ops.forget = forget_later;
	forgotten = forgets_kept = 0;
	start();
	assert_int_equal(mock_batch_forget(m, list, 3), 0);
	assert_true(soon(&forgets_kept, 3));
	assert_int_equal(forgotten, 111);
	assert_int_equal(pthread_create(&t, NULL, end_forgets, NULL), 0);
	pthread_join(t, NULL);
	/* One too many is noticed. */
	fuse_reply_none(forget_reqs[0]);
	check_logged("BATCH_FORGET");
	finish();
}

static void forget_multi_serves_single_forgets_too(void **state)
{
	ops.forget_multi = forget_many;
	forgotten = 0;
	start();
	assert_int_equal(mock_forget(m, 5, 4), 0);
	assert_true(soon(&forgotten, 4));
	finish();
}

/* ---- about the request ---- */

static gid_t groups[NGROUPS_MAX];
static int group_count;
static struct fuse_ctx ctx;

static void access_groups(fuse_req_t req, fuse_ino_t ino, int mask)
{
	group_count = fuse_req_getgroups(req, NGROUPS_MAX, groups);
	ctx = *fuse_req_ctx(req);
	assert_false(fuse_req_is_uring(req));
	fuse_reply_err(req, 0);
}

static void groups_are_those_of_the_caller(void **state)
{
	struct fuse_access_in in = {.mask = R_OK};
	struct mock_call call = {.op = PROTO_ACCESS, .nodeid = 5, .in = &in};
	gid_t mine[NGROUPS_MAX];
	int count = getgroups(NGROUPS_MAX, mine);

	ops.access = access_groups;
	start();
	call.pid = (uint32_t)gettid();
	call.uid = 12;
	call.gid = 34;
	assert_int_equal(call_error(&call), 0);
	assert_int_equal(group_count, count);
	assert_memory_equal(groups, mine, (size_t)count * sizeof(gid_t));
	assert_int_equal(ctx.uid, 12);
	assert_int_equal(ctx.gid, 34);
	assert_int_equal(ctx.pid, gettid());
	call.pid = 0;
	assert_int_equal(call_error(&call), 0);
	assert_int_equal(group_count, -ESRCH);
	finish();
}

static uint32_t contexts;
static char context_names[64], context_values[64];

static void mkdir_contexts(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	const char *ctx_name, *value;
	uint32_t len;

	contexts = fuse_req_secctx_count(req);
	for (int twice = 0; twice < 2; twice++) {
		context_names[0] = context_values[0] = '\0';
		while (fuse_req_secctx_next(req, &ctx_name, &value, &len) == 0) {
			strcat(context_names, ctx_name);
			strncat(context_values, value, len);
		}
		fuse_req_secctx_reset(req);
	}
	fuse_reply_err(req, EACCES);
}

static void init_secctx(void *userdata, struct fuse_conn_info *conn)
{
	assert_true(fuse_set_feature_flag(conn, FUSE_CAP_SECURITY_CTX));
}

static void security_contexts_can_be_read_again(void **state)
{
	/* groups first, then two contexts: {size, type}, {size, pad} name value */
	_Alignas(8) struct {
		uint32_t groups[4];
		struct fuse_secctx_header head;
		struct fuse_secctx one;
		char text1[8];
		struct fuse_secctx two;
		char text2[8];
	} ext = {
		.groups = {16, FUSE_EXT_GROUPS, 1, 77},
		.head = {sizeof(ext) - 16, 2},
		.one = {.size = 3},
		.text1 = "a.b\0xyz",
		.two = {.size = 1},
		.text2 = "c\0v",
	};
	struct fuse_mkdir_in in = {.mode = 0755};
	struct mock_call call = {
		.op = PROTO_MKDIR,
		.nodeid = 1,
		.in = &in,
		.name = {"d"},
		.ext = &ext,
		.ext_len = sizeof(ext),
	};

	ops.mkdir = mkdir_contexts;
	ops.init = init_secctx;
	start();
	assert_int_equal(call_error(&call), -EACCES);
	assert_int_equal(contexts, 2);
	assert_string_equal(context_names, "a.bc");
	assert_string_equal(context_values, "xyzv");
	finish();
}

/* ---- requests in a buffer of the program's own ---- */

static fuse_req_t kept;

static void mknod_kept(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	kept = req;
}

static void *shake_hands(void *arg)
{
	assert_int_equal(mock_init(m), 0);
	return NULL;
}

/* The buffer is used for the next request before this one is answered. */
static void late_answers_do_not_look_at_reused_buffers(void **state)
{
	struct fuse_mknod_in in = {.mode = S_IFIFO | 0644};
	struct mock_call call = {.op = PROTO_MKNOD, .nodeid = 1, .in = &in, .name = {"n"}};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_buf buf = {.mem = NULL};
	struct mock_reply reply;
	uint64_t unique;
	pthread_t t;

	ops.mknod = mknod_kept;
	fuse_opt_add_arg(&args, "test");
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	fuse_opt_free_args(&args);
	m = mock_new(&(struct mock_options){.quiet = true});
	assert_int_equal(profuse_session_stream(se, mock_take_server_fd(m)), 0);
	assert_int_equal(pthread_create(&t, NULL, shake_hands, NULL), 0);
	assert_true(fuse_session_receive_buf(se, &buf) > 0);
	fuse_session_process_buf(se, &buf);
	pthread_join(t, NULL);

	unique = mock_send(m, &call);
	assert_true(fuse_session_receive_buf(se, &buf) > 0);
	fuse_session_process_buf(se, &buf);
	memset(buf.mem, 0xff, buf.mem_size);
	entry = good_entry(S_IFIFO);
	assert_int_equal(fuse_reply_entry(kept, &entry), 0);
	assert_int_equal(mock_wait(m, unique, &reply), 0);
	assert_int_equal(reply.error, 0);
	mock_reply_free(&reply);
	free(buf.mem);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_arrive_as_they_were_given),
		cmocka_unit_test(impossible_entries_are_refused),
		cmocka_unit_test(old_kernels_get_short_entries),
		cmocka_unit_test(open_flags_reach_the_kernel),
		cmocka_unit_test(callbacks_that_are_missing_have_an_answer),
		cmocka_unit_test(errors_outside_of_the_kernels_range_become_eio),
		cmocka_unit_test(data_comes_from_memory_and_descriptors),
		cmocka_unit_test(more_than_was_asked_for_is_refused),
		cmocka_unit_test(vectors_of_any_length_arrive),
		cmocka_unit_test(an_empty_success_is_the_end_of_the_file),
		cmocka_unit_test(a_size_is_no_value),
		cmocka_unit_test(counts_fit_their_field),
		cmocka_unit_test(locks_are_translated_and_checked),
		cmocka_unit_test(each_forget_of_a_batch_ends_in_its_own_time),
		cmocka_unit_test(forget_multi_serves_single_forgets_too),
		cmocka_unit_test(groups_are_those_of_the_caller),
		cmocka_unit_test(security_contexts_can_be_read_again),
		cmocka_unit_test(late_answers_do_not_look_at_reused_buffers),
	};

	fuse_set_log_func(keep_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
