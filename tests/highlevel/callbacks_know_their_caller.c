/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Context, interrupts and concurrency as callbacks see them; what the library
 * does besides requests.
 */
#include "served.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "highlevel/hl.h"

#define DEADLINE_MS 30000

static struct served served;
static struct fuse_context seen;
static gid_t seen_groups[64];
static int seen_group_count;
static _Atomic int inside, let_go, interrupted;
static bool without_paths; /* nullpath_ok */
static _Atomic int opened, released;
static _Atomic uint64_t borrowed; /* the fh that getattr works on */
static _Atomic int too_early;	  /* it was released meanwhile */

static void *ctx_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	seen = *fuse_get_context();
	cfg->nullpath_ok = without_paths;
	return (void *)(uintptr_t) "from init";
}

static int ctx_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	seen = *fuse_get_context();
	seen_group_count = fuse_getgroups(64, seen_groups);
	if (!path) {
		borrowed = fi->fh;
		inside++;
		while (!let_go)
			usleep(1000);
		inside--;
		path = "/file";
	}
	st->st_mode = strchr("/d", path[strlen(path) - 1]) ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_nlink = 1;
	return 0;
}

static int ctx_open(const char *path, struct fuse_file_info *fi)
{
	fi->fh = (uint64_t)++opened;
	return 0;
}

static int ctx_release(const char *path, struct fuse_file_info *fi)
{
	if (!let_go && fi->fh == borrowed)
		too_early = 1;
	released++;
	return 0;
}

static int ctx_mkdir(const char *path, mode_t mode)
{
	seen = *fuse_get_context();
	return -EPERM;
}

/* Blocks, until told or interrupted, on "/d/stuck". */
static int ctx_access(const char *path, int mask)
{
	int res = 0;

	if (strcmp(path, "/d/stuck"))
		return 0;
	inside++;
	while (!let_go && !res) {
		if (poll(NULL, 0, 20) < 0 && errno == EINTR)
			res = -EINTR;
		if (fuse_interrupted())
			interrupted = 1;
	}
	inside--;
	return res;
}

static int ctx_rename(const char *from, const char *to, unsigned int flags)
{
	return 0;
}

static int ctx_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		       struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	filler(buf, "entry", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

static int ctx_unlink(const char *path)
{
	return 0;
}

static void ctx_destroy(void *data)
{
	seen = *fuse_get_context();
	seen_group_count = fuse_getgroups(0, NULL);
	assert_string_equal(data, "from init");
}

static const struct fuse_operations ctx_operations = {
	.init = ctx_init,
	.getattr = ctx_getattr,
	.mkdir = ctx_mkdir,
	.open = ctx_open,
	.release = ctx_release,
	.access = ctx_access,
	.rename = ctx_rename,
	.unlink = ctx_unlink,
	.rmdir = ctx_unlink,
	.readdir = ctx_readdir,
	.destroy = ctx_destroy,
};

static uint64_t look_up(uint64_t dir, const char *name)
{
	struct fuse_entry_out e;

	assert_int_equal(mock_lookup(served.m, dir, name, &e), 0);
	return e.nodeid;
}

static bool wait_for(_Atomic int *what, int value)
{
	for (int i = 0; i < DEADLINE_MS && *what != value; i++)
		usleep(1000);
	return *what == value;
}

static uint64_t send_access(uint64_t ino)
{
	const struct fuse_access_in in = {.mask = 4};

	return mock_send(served.m,
			 &(struct mock_call){.op = PROTO_ACCESS, .nodeid = ino, .in = &in});
}

static void reset(void)
{
	inside = let_go = interrupted = 0;
	opened = released = too_early = 0;
	log_clear();
}

static void the_context_is_the_callers(void **state)
{
	char data[] = "from main";
	struct mock_reply r;
	const struct mock_call call = {
		.op = PROTO_GETATTR, .nodeid = 1, .uid = 7, .gid = 8, .pid = 9};
	const struct fuse_mkdir_in in = {.mode = 0750, .umask = 027};
	const struct mock_call make = {.op = PROTO_MKDIR, .nodeid = 1, .in = &in, .name = {"x"}};

	reset();
	assert_null(fuse_get_context()); /* this thread has run none */
	serve_start(&served, &ctx_operations, NULL, 0, data);
	assert_ptr_equal(seen.private_data, data);
	assert_ptr_equal(seen.fuse, served.f);
	assert_int_equal(mock_call(served.m, &call, &r), 0);
	mock_reply_free(&r);
	assert_int_equal(seen.uid, 7);
	assert_int_equal(seen.gid, 8);
	assert_int_equal(seen.pid, 9);
	assert_ptr_equal(seen.fuse, served.f);
	assert_string_equal(seen.private_data, "from init");
	assert_int_equal(mock_call(served.m, &make, &r), -EPERM);
	mock_reply_free(&r);
	assert_int_equal(seen.umask, 027);
	memset(&seen, 0, sizeof(seen));
	serve_end(&served, true);
	assert_int_equal(seen.uid, 0); /* destroy */
	assert_ptr_equal(seen.fuse, served.f);
	assert_string_equal(seen.private_data, "from init");
	assert_true(seen_group_count < 0); /* nobody called */
	assert_int_equal(fuse_interrupted(), 0);
	assert_true(fuse_getgroups(0, NULL) < 0);
}

static void the_groups_are_the_callers(void **state)
{
	struct mock_call call = {.op = PROTO_GETATTR, .nodeid = 1, .pid = (uint32_t)getpid()};
	struct mock_reply r;
	gid_t own[64];
	int n;

	/* Root may choose some; others have what they have. */
	(void)!setgroups(3, (gid_t[]){5, 70000, 6});
	n = getgroups(64, own);
	reset();
	serve_start(&served, &ctx_operations, NULL, 0, NULL);
	assert_int_equal(mock_call(served.m, &call, &r), 0);
	mock_reply_free(&r);
	assert_int_equal(seen_group_count, n);
	assert_memory_equal(seen_groups, own, sizeof(own[0]) * (size_t)n);
	/* Somebody who has gone, or is in another namespace. */
	call.pid = 0x7ffffff0;
	assert_int_equal(mock_call(served.m, &call, &r), 0);
	mock_reply_free(&r);
	assert_true(seen_group_count < 0);
	serve_end(&served, true);
}

static void a_stuck_callback_stalls_nothing_elsewhere(void **state)
{
	struct fuse_attr_out a;
	uint64_t d, stuck, sub, other, unique;
	struct mock_reply r;
	char names[32];

	reset();
	serve_start(&served, &ctx_operations, NULL, 6, NULL);
	d = look_up(1, "d");
	stuck = look_up(d, "stuck");
	sub = look_up(d, "sub");
	other = look_up(1, "other");
	unique = send_access(stuck);
	assert_true(wait_for(&inside, 1));
	/* Beside it, above it, and removing and moving around it. */
	assert_int_equal(mock_getattr(served.m, stuck, NULL, &a), 0);
	assert_int_equal(mock_getattr(served.m, d, NULL, &a), 0);
	assert_int_equal(mock_rename(served.m, d, "sub", 1, "sub", 0), 0);
	assert_int_equal(mock_unlink(served.m, 1, "other"), 0);
	assert_int_equal(mock_rmdir(served.m, d, "nothing"), 0);
	for (int i = 0; i < 2; i++) {
		const uint64_t dir = i ? d : 1;

		assert_int_equal(mock_forget(served.m, look_up(dir, "new"), 1), 0);
		assert_int_equal(list_names(served.m, dir, true, names, sizeof(names)), 0);
	}
	assert_int_equal(mock_forget(served.m, other, 1), 0);
	assert_int_equal(mock_forget(served.m, sub, 1), 0);
	assert_true(serve_nodes_become(&served, 3));
	assert_int_equal(mock_wait_ms(served.m, unique, 0, NULL), -EAGAIN);
	let_go = 1;
	assert_int_equal(mock_wait(served.m, unique, &r), 0);
	assert_int_equal(r.error, 0);
	mock_reply_free(&r);
	serve_end(&served, true);
}

/* fstat of a removed file works on any of its open files; who closes that one at the
 * same time waits until it is done. */
static void an_open_file_stays_while_it_is_borrowed(void **state)
{
	struct fuse_release_in release[2];
	uint64_t f, unique, closing[2];
	struct fuse_open_out o[2];
	struct mock_reply r;

	reset();
	without_paths = true;
	serve_start(&served, &ctx_operations, NULL, 6, NULL);
	without_paths = false;
	f = look_up(1, "file");
	for (int i = 0; i < 2; i++)
		assert_int_equal(mock_open(served.m, f, O_RDWR, &o[i]), 0);
	assert_int_equal(mock_unlink(served.m, 1, "file"), 0);
	unique = mock_send(served.m, &(struct mock_call){.op = PROTO_GETATTR, .nodeid = f});
	assert_true(wait_for(&inside, 1));
	for (int i = 0; i < 2; i++) {
		release[i] = (struct fuse_release_in){.fh = o[i].fh, .flags = O_RDWR};
		closing[i] = mock_send(
			served.m,
			&(struct mock_call){.op = PROTO_RELEASE, .nodeid = f, .in = &release[i]});
	}
	assert_true(wait_for(&released, 1));
	assert_int_equal(mock_wait_ms(served.m, unique, 50, NULL), -EAGAIN);
	assert_int_equal(released, 1);
	let_go = 1;
	assert_int_equal(mock_wait(served.m, unique, &r), 0);
	assert_int_equal(r.error, 0);
	mock_reply_free(&r);
	for (int i = 0; i < 2; i++)
		assert_int_equal(mock_wait(served.m, closing[i], NULL), 0);
	assert_int_equal(released, 2);
	assert_int_equal(too_early, 0);
	serve_end(&served, false);
}

static void a_rename_above_it_waits_and_keeps_nobody_out(void **state)
{
	const struct fuse_rename_in in = {.newdir = 1};
	struct fuse_attr_out a;
	uint64_t d, stuck, sub, access, move;
	struct mock_reply r;

	reset();
	serve_start(&served, &ctx_operations, NULL, 6, NULL);
	d = look_up(1, "d");
	stuck = look_up(d, "stuck");
	sub = look_up(d, "sub");
	access = send_access(stuck);
	assert_true(wait_for(&inside, 1));
	move = mock_send(served.m,
			 &(struct mock_call){
				 .op = PROTO_RENAME, .nodeid = 1, .in = &in, .name = {"d", "e"}});
	assert_int_equal(mock_wait_ms(served.m, move, 100, NULL), -EAGAIN);
	assert_int_equal(mock_getattr(served.m, sub, NULL, &a), 0);
	assert_int_equal(mock_wait_ms(served.m, move, 0, NULL), -EAGAIN);
	let_go = 1;
	assert_int_equal(mock_wait(served.m, access, &r), 0);
	mock_reply_free(&r);
	assert_int_equal(mock_wait(served.m, move, &r), 0);
	assert_int_equal(r.error, 0);
	mock_reply_free(&r);
	serve_end(&served, true);
}

static void intr_interrupts_system_calls(void **state)
{
	struct mock_reply r;
	uint64_t d, stuck, unique;

	reset();
	serve_start(&served, &ctx_operations, "intr", 4, NULL);
	d = look_up(1, "d");
	stuck = look_up(d, "stuck");
	unique = send_access(stuck);
	assert_true(wait_for(&inside, 1));
	assert_true(mock_interrupt(served.m, unique));
	assert_int_equal(mock_wait(served.m, unique, &r), 0);
	assert_int_equal(r.error, -EINTR);
	mock_reply_free(&r);
	serve_end(&served, true);
}

static void without_intr_the_callback_may_ask(void **state)
{
	struct mock_reply r;
	uint64_t d, stuck, unique;

	reset();
	serve_start(&served, &ctx_operations, NULL, 4, NULL);
	d = look_up(1, "d");
	stuck = look_up(d, "stuck");
	unique = send_access(stuck);
	assert_true(wait_for(&inside, 1));
	assert_true(mock_interrupt(served.m, unique));
	assert_true(wait_for(&interrupted, 1));
	let_go = 1;
	assert_int_equal(mock_wait(served.m, unique, &r), 0);
	assert_int_equal(r.error, 0);
	mock_reply_free(&r);
	serve_end(&served, true);
}

/* All workers are busy all the time, but never long in one callback. */
static void busy_workers_that_get_on_are_not_named(void **state)
{
	const time_t end = time(NULL) + 8;
	uint64_t d, stuck, unique[6];

	reset();
	serve_start(&served, &ctx_operations, NULL, 2, NULL);
	d = look_up(1, "d");
	stuck = look_up(d, "stuck");
	while (time(NULL) < end) {
		for (int i = 0; i < 6; i++)
			unique[i] = send_access(stuck);
		assert_true(wait_for(&inside, 2));
		usleep(300000);
		let_go = 1;
		for (int i = 0; i < 6; i++)
			assert_int_equal(mock_wait(served.m, unique[i], NULL), 0);
		let_go = 0;
	}
	assert_string_equal(log_text(), "");
	serve_end(&served, true);
}

/* "all 2 worker threads ... 2 access", once. */
static void busy_workers_are_named_once(void **state)
{
	uint64_t d, stuck, unique[3];
	const char *line;

	reset();
	serve_start(&served, &ctx_operations, NULL, 2, NULL);
	d = look_up(1, "d");
	stuck = look_up(d, "stuck");
	for (int i = 0; i < 3; i++)
		unique[i] = send_access(stuck);
	for (int i = 0; i < DEADLINE_MS / 10 && !strstr(log_text(), "worker threads"); i++)
		usleep(10000);
	line = strstr(log_text(), "all 2 worker threads");
	assert_non_null(line);
	assert_non_null(strstr(line, "2 access"));
	let_go = 1;
	for (int i = 0; i < 3; i++)
		assert_int_equal(mock_wait(served.m, unique[i], NULL), 0);
	assert_null(strstr(strstr(log_text(), "worker threads") + 1, "worker threads"));
	serve_end(&served, true);
}

static void what_is_remembered_is_forgotten_in_time(void **state)
{
	uint64_t f;

	reset();
	serve_start(&served, &ctx_operations, "remember=1", 2, NULL);
	f = look_up(1, "f");
	mock_forget(served.m, f, 1);
	assert_int_equal(look_up(1, "f"), f);
	mock_forget(served.m, f, 1);
	assert_true(serve_nodes_become(&served, 1));
	assert_in_range(fuse_clean_cache(served.f), 1, 1);
	assert_int_equal(fuse_start_cleanup_thread(served.f), 0);
	fuse_stop_cleanup_thread(served.f);
	serve_end(&served, true);
}

/* Programs sleep for as long as it says. */
static void with_nothing_to_forget_there_is_no_hurry(void **state)
{
	static const char *const options[] = {NULL, "noforget"};

	reset();
	for (int i = 0; i < 2; i++) {
		serve_start(&served, &ctx_operations, options[i], 2, NULL);
		mock_forget(served.m, look_up(1, "f"), 1);
		assert_true(fuse_clean_cache(served.f) > 10);
		serve_end(&served, false);
	}
}

static void a_path_can_be_invalidated(void **state)
{
	struct mock_notify n;
	uint64_t d, f;

	reset();
	serve_start(&served, &ctx_operations, NULL, 0, NULL);
	d = look_up(1, "d");
	f = look_up(d, "f");
	assert_int_equal(fuse_invalidate_path(served.f, "/d/nobody asked"), -ENOENT);
	assert_int_equal(fuse_invalidate_path(served.f, "/d/f"), 0);
	assert_true(mock_next_notify(served.m, &n));
	assert_int_equal(n.code, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(((struct fuse_notify_inval_inode_out *)n.body)->ino, f);
	mock_notify_free(&n);
	serve_end(&served, true);
}

/* What the kernel is asked to drop is answered with forgets, as Linux would. */
static void the_table_is_kept_small(void **state)
{
	struct mock_notify n;
	uint64_t asked = 0;
	char name[32];

	reset();
	serve_start(&served, &ctx_operations, "inode_cache=200K", 2, NULL);
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		look_up(1, name);
		while (mock_notify_count(served.m)) {
			const struct fuse_notify_prune_out *p;
			const uint64_t *ino;

			assert_true(mock_next_notify(served.m, &n));
			assert_int_equal(n.code, FUSE_NOTIFY_PRUNE);
			p = (const struct fuse_notify_prune_out *)n.body;
			ino = (const uint64_t *)(p + 1);
			for (uint32_t k = 0; k < p->count; k++, asked++) {
				if (mock_lookups(served.m, ino[k]))
					mock_forget(served.m, ino[k],
						    mock_lookups(served.m, ino[k]));
			}
			mock_notify_free(&n);
		}
	}
	assert_true(asked > 10000);
	assert_true(serve_nodes(&served) < 4000);
	serve_end(&served, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_context_is_the_callers),
		cmocka_unit_test(the_groups_are_the_callers),
		cmocka_unit_test(a_stuck_callback_stalls_nothing_elsewhere),
		cmocka_unit_test(an_open_file_stays_while_it_is_borrowed),
		cmocka_unit_test(a_rename_above_it_waits_and_keeps_nobody_out),
		cmocka_unit_test(intr_interrupts_system_calls),
		cmocka_unit_test(without_intr_the_callback_may_ask),
		cmocka_unit_test(busy_workers_that_get_on_are_not_named),
		cmocka_unit_test(busy_workers_are_named_once),
		cmocka_unit_test(what_is_remembered_is_forgotten_in_time),
		cmocka_unit_test(with_nothing_to_forget_there_is_no_hurry),
		cmocka_unit_test(a_path_can_be_invalidated),
		cmocka_unit_test(the_table_is_kept_small),
	};

	log_capture();
	return cmocka_run_group_tests_name("callbacks", tests, NULL, NULL);
}
