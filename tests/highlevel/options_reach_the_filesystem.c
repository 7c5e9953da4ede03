/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each option, from the command line to init() and to what the kernel sees. */
#include "served.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <profuse.h>

#include "highlevel/hl.h"

static struct served served;
static struct fuse_config seen;
static uint32_t seen_background, seen_threshold;
static void (*change)(struct fuse_config *cfg, struct fuse_conn_info *conn);
static struct fuse_file_info answer;
static time_t file_mtime;

static void *opt_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	seen = *cfg;
	seen_background = conn->max_background;
	seen_threshold = conn->congestion_threshold;
	if (change)
		change(cfg, conn);
	return fuse_get_context()->private_data;
}

static int opt_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (!strcmp(path, "/none"))
		return -ENOENT;
	st->st_mode = !strcmp(path, "/") ? S_IFDIR | 0700 : S_IFREG | 06600;
	st->st_nlink = 1;
	st->st_ino = 777;
	st->st_uid = 5;
	st->st_gid = 6;
	st->st_size = 10;
	st->st_mtime = file_mtime;
	return 0;
}

static int opt_open(const char *path, struct fuse_file_info *fi)
{
	*fi = answer;
	return 0;
}

static char given[2][32]; /* paths of read and lseek */

static int opt_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	snprintf(given[0], sizeof(given[0]), "%s", path ? path : "none");
	return 0;
}

static off_t opt_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi)
{
	snprintf(given[1], sizeof(given[1]), "%s", path ? path : "none");
	return off;
}

static int opt_unlink(const char *path)
{
	return 0;
}

static const struct fuse_operations opt_operations = {
	.init = opt_init,
	.getattr = opt_getattr,
	.open = opt_open,
	.read = opt_read,
	.unlink = opt_unlink,
	.lseek = opt_lseek,
};

static void start(const char *options)
{
	memset(&seen, 0, sizeof(seen));
	serve_start(&served, &opt_operations, options, 0, NULL);
}

static void end(void)
{
	serve_end(&served, true);
	change = NULL;
	memset(&answer, 0, sizeof(answer));
}

static void look_up(const char *name, struct fuse_entry_out *e)
{
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, name, e), 0);
}

static void defaults(void **state)
{
	struct fuse_entry_out e;

	start(NULL);
	assert_true(seen.entry_timeout == 1.0 && seen.attr_timeout == 1.0 &&
		    seen.negative_timeout == 0.0 && seen.ac_attr_timeout == 1.0);
	assert_int_equal(seen.remember, 0);
	assert_int_equal(seen.intr_signal, 10);
	assert_in_range(seen_background, 64, 65535);
	look_up("f", &e);
	assert_int_equal(e.entry_valid, 1);
	assert_int_equal(e.attr.ino, e.nodeid); /* made up */
	assert_int_equal(e.attr.mode, S_IFREG | 06600);
	assert_int_equal(mock_lookup(served.m, FUSE_ROOT_ID, "none", &e), -ENOENT);
	end();
}

static void every_member_of_the_configuration(void **state)
{
	start("kernel_cache,auto_cache,no_rofd_flush,direct_io,hard_remove,use_ino,readdir_ino,"
	      "umask=022,fmask=0133,dmask=077,uid=11,gid=12,entry_timeout=2.5,attr_timeout=3.5,"
	      "negative_timeout=4.5,ac_attr_timeout=5.5,remember=60,intr,intr_signal=12,"
	      "parallel_direct_write=1");
	assert_true(seen.kernel_cache && seen.auto_cache && seen.no_rofd_flush && seen.direct_io);
	assert_true(seen.hard_remove && seen.use_ino && seen.readdir_ino && seen.intr);
	assert_true(seen.set_mode && seen.set_uid && seen.set_gid && seen.parallel_direct_writes);
	assert_int_equal(seen.umask, 022);
	assert_int_equal(seen.fmask, 0133);
	assert_int_equal(seen.dmask, 077);
	assert_int_equal(seen.uid, 11);
	assert_int_equal(seen.gid, 12);
	assert_true(seen.entry_timeout == 2.5 && seen.attr_timeout == 3.5 &&
		    seen.negative_timeout == 4.5 && seen.ac_attr_timeout == 5.5);
	assert_int_equal(seen.remember, 60);
	assert_int_equal(seen.intr_signal, 12);
	serve_end(&served, false); /* some are remembered */
	start("noforget,noauto_cache,parallel_direct_writes");
	assert_int_equal(seen.parallel_direct_writes, 1);
	assert_int_equal(seen.remember, -1);
	assert_int_equal(seen.auto_cache, 0);
	serve_end(&served, false);
}

static void attributes_are_shown_as_asked(void **state)
{
	struct fuse_entry_out e;
	struct fuse_attr_out a;

	start("umask=022,fmask=0133,uid=11,gid=12,use_ino");
	look_up("f", &e);
	assert_int_equal(e.attr.mode, S_IFREG | 0644);
	assert_int_equal(e.attr.uid, 11);
	assert_int_equal(e.attr.gid, 12);
	assert_int_equal(e.attr.ino, 777);
	assert_int_equal(mock_getattr(served.m, FUSE_ROOT_ID, NULL, &a), 0);
	assert_int_equal(a.attr.mode, S_IFDIR | 0755);
	end();
}

static void the_absence_of_a_name_can_be_remembered(void **state)
{
	struct fuse_entry_out e;

	start("negative_timeout=7");
	assert_int_equal(mock_call_into(served.m,
					&(struct mock_call){.op = PROTO_LOOKUP,
							    .nodeid = FUSE_ROOT_ID,
							    .name = {"none"}},
					&e, sizeof(e)),
			 0);
	assert_int_equal(e.nodeid, 0);
	assert_int_equal(e.entry_valid, 7);
	end();
}

static uint32_t open_flags(const char *options, int flags)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;

	start(options);
	look_up("f", &e);
	assert_int_equal(mock_open(served.m, e.nodeid, (uint32_t)flags, &o), 0);
	mock_release(served.m, e.nodeid, o.fh, (uint32_t)flags);
	end();
	return o.open_flags;
}

static void open_files_get_their_flags(void **state)
{
	assert_int_equal(open_flags(NULL, O_RDONLY), 0);
	assert_int_equal(open_flags("direct_io", O_RDONLY), FOPEN_DIRECT_IO);
	assert_int_equal(open_flags("kernel_cache", O_RDONLY), FOPEN_KEEP_CACHE);
	assert_int_equal(open_flags("parallel_direct_write=1", O_RDONLY),
			 FOPEN_PARALLEL_DIRECT_WRITES);
	answer.flags = O_RDONLY;
	assert_int_equal(open_flags("no_rofd_flush", O_RDONLY), FOPEN_NOFLUSH);
	answer.flags = O_RDWR;
	assert_int_equal(open_flags("no_rofd_flush", O_RDWR), 0);
	answer.nonseekable = 1;
	assert_int_equal(open_flags(NULL, O_RDONLY), FOPEN_NONSEEKABLE);
}

static void auto_cache_notices_a_change(void **state)
{
	struct fuse_entry_out e;
	struct fuse_attr_out a;
	struct fuse_open_out o;
	uint32_t flags[4];

	file_mtime = 100;
	start("auto_cache,ac_attr_timeout=1000");
	look_up("f", &e);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(mock_open(served.m, e.nodeid, O_RDONLY, &o), 0);
		mock_release(served.m, e.nodeid, o.fh, O_RDONLY);
		flags[i] = o.open_flags;
		if (i == 1) {
			file_mtime = 200;
			mock_getattr(served.m, e.nodeid, NULL, &a);
		}
	}
	assert_int_equal(flags[0], 0);
	assert_int_equal(flags[1], FOPEN_KEEP_CACHE);
	assert_int_equal(flags[2], 0);
	assert_int_equal(flags[3], FOPEN_KEEP_CACHE);
	end();
}

static void want_less(struct fuse_config *cfg, struct fuse_conn_info *conn)
{
	conn->max_background = 3;
	cfg->attr_timeout = 9;
	cfg->use_ino = 1;
}

static void the_filesystem_may_decide_otherwise(void **state)
{
	struct fuse_entry_out e;

	change = want_less;
	start("attr_timeout=2");
	look_up("f", &e);
	assert_int_equal(e.attr_valid, 9);
	assert_int_equal(e.attr.ino, 777);
	assert_int_equal(mock_init_out(served.m)->max_background, 3);
	end();
	/* But not about what the user said of the connection. */
	change = want_less;
	start("max_background=500,congestion_threshold=400");
	assert_int_equal(seen_background, 500);
	assert_int_equal(seen_threshold, 400);
	assert_int_equal(mock_init_out(served.m)->max_background, 500);
	assert_int_equal(mock_init_out(served.m)->congestion_threshold, 400);
	end();
}

static void need_no_path(struct fuse_config *cfg, struct fuse_conn_info *conn)
{
	cfg->nullpath_ok = 1;
}

static void need_no_path_at_all(struct fuse_config *cfg, struct fuse_conn_info *conn)
{
	cfg->nullpath_ok = 1;
	profuse_accept_null_paths(cfg);
}

/* Programs of libfuse that set nullpath_ok find the path in lseek all the same. */
static void open_files_may_need_no_path(void **state)
{
	static const struct {
		void (*change)(struct fuse_config *cfg, struct fuse_conn_info *conn);
		const char *read, *lseek;
	} cases[] = {
		{NULL, "/f", "/f"},
		{need_no_path, "none", "/f"},
		{need_no_path_at_all, "none", "none"},
	};
	struct fuse_entry_out e;
	struct fuse_open_out o;
	uint64_t to;
	char buf[8];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		change = cases[i].change;
		start(NULL);
		look_up("f", &e);
		assert_int_equal(mock_open(served.m, e.nodeid, O_RDONLY, &o), 0);
		assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, sizeof(buf), 0), 0);
		assert_int_equal(mock_lseek(served.m, e.nodeid, o.fh, 3, SEEK_DATA, &to), 0);
		assert_int_equal(to, 3);
		assert_string_equal(given[0], cases[i].read);
		assert_string_equal(given[1], cases[i].lseek);
		mock_release(served.m, e.nodeid, o.fh, O_RDONLY);
		end();
	}
}

static void removed_open_files_have_no_path(void **state)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	uint64_t to;
	char buf[8];

	start("hard_remove");
	look_up("f", &e);
	assert_int_equal(mock_open(served.m, e.nodeid, O_RDONLY, &o), 0);
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, sizeof(buf), 0), 0);
	assert_string_equal(given[0], "/f");
	assert_int_equal(mock_unlink(served.m, FUSE_ROOT_ID, "f"), 0);
	assert_int_equal(mock_read(served.m, e.nodeid, o.fh, buf, sizeof(buf), 0), 0);
	assert_string_equal(given[0], "none");
	assert_int_equal(mock_lseek(served.m, e.nodeid, o.fh, 3, SEEK_DATA, &to), -ENOENT);
	mock_release(served.m, e.nodeid, o.fh, O_RDONLY);
	end();
}

static struct fuse *try_new(const char *options)
{
	char *argv[] = {(char *)"test", (char *)"-o", (char *)(uintptr_t)options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse *f = fuse_new(&args, &opt_operations, sizeof(opt_operations), NULL);

	fuse_opt_free_args(&args);
	return f;
}

static void what_nobody_knows_is_refused(void **state)
{
	static const char *const bad[] = {
		"no_such_option",	"inode_cache=lots", "inode_cache=", "inode_cache=12x",
		"modules=nosuchmodule", "modules=subdir",   "nullpath_ok",
	};

	log_clear();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(try_new(bad[i]));
		assert_string_not_equal(log_text(), "");
		log_clear();
	}
}

static void loops_and_cache_have_options(void **state)
{
	struct fuse *f = try_new("max_threads=7,max_idle_threads=3,clone_fd,inode_cache=64M");

	assert_non_null(f);
	assert_int_equal(f->opts.max_threads, 7);
	assert_int_equal(f->opts.max_idle_threads, 3);
	assert_int_equal(f->opts.clone_fd, 1);
	assert_int_equal(f->opts.inode_cache, 64 << 20);
	fuse_destroy(f);
}

static void a_module_may_stand_on_top(void **state)
{
	struct fuse_entry_out e;

	start("modules=iconv:subdir,subdir=/x,to_code=UTF-8,from_code=UTF-8");
	look_up("f", &e);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_member_of_the_configuration),
		cmocka_unit_test(attributes_are_shown_as_asked),
		cmocka_unit_test(the_absence_of_a_name_can_be_remembered),
		cmocka_unit_test(open_files_get_their_flags),
		cmocka_unit_test(auto_cache_notices_a_change),
		cmocka_unit_test(the_filesystem_may_decide_otherwise),
		cmocka_unit_test(open_files_may_need_no_path),
		cmocka_unit_test(removed_open_files_have_no_path),
		cmocka_unit_test(what_nobody_knows_is_refused),
		cmocka_unit_test(loops_and_cache_have_options),
		cmocka_unit_test(a_module_may_stand_on_top),
	};

	log_capture();
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
