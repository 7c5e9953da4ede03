/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lookups and forgets in masses, and such as no kernel should send: what is
 * forgotten is gone, with its memory, and what is not stays. A number that is given
 * out again is told from the old one by its generation.
 *
 * usage: ... [FILES] (default 20000; PROFUSE_STORM in the environment)
 */
#include "served.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "highlevel/hl.h"

#define CLIENTS 4
#define BATCH	400

static struct served served;
static uint32_t files = 20000;

static int storm_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	st->st_mode = path[1] && path[1] != 'd' ? S_IFREG | 0644 : S_IFDIR | 0755;
	st->st_nlink = 1;
	return 0;
}

static const struct fuse_operations storm_operations = {.getattr = storm_getattr};

static void look_up(uint64_t dir, const char *name, struct fuse_entry_out *e)
{
	assert_int_equal(mock_lookup(served.m, dir, name, e), 0);
}

/* Forgets without the mock's books, which hold only what a kernel may do. */
static void forget_raw(uint64_t ino, uint64_t count)
{
	const struct fuse_forget_in in = {.nlookup = count};

	mock_send(served.m, &(struct mock_call){.op = PROTO_FORGET, .nodeid = ino, .in = &in});
}

/* All requests sent so far have been handled: there is one thread. */
static void settle(void)
{
	struct fuse_attr_out a;

	assert_int_equal(mock_getattr(served.m, FUSE_ROOT_ID, NULL, &a), 0);
}

static uint64_t table_bytes(void)
{
	struct hl_usage u;

	hl_table_usage(served.f->table, &u);
	return u.node_bytes + u.name_bytes;
}

/* ---- masses ---- */

struct client {
	pthread_t thread;
	uint64_t dir;
	unsigned int number;
	struct fuse_forget_one *list;
};

static void *look_up_many(void *arg)
{
	struct client *c = arg;
	struct fuse_entry_out e;
	char name[32];

	for (uint32_t i = 0; i < files / CLIENTS; i++) {
		snprintf(name, sizeof(name), "file-%u-%u", c->number, i);
		look_up(c->dir, name, &e);
		c->list[i] = (struct fuse_forget_one){.nodeid = e.nodeid, .nlookup = 1};
	}
	return NULL;
}

/* From the last to the first, as a kernel that shrinks its caches does in no
 * order that one could rely on. */
static void *forget_many(void *arg)
{
	struct client *c = arg;
	uint32_t left = files / CLIENTS;

	while (left) {
		uint32_t n = left < BATCH ? left : BATCH;

		left -= n;
		assert_int_equal(mock_batch_forget(served.m, c->list + left, n), 0);
	}
	return NULL;
}

static void all_clients(struct client *c, void *(*what)(void *))
{
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&c[i].thread, NULL, what, &c[i]), 0);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(c[i].thread, NULL);
}

static void masses(const char *options, unsigned int threads)
{
	struct client clients[CLIENTS] = {0};
	struct fuse_entry_out e;
	uint64_t empty, full;

	serve_start(&served, &storm_operations, options, threads, NULL);
	empty = table_bytes();
	for (unsigned int i = 0; i < CLIENTS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d%u", i);
		look_up(FUSE_ROOT_ID, name, &e);
		clients[i] = (struct client){.dir = e.nodeid, .number = i};
		clients[i].list = calloc(files, sizeof(clients[i].list[0]));
		assert_non_null(clients[i].list);
	}
	for (int round = 0; round < 2; round++) {
		all_clients(clients, look_up_many);
		full = table_bytes();
		assert_int_equal(serve_nodes(&served), 1 + CLIENTS + files / CLIENTS * CLIENTS);
		printf("%u files: %.1f bytes each, names included\n", files,
		       (double)(full - empty) / files);
		/* 80 without the name; names have about 13 bytes, and room to grow. */
		assert_true(full - empty < files * 110ull + (1 << 17));
		all_clients(clients, forget_many);
		assert_true(serve_nodes_become(&served, 1 + CLIENTS));
		assert_true(table_bytes() < empty + (full - empty) / 10 + (1 << 17));
	}
	for (int i = 0; i < CLIENTS; i++)
		free(clients[i].list);
	serve_end(&served, true);
}

static void masses_on_one_thread(void **state)
{
	masses(NULL, 0);
}

static void masses_on_several_threads(void **state)
{
	masses(NULL, 6);
}

/* One file that is looked up again and again by some, and forgotten piecemeal. */
static void *look_up_one(void *arg)
{
	struct client *c = arg;
	struct fuse_entry_out e;
	uint32_t held = 0;

	for (uint32_t i = 0; i < files / CLIENTS; i++) {
		look_up(FUSE_ROOT_ID, "one", &e);
		if (++held % 7 == 0) {
			mock_forget(served.m, e.nodeid, 5);
			held -= 5;
		}
	}
	c->list[0] = (struct fuse_forget_one){.nodeid = e.nodeid, .nlookup = held};
	return NULL;
}

static void one_file_in_masses(void **state)
{
	struct fuse_forget_one lists[CLIENTS];
	struct client clients[CLIENTS] = {0};
	uint64_t held = 0;

	serve_start(&served, &storm_operations, NULL, 6, NULL);
	for (int i = 0; i < CLIENTS; i++)
		clients[i].list = &lists[i];
	all_clients(clients, look_up_one);
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(lists[i].nodeid, lists[0].nodeid);
		held += lists[i].nlookup;
	}
	assert_int_equal(mock_lookups(served.m, lists[0].nodeid), held);
	assert_int_equal(mock_forget(served.m, lists[0].nodeid, held - 1), 0);
	assert_int_equal(serve_nodes(&served), 2);
	assert_int_equal(mock_forget(served.m, lists[0].nodeid, 1), 0);
	assert_true(serve_nodes_become(&served, 1));
	serve_end(&served, true);
}

/* ---- what no kernel should send ---- */

static void forgets_of_nothing(void **state)
{
	static const uint64_t strange[] = {0, 2, 63, 64, 4711, UINT32_MAX, 1ull << 32, UINT64_MAX};
	struct fuse_entry_out e;
	struct fuse_attr_out a;

	serve_start(&served, &storm_operations, NULL, 0, NULL);
	log_clear();
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		forget_raw(strange[i], 1);
		forget_raw(strange[i], UINT64_MAX);
	}
	forget_raw(FUSE_ROOT_ID, UINT64_MAX);
	settle();
	assert_non_null(strstr(log_text(), "more often than it looked it up"));
	look_up(FUSE_ROOT_ID, "f", &e);
	assert_int_equal(mock_getattr(served.m, e.nodeid, NULL, &a), 0);
	serve_end(&served, true);
}

static void more_forgets_than_lookups(void **state)
{
	struct fuse_entry_out d, f, e;
	struct fuse_open_out o;
	struct fuse_attr_out a;

	serve_start(&served, &storm_operations, NULL, 0, NULL);
	look_up(FUSE_ROOT_ID, "d", &d);
	look_up(d.nodeid, "f", &f);
	assert_int_equal(mock_open(served.m, f.nodeid, O_RDWR, &o), 0);
	log_clear();
	forget_raw(f.nodeid, 2);
	forget_raw(d.nodeid, UINT64_MAX);
	settle();
	assert_non_null(strstr(log_text(), "more often than it looked it up"));
	/* What is open stays, and what it lies in. */
	assert_int_equal(mock_getattr(served.m, f.nodeid, &o.fh, &a), 0);
	look_up(FUSE_ROOT_ID, "d", &e);
	assert_int_equal(e.nodeid, d.nodeid);
	assert_int_equal(mock_release(served.m, f.nodeid, o.fh, O_RDWR), 0);
	assert_int_equal(mock_getattr(served.m, f.nodeid, NULL, &a), -ESTALE);
	serve_end(&served, true);
}

/* ---- numbers that are used again ---- */

/* Half of the time all at once, so that whole pages of nodes are given back. */
static void a_number_never_means_two_files(void **state)
{
	const uint32_t held = 200, rounds = 1 + files / held;
	uint64_t *last = calloc(files + held, sizeof(*last)), reused = 0;
	struct fuse_entry_out e[200];
	struct fuse_attr_out a;
	char name[32];

	assert_non_null(last);
	serve_start(&served, &storm_operations, NULL, 0, NULL);
	for (uint32_t r = 0; r < rounds; r++) {
		for (uint32_t i = 0; i < held; i++) {
			snprintf(name, sizeof(name), "f%u-%u", r, i);
			look_up(FUSE_ROOT_ID, name, &e[i]);
			assert_true(e[i].nodeid < files + held);
			/* 0: never seen. Each time it is a later one. */
			assert_true(e[i].generation + 1 > last[e[i].nodeid]);
			reused += last[e[i].nodeid] != 0;
			last[e[i].nodeid] = e[i].generation + 1;
		}
		for (uint32_t i = 0; i < held; i++)
			mock_forget(served.m, e[r % 2 ? i : held - 1 - i].nodeid, 1);
		settle();
		assert_int_equal(mock_getattr(served.m, e[0].nodeid, NULL, &a), -ESTALE);
	}
	assert_true(reused > 0);
	serve_end(&served, true);
	free(last);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masses_on_one_thread),
		cmocka_unit_test(masses_on_several_threads),
		cmocka_unit_test(one_file_in_masses),
		cmocka_unit_test(forgets_of_nothing),
		cmocka_unit_test(more_forgets_than_lookups),
		cmocka_unit_test(a_number_never_means_two_files),
	};
	const char *wanted = argc > 1 ? argv[1] : getenv("PROFUSE_STORM");

	if (wanted)
		files = (uint32_t)strtoul(wanted, NULL, 10);
	log_capture();
	return cmocka_run_group_tests_name("forget storms", tests, NULL, NULL);
}
