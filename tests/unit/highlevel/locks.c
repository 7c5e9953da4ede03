/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who waits for whom: an operation that never ends holds up the writers that
 * need its path, and nobody else.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "highlevel/table.h"

/* Long enough to be sure that somebody waits, in ms. */
#define A_WHILE 60
/* What must not take longer even on a busy machine. */
#define DEADLINE 20000

/* /a/b/c, /a/d, /x, /y */
struct tree {
	struct hl_table *t;
	uint64_t a, b, c, d, x, y;
};

static uint64_t lookup(struct hl_table *t, uint64_t dir, const char *name)
{
	struct hl_where w = {dir, name};
	struct hl_entry e;
	struct hl_op op;

	assert_int_equal(hl_begin(t, &op, "test", &w, 1), 0);
	assert_int_equal(hl_lookup(&op, dir, name, &e), 0);
	hl_end(&op);
	return e.ino;
}

static int set_up(void **state)
{
	struct tree *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(hl_table_new(HL_FORGET_AT_ONCE, 0, &s->t), 0);
	s->a = lookup(s->t, HL_ROOT_INO, "a");
	s->b = lookup(s->t, s->a, "b");
	s->c = lookup(s->t, s->b, "c");
	s->d = lookup(s->t, s->a, "d");
	s->x = lookup(s->t, HL_ROOT_INO, "x");
	s->y = lookup(s->t, HL_ROOT_INO, "y");
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct tree *s = *state;

	hl_table_free(s->t);
	free(s);
	return 0;
}

/* ---- an operation on a thread of its own ---- */

enum phase { BEGINS, INSIDE, DONE };

struct task {
	struct hl_table *t;
	bool writer;
	struct hl_where w[2];
	unsigned int count;
	_Atomic int phase;
	_Atomic bool leave; /* stays inside until then */
	pthread_t thread;
};

static void *run(void *arg)
{
	struct task *k = arg;
	struct hl_op op;
	int err;

	if (k->writer)
		err = hl_begin_write(k->t, &op, "test", k->w, k->count);
	else
		err = hl_begin(k->t, &op, "test", k->w, k->count);
	if (err)
		abort();
	atomic_store(&k->phase, INSIDE);
	while (!atomic_load(&k->leave))
		usleep(1000);
	if (k->writer && k->count == 2)
		hl_renamed(&op, false);
	else if (k->writer)
		hl_removed(&op);
	hl_end(&op);
	atomic_store(&k->phase, DONE);
	return NULL;
}

static void start(struct task *k)
{
	assert_int_equal(pthread_create(&k->thread, NULL, run, k), 0);
}

static bool reaches(struct task *k, int phase, int ms)
{
	for (int i = 0; i < ms && atomic_load(&k->phase) < phase; i++)
		usleep(1000);
	return atomic_load(&k->phase) >= phase;
}

static void finish(struct task *k)
{
	atomic_store(&k->leave, true);
	assert_true(reaches(k, DONE, DEADLINE));
	pthread_join(k->thread, NULL);
}

#define READER(...)                                                                                \
	{                                                                                          \
		.t = s->t, .w = {__VA_ARGS__}, .count = 1                                          \
	}
#define REMOVER(...)                                                                               \
	{                                                                                          \
		.t = s->t, .writer = true, .w = {__VA_ARGS__}, .count = 1                          \
	}
#define RENAMER(...)                                                                               \
	{                                                                                          \
		.t = s->t, .writer = true, .w = {__VA_ARGS__}, .count = 2                          \
	}

/* Begins and ends at once. */
static void passes(struct task *k)
{
	start(k);
	assert_true(reaches(k, INSIDE, DEADLINE));
	finish(k);
}

/* ---- tests ---- */

static void a_rename_waits_for_what_is_below(void **state)
{
	struct tree *s = *state;
	struct task below = READER({s->c, NULL});
	struct task mover = RENAMER({HL_ROOT_INO, "a"}, {HL_ROOT_INO, "z"});

	start(&below);
	assert_true(reaches(&below, INSIDE, DEADLINE));
	start(&mover);
	assert_false(reaches(&mover, INSIDE, A_WHILE));
	finish(&below);
	assert_true(reaches(&mover, INSIDE, DEADLINE));
	finish(&mover);
	assert_int_equal(hl_find_path(s->t, "/z/b/c"), s->c);
}

/* To the filesystem it is a file now, removed by unlink. */
static void a_removal_waits_for_what_is_below(void **state)
{
	struct tree *s = *state;
	struct task below = READER({s->c, NULL});
	struct task remover = REMOVER({s->a, "b"});

	start(&below);
	assert_true(reaches(&below, INSIDE, DEADLINE));
	start(&remover);
	assert_false(reaches(&remover, INSIDE, A_WHILE));
	finish(&below);
	assert_true(reaches(&remover, INSIDE, DEADLINE));
	finish(&remover);
}

static void an_operation_waits_while_its_path_changes(void **state)
{
	struct tree *s = *state;
	struct task mover = RENAMER({HL_ROOT_INO, "a"}, {HL_ROOT_INO, "z"});
	struct task below = READER({s->c, NULL});
	struct task entry = READER({s->b, "new"});
	struct task old_name = READER({HL_ROOT_INO, "a"});
	struct task new_name = READER({HL_ROOT_INO, "z"});
	struct task beside = READER({s->x, NULL});

	start(&mover);
	assert_true(reaches(&mover, INSIDE, DEADLINE));
	start(&below);
	start(&entry);
	start(&old_name);
	start(&new_name);
	passes(&beside);
	assert_false(reaches(&below, INSIDE, A_WHILE));
	assert_int_equal(atomic_load(&entry.phase), BEGINS);
	assert_int_equal(atomic_load(&old_name.phase), BEGINS);
	assert_int_equal(atomic_load(&new_name.phase), BEGINS);
	finish(&mover);
	finish(&below);
	finish(&entry);
	finish(&old_name);
	finish(&new_name);
}

static void a_stuck_operation_stalls_nothing_elsewhere(void **state)
{
	struct tree *s = *state;
	struct task stuck = READER({s->c, NULL});
	struct task r1 = READER({s->d, NULL}), r2 = READER({s->b, "other"});
	struct task r3 = READER({s->c, NULL}), r4 = READER({HL_ROOT_INO, "x"});
	struct task u1 = REMOVER({s->a, "d"});
	struct task u2 = REMOVER({HL_ROOT_INO, "y"});
	struct task m1 = RENAMER({HL_ROOT_INO, "x"}, {s->b, "x"});

	start(&stuck);
	assert_true(reaches(&stuck, INSIDE, DEADLINE));
	passes(&r1);
	passes(&r2);
	passes(&r3);
	passes(&r4);
	passes(&u1);
	passes(&u2);
	passes(&m1);
	assert_true(hl_forget(s->t, s->d, 1));
	assert_true(hl_forget(s->t, s->c, 1)); /* too early, and harmless */
	hl_forget_done(s->t);
	finish(&stuck);
	assert_int_equal(hl_find_path(s->t, "/a/b/x"), s->x);
}

static void a_writer_that_waits_for_a_stuck_one_keeps_nobody_out(void **state)
{
	struct tree *s = *state;
	struct task stuck = READER({s->c, NULL});
	struct task waits = RENAMER({HL_ROOT_INO, "a"}, {HL_ROOT_INO, "z"});
	struct task reader = READER({s->d, NULL});
	struct task below = RENAMER({s->a, "d"}, {s->b, "d"});
	struct task other = RENAMER({HL_ROOT_INO, "x"}, {HL_ROOT_INO, "y"});

	start(&stuck);
	assert_true(reaches(&stuck, INSIDE, DEADLINE));
	start(&waits);
	assert_false(reaches(&waits, INSIDE, A_WHILE));
	passes(&reader);
	passes(&below);
	passes(&other);
	assert_false(reaches(&waits, INSIDE, A_WHILE));
	finish(&stuck);
	assert_true(reaches(&waits, INSIDE, DEADLINE));
	finish(&waits);
	assert_int_equal(hl_find_path(s->t, "/z/b/d"), s->d);
}

static void writers_of_one_path_take_turns(void **state)
{
	struct tree *s = *state;
	struct task outer = RENAMER({HL_ROOT_INO, "a"}, {s->x, "a"});
	struct task inner = RENAMER({s->b, "c"}, {s->a, "c"});
	struct task target = RENAMER({HL_ROOT_INO, "x"}, {HL_ROOT_INO, "w"});

	start(&outer);
	assert_true(reaches(&outer, INSIDE, DEADLINE));
	start(&inner);
	start(&target);
	assert_false(reaches(&inner, INSIDE, A_WHILE));
	assert_false(reaches(&target, INSIDE, A_WHILE));
	/* Now these two are in each other's way, in whatever order. */
	atomic_store(&inner.leave, true);
	atomic_store(&target.leave, true);
	finish(&outer);
	finish(&inner);
	finish(&target);
	assert_int_equal(hl_find_path(s->t, "/w/a/c"), s->c);
}

static void a_writer_is_not_starved_by_readers(void **state)
{
	struct tree *s = *state;
	struct task r[4];
	struct task mover = RENAMER({HL_ROOT_INO, "a"}, {HL_ROOT_INO, "z"});
	struct timespec t0, t1;

	/* Always one inside: each leaves only after its successor came. */
	for (int i = 0; i < 4; i++)
		r[i] = (struct task)READER({s->d, NULL});
	start(&r[0]);
	assert_true(reaches(&r[0], INSIDE, DEADLINE));
	start(&mover);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 1; !reaches(&mover, INSIDE, 0); i++) {
		struct task *k = &r[i % 4];

		*k = (struct task)READER({s->d, NULL});
		start(k);
		reaches(k, INSIDE, 30); /* or is kept out: then it comes later */
		finish(&r[(i - 1) % 4]);
		if (reaches(&mover, INSIDE, 5)) {
			finish(&mover);
			finish(k);
			break;
		}
		clock_gettime(CLOCK_MONOTONIC, &t1);
		assert_true(t1.tv_sec - t0.tv_sec < 20);
	}
	assert_int_equal(hl_find_path(s->t, "/z/d"), s->d);
}

static void a_listing_that_makes_a_node_late_does_not_confuse_a_rename(void **state)
{
	struct tree *s = *state;
	struct hl_where w[2] = {{s->a, "unknown"}, {s->x, "u"}};
	struct hl_where dir = {s->a, NULL};
	struct hl_op op, listing;
	struct hl_entry e;

	assert_int_equal(hl_begin_write(s->t, &op, "test", w, 2), 0);
	assert_int_equal(hl_begin(s->t, &listing, "test", &dir, 1), 0);
	assert_int_equal(hl_lookup(&listing, s->a, "unknown", &e), 0);
	hl_end(&listing);
	hl_renamed(&op, false);
	hl_end(&op);
	assert_int_equal(hl_find_path(s->t, "/x/u"), e.ino);
	assert_int_equal(hl_find(s->t, s->a, "unknown"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_rename_waits_for_what_is_below),
		T(a_removal_waits_for_what_is_below),
		T(an_operation_waits_while_its_path_changes),
		T(a_stuck_operation_stalls_nothing_elsewhere),
		T(a_writer_that_waits_for_a_stuck_one_keeps_nobody_out),
		T(writers_of_one_path_take_turns),
		T(a_writer_is_not_starved_by_readers),
		T(a_listing_that_makes_a_node_late_does_not_confuse_a_rename),
	};

	return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
