/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a filesystem does wrong is logged and fails with EIO; the mount goes on.
 */
#include "served.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "highlevel/hl.h"

static struct served served;

/* What the next callback does wrong. */
static int result;
static mode_t made_type;
static const char *entry_name;
static off_t entry_off;
static int entry_flags;
static bool second_entry_with_offset;
static struct stat entry_attr;
static struct fuse_buf piece; /* all that read_buf gives, twice over */
static short lock_type;

static int bad_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	st->st_nlink = 1;
	if (!strcmp(path, "/")) {
		st->st_mode = S_IFDIR | 0755;
		return 0;
	}
	if (!strcmp(path, "/typeless") || (fi && result))
		return 0;
	if (!strcmp(path, "/huge"))
		st->st_size = -1;
	st->st_mode = made_type ? made_type : S_IFREG | 0644;
	return strcmp(path, "/result") ? 0 : result;
}

static int bad_access(const char *path, int mask)
{
	return result;
}

static int bad_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	return result;
}

static int bad_write(const char *path, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	return result;
}

static int bad_getxattr(const char *path, const char *name, char *value, size_t size)
{
	return result;
}

static int bad_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return 0;
}

static int bad_readlink(const char *path, char *buf, size_t size)
{
	memset(buf, 'x', size); /* without end */
	return 0;
}

static int bad_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		       struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	filler(buf, "good", NULL, entry_off ? 1 : 0, FUSE_FILL_DIR_DEFAULTS);
	filler(buf, entry_name, NULL, second_entry_with_offset ? 7 : entry_off,
	       (enum fuse_fill_dir_flags)entry_flags);
	return 0;
}

static int bad_lock(const char *path, struct fuse_file_info *fi, int cmd, struct flock *lock)
{
	lock->l_type = lock_type;
	return 0;
}

static int bad_statfs(const char *path, struct statvfs *st)
{
	return 0; /* and says nothing */
}

static int bad_statx(const char *path, int flags, int mask, struct statx *stx,
		     struct fuse_file_info *fi)
{
	stx->stx_mask = STATX_TYPE;
	return 0;
}

static off_t bad_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi)
{
	return result;
}

static const struct fuse_operations bad_operations = {
	.getattr = bad_getattr,
	.access = bad_access,
	.read = bad_read,
	.write = bad_write,
	.getxattr = bad_getxattr,
	.create = bad_create,
	.readlink = bad_readlink,
	.readdir = bad_readdir,
	.lseek = bad_lseek,
	.lock = bad_lock,
	.statfs = bad_statfs,
	.statx = bad_statx,
};

/* ---- other filesystems ---- */

static int two_pieces(const char *path, struct fuse_bufvec **bufp, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	struct fuse_bufvec *v = calloc(1, sizeof(*v) + sizeof(v->buf[0]));

	assert_non_null(v);
	v->count = 2;
	v->buf[0] = v->buf[1] = piece;
	if (piece.mem) {
		v->buf[0].mem = calloc(1, 64);
		v->buf[1].mem = calloc(1, 64);
	}
	*bufp = v;
	return 0;
}

/* Five entries, the offset of each given by a table. */
static const off_t *offsets;

static int listed_by_table(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
			   struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	int i = 0;

	while (off && i < 5 && offsets[i++] != off)
		;
	for (; i < 5; i++) {
		if (filler(buf, names[i], NULL, offsets[i], FUSE_FILL_DIR_DEFAULTS))
			break;
	}
	return 0;
}

/* Always the same, from the beginning. */
static int listed_for_ever(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
			   struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	if (!filler(buf, "a", NULL, 1, FUSE_FILL_DIR_DEFAULTS))
		filler(buf, "b", NULL, 2, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

static int listed_with_attributes(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
				  struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct stat dir = {.st_mode = S_IFDIR | 0755, .st_ino = 5, .st_nlink = 2};
	struct stat good = {.st_mode = S_IFREG | 0644, .st_ino = 6, .st_nlink = 1};

	for (int i = 0; i < 2; i++) {
		filler(buf, ".", &dir, 0, FUSE_FILL_DIR_PLUS);
		filler(buf, "..", &dir, 0, FUSE_FILL_DIR_PLUS);
	}
	filler(buf, "good", &good, 0, FUSE_FILL_DIR_PLUS);
	filler(buf, "bad", &entry_attr, 0, FUSE_FILL_DIR_PLUS);
	filler(buf, "plain", &good, 0, FUSE_FILL_DIR_DEFAULTS);
	filler(buf, "bare", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

static int set_up(void **state)
{
	result = 0;
	made_type = 0;
	entry_name = "second";
	entry_off = 0;
	entry_flags = 0;
	second_entry_with_offset = false;
	lock_type = F_UNLCK;
	log_clear();
	serve_start(&served, &bad_operations, NULL, 0, NULL);
	return 0;
}

/* Instead of what set_up has started. */
static void start_another(const struct fuse_operations *op, const char *options)
{
	serve_end(&served, true);
	log_clear();
	serve_start(&served, op, options, 0, NULL);
}

static int tear_down(void **state)
{
	serve_end(&served, true);
	return 0;
}

static void assert_logged(const char *text)
{
	if (!strstr(log_text(), text))
		fail_msg("not in the log: %s\nthe log: %s", text, log_text());
	log_clear();
}

static void positive_and_impossible_results(void **state)
{
	static const int wrong[] = {1, 22, -512, -100000, INT32_MIN};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		result = wrong[i];
		assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -EIO);
		assert_logged("access of the filesystem returned");
	}
	result = -511;
	assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -511);
	result = 5;
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "result", &(struct fuse_entry_out){0}),
			 -EIO);
	assert_logged("getattr of the filesystem returned 5");
}

static void entries_that_make_no_sense(void **state)
{
	struct fuse_entry_out e;

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "typeless", &e), -EIO);
	assert_logged("wrong answer to LOOKUP");
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "huge", &e), -EIO);
	assert_logged("the size is negative");
	assert_true(serve_nodes_become(&served, 1)); /* nobody holds them */
}

static void attributes_that_make_no_sense(void **state)
{
	struct fuse_setattr_in in = {.valid = FATTR_FH};
	struct fuse_statx_out x;
	struct fuse_attr_out a;
	struct fuse_entry_out e;
	struct fuse_open_out o;

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	in.fh = o.fh;
	result = 1;
	assert_int_equal(mock_getattr(served.m, e.nodeid, &o.fh, &a), -EIO);
	assert_logged("wrong answer to GETATTR");
	assert_int_equal(mock_setattr(served.m, e.nodeid, &in, &a), -EIO);
	assert_logged("wrong answer to SETATTR");
	assert_int_equal(mock_statx(served.m, e.nodeid, &(struct fuse_statx_in){0}, &x), -EIO);
	assert_logged("wrong answer to STATX");
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
}

/* Another program may replace a file below by a directory. */
static void a_name_that_stands_for_another_type_now(void **state)
{
	static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFREG};
	struct fuse_entry_out e;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		made_type = types[i] | 0644;
		assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "f", &e), 0);
		assert_int_equal(e.attr.mode, made_type);
		assert_int_equal(!!(hl_flags(served.f->table, e.nodeid) & HL_DIR),
				 types[i] == S_IFDIR);
	}
	assert_string_equal(log_text(), "");
}

/* A filesystem may have no use for them. */
static void numbers_that_are_zero(void **state)
{
	struct fuse_statfs_out st;
	struct fuse_entry_out e;
	char names[64];

	start_another(&bad_operations, "use_ino");
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(e.attr.ino, 0);
	assert_int_equal(mock_statfs(served.m, FUSE_ROOT_ID, &st), 0);
	assert_int_equal(st.st.namelen, 0);
	assert_int_equal(list_names(served.m, FUSE_ROOT_ID, true, names, sizeof(names)), 0);
	assert_string_equal(names, "good second ");
	assert_string_equal(log_text(), "");
}

static void locks_that_cannot_be(void **state)
{
	struct fuse_lk_in in = {.owner = 1, .lk = {.end = 10, .type = F_WRLCK}};
	struct fuse_lk_out out;
	struct fuse_entry_out e;
	struct fuse_open_out o;

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	in.fh = o.fh;
	assert_int_equal(mock_getlk(served.m, e.nodeid, &in, &out), 0);
	lock_type = 77;
	assert_int_equal(mock_getlk(served.m, e.nodeid, &in, &out), -EIO);
	assert_logged("impossible type");
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
}

static void more_bytes_than_asked_for(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char buf[16];

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	result = 17;
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, 16, 0), -EIO);
	assert_logged("read of the filesystem returned 17");
	assert_int_equal(mock_write(served.m, e.nodeid, o.fh, buf, 16, 0), -EIO);
	assert_logged("write of the filesystem returned 17");
	assert_int_equal(mock_getxattr(served.m, e.nodeid, "user.x", buf, 16), -EIO);
	assert_logged("getxattr of the filesystem returned 17");
	result = 16;
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, 16, 0), 16);
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
}

static void vectors_that_cannot_be(void **state)
{
	static const struct fuse_operations ops = {.getattr = bad_getattr, .read_buf = two_pieces};
	static char text[] = "there is memory";
	static const struct {
		struct fuse_buf piece;
		int answer;
		const char *log;
	} cases[] = {
		{{.size = 8, .mem = text}, 16, NULL},
		{{.size = 9, .mem = text}, -EIO, "more than was asked for"},
		{{.size = SIZE_MAX, .mem = text}, -EIO, "more than was asked for"},
		/* The sum is 0 if one does not look. */
		{{.size = SIZE_MAX / 2 + 1, .mem = text}, -EIO, "more than was asked for"},
		{{.size = 8}, -EIO, "bytes without memory"},
		{{.size = 0}, 0, NULL},
		{{.size = 8, .flags = FUSE_BUF_IS_FD, .fd = -1}, -EBADF, NULL},
	};
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char buf[16];

	start_another(&ops, NULL);
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		piece = cases[i].piece;
		assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, sizeof(buf), 0),
				 cases[i].answer);
		if (cases[i].log)
			assert_logged(cases[i].log);
		else
			assert_string_equal(log_text(), "");
	}
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
}

/* The module asks for a vector, the filesystem below has read() alone. */
static void more_bytes_through_a_module(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char buf[16];

	start_another(&bad_operations, "modules=subdir,subdir=/x");
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	result = 17;
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, 16, 0), -EIO);
	assert_logged("read of the filesystem returned 17");
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
}

static void a_created_directory(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;

	made_type = S_IFDIR | 0755;
	assert_int_equal(mock_create(served.m, FUSE_ROOT_ID, "f", O_RDWR, 0644, &e, &o), -EIO);
	assert_logged("create of the filesystem made a file of type 040000");
	assert_true(serve_nodes_become(&served, 1));
}

static void a_link_without_end(void **state)
{
	struct fuse_entry_out e;
	char buf[8192];

	made_type = S_IFLNK | 0777;
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "l", &e), 0);
	assert_in_range(mock_readlink(served.m, e.nodeid, buf, sizeof(buf)), 0, 4096);
}

static int list_root(void)
{
	char text[256];

	return list_names(served.m, FUSE_ROOT_ID, false, text, sizeof(text));
}

static void names_that_cannot_be(void **state)
{
	static char longest[2000];

	memset(longest, 'n', sizeof(longest) - 1);
	entry_name = "a/b";
	assert_int_equal(list_root(), -EIO);
	assert_logged("gave an entry with the name 'a/b'");
	entry_name = "";
	assert_int_equal(list_root(), -EIO);
	assert_logged("gave an entry with the name ''");
	entry_name = longest;
	assert_int_equal(list_root(), -EIO);
	assert_logged("which is too long");
	entry_name = "fine";
	assert_int_equal(list_root(), 0);
}

static void offsets_that_cannot_be(void **state)
{
	entry_off = -5;
	assert_int_equal(list_root(), -EIO);
	assert_logged("with the offset -5");
	entry_off = 0;
	second_entry_with_offset = true;
	assert_int_equal(list_root(), -EIO);
	assert_logged("with and without one");
	second_entry_with_offset = false;
	entry_flags = 64;
	assert_int_equal(list_root(), -EIO);
	assert_logged("unknown flags 0x40");
}

/* As those of a hash table are. */
static void offsets_in_any_order_are_fine(void **state)
{
	static const off_t orders[][5] = {
		{1, 2, 3, 4, 5},
		{50, 20, 40, 10, 30},
		{INT64_MAX, 1, INT64_MAX - 1, 2, 3},
	};
	static const struct fuse_operations ops = {.getattr = bad_getattr,
						   .readdir = listed_by_table};
	char names[64];

	start_another(&ops, NULL);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		offsets = orders[i];
		assert_int_equal(list_names(served.m, FUSE_ROOT_ID, i & 1, names, sizeof(names)),
				 0);
		assert_string_equal(names, "a b c d e ");
	}
	assert_string_equal(log_text(), "");
}

static void a_listing_without_end(void **state)
{
	static const struct fuse_operations ops = {.getattr = bad_getattr,
						   .readdir = listed_for_ever};
	char names[64];

	start_another(&ops, NULL);
	for (int plus = 0; plus < 2; plus++) {
		assert_int_equal(list_names(served.m, FUSE_ROOT_ID, plus, names, sizeof(names)),
				 -EIO);
		assert_string_equal(names, "a b ");
		assert_logged("gave entries up to the same offset");
	}
}

/* Some entries with attributes, some without, some with impossible ones; the
 * names are there in any case, and only what is handed out is counted. */
static void listings_with_all_kinds_of_entries(void **state)
{
	static const struct fuse_operations ops = {.getattr = bad_getattr,
						   .readdir = listed_with_attributes};
	static const struct stat kinds[] = {
		{.st_ino = 7},
		{.st_ino = 7, .st_mode = S_IFREG | 0644, .st_size = -1},
		{.st_ino = 0, .st_mode = S_IFREG | 0644},
	};
	char names[128];

	start_another(&ops, "use_ino");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		entry_attr = kinds[i];
		for (int plus = 0; plus < 2; plus++) {
			assert_int_equal(
				list_names(served.m, FUSE_ROOT_ID, plus, names, sizeof(names)), 0);
			assert_string_equal(names, ". .. . .. good bad plain bare ");
			if (plus && i < 2)
				assert_logged("gave 'bad' with attributes");
		}
		assert_string_equal(log_text(), "");
		assert_int_equal(mock_lookups_total(served.m), i + 1); /* good alone */
	}
}

static void handles_that_were_never_given_out(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	char buf[16];

	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(mock_read(served.m, e.nodeid, 0, buf, 16, 0), -EBADF);
	assert_int_equal(mock_read(served.m, e.nodeid, UINT64_MAX, buf, 16, 0), -EBADF);
	assert_int_equal(mock_read(served.m, e.nodeid, 0x7fffffff00000001, buf, 16, 0), -EBADF);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDWR, &o), 0);
	/* A file is no directory. */
	assert_int_equal(mock_readdir(served.m, e.nodeid, o.fh, buf, 16, 0), -EBADF);
	mock_release(served.m, e.nodeid, o.fh, O_RDWR);
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, 16, 0), -EBADF);
}

static void nodes_that_were_never_given_out(void **state)
{
	struct fuse_attr_out a;
	struct fuse_entry_out e;

	assert_int_equal(mock_getattr(served.m, 4711, NULL, &a), -ESTALE);
	assert_int_equal(mock_getattr(served.m, UINT64_MAX, NULL, &a), -ESTALE);
	assert_int_equal(mock_lookup(served.m, 1ull << 40, "x", &e), -ESTALE);
}

static void complaints_end_some_time(void **state)
{
	result = 1;
	for (int i = 0; i < 200; i++)
		assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -EIO);
	assert_logged("further such messages are left out");
	assert_int_equal(mock_access(served.m, FUSE_ROOT_ID, 4), -EIO);
	assert_string_equal(log_text(), "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(positive_and_impossible_results),
		T(entries_that_make_no_sense),
		T(attributes_that_make_no_sense),
		T(a_name_that_stands_for_another_type_now),
		T(numbers_that_are_zero),
		T(locks_that_cannot_be),
		T(more_bytes_than_asked_for),
		T(vectors_that_cannot_be),
		T(more_bytes_through_a_module),
		T(a_created_directory),
		T(a_link_without_end),
		T(names_that_cannot_be),
		T(offsets_that_cannot_be),
		T(offsets_in_any_order_are_fine),
		T(a_listing_without_end),
		T(listings_with_all_kinds_of_entries),
		T(handles_that_were_never_given_out),
		T(nodes_that_were_never_given_out),
		T(complaints_end_some_time),
	};

	log_capture();
	return cmocka_run_group_tests_name("wrong answers", tests, NULL, NULL);
}
