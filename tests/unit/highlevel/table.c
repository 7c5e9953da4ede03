/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The node table on one thread: names, paths, counts, memory. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "highlevel/table.h"

static struct hl_table *make(enum hl_memory memory, unsigned int seconds)
{
	struct hl_table *t = NULL;

	assert_int_equal(hl_table_new(memory, seconds, &t), 0);
	return t;
}

static int set_up(void **state)
{
	*state = make(HL_FORGET_AT_ONCE, 0);
	return 0;
}

static int tear_down(void **state)
{
	hl_table_free(*state);
	return 0;
}

/* As the kernel's LOOKUP: an operation on the entry, then the count. */
static uint64_t lookup(struct hl_table *t, uint64_t dir, const char *name, uint64_t *generation)
{
	struct hl_where w = {dir, name};
	struct hl_entry e;
	struct hl_op op;

	assert_int_equal(hl_begin(t, &op, "test", &w, 1), 0);
	assert_int_equal(hl_lookup(&op, dir, name, &e), 0);
	hl_end(&op);
	if (generation)
		*generation = e.generation;
	return e.ino;
}

static void assert_path(struct hl_table *t, uint64_t ino, const char *path)
{
	struct hl_where w = {ino, NULL};
	struct hl_op op;

	assert_int_equal(hl_begin(t, &op, "test", &w, 1), 0);
	assert_string_equal(op.path[0], path);
	hl_end(&op);
}

static int begin_error(struct hl_table *t, uint64_t ino, const char *name)
{
	struct hl_where w = {ino, name};
	struct hl_op op;
	int err = hl_begin(t, &op, "test", &w, 1);

	if (!err)
		hl_end(&op);
	return err;
}

static void remove_entry(struct hl_table *t, uint64_t dir, const char *name)
{
	struct hl_where w = {dir, name};
	struct hl_op op;

	assert_int_equal(hl_begin_write(t, &op, "test", &w, 1), 0);
	hl_removed(&op);
	hl_end(&op);
}

static void rename_entry(struct hl_table *t, uint64_t d1, const char *n1, uint64_t d2,
			 const char *n2, bool exchange)
{
	struct hl_where w[2] = {{d1, n1}, {d2, n2}};
	struct hl_op op;

	assert_int_equal(hl_begin_write(t, &op, "test", w, 2), 0);
	hl_renamed(&op, exchange);
	hl_end(&op);
}

static uint64_t count_nodes(struct hl_table *t)
{
	struct hl_usage u;

	hl_table_usage(t, &u);
	return u.nodes;
}

static void forget(struct hl_table *t, uint64_t ino, uint64_t n)
{
	assert_true(hl_forget(t, ino, n));
	hl_forget_done(t);
}

static void a_path_is_the_names_of_the_parents(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);
	uint64_t b = lookup(t, a, "b", NULL);
	struct hl_where w = {b, "new"};
	struct hl_op op;

	assert_path(t, HL_ROOT_INO, "/");
	assert_path(t, a, "/a");
	assert_path(t, b, "/a/b");
	assert_int_equal(hl_begin(t, &op, "test", &w, 1), 0);
	assert_string_equal(op.path[0], "/a/b/new");
	hl_end(&op);
	w = (struct hl_where){HL_ROOT_INO, "x"};
	assert_int_equal(hl_begin(t, &op, "test", &w, 1), 0);
	assert_string_equal(op.path[0], "/x");
	hl_end(&op);
	assert_int_equal(hl_find_path(t, "/a/b"), b);
	assert_int_equal(hl_find_path(t, "/a//b/"), b);
	assert_int_equal(hl_find_path(t, "/"), HL_ROOT_INO);
	assert_int_equal(hl_find_path(t, "/a/c"), 0);
}

static void two_lookups_of_a_name_find_one_node(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);

	assert_int_equal(lookup(t, HL_ROOT_INO, "a", NULL), a);
	assert_int_not_equal(lookup(t, HL_ROOT_INO, "b", NULL), a);
	assert_int_not_equal(lookup(t, a, "a", NULL), a);
}

static void a_node_goes_when_all_its_lookups_are_taken_back(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);

	lookup(t, HL_ROOT_INO, "a", NULL);
	forget(t, a, 1);
	assert_path(t, a, "/a");
	forget(t, a, 1);
	assert_int_equal(begin_error(t, a, NULL), -ESTALE);
	assert_int_equal(hl_find(t, HL_ROOT_INO, "a"), 0);
	assert_int_equal(count_nodes(t), 1);
}

static void a_directory_stays_while_it_has_children(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);
	uint64_t b = lookup(t, a, "b", NULL);

	forget(t, a, 1);
	assert_path(t, b, "/a/b");
	forget(t, b, 1);
	assert_int_equal(count_nodes(t), 1);
}

static void an_index_used_again_has_another_generation(void **state)
{
	struct hl_table *t = *state;
	uint64_t g1, g2, a = lookup(t, HL_ROOT_INO, "a", &g1), b;

	forget(t, a, 1);
	b = lookup(t, HL_ROOT_INO, "b", &g2);
	assert_int_equal(a, b);
	assert_int_not_equal(g1, g2);
}

static void generations_survive_memory_that_was_given_back(void **state)
{
	struct hl_table *t = *state;
	static uint64_t ino[20000], seen[40001];
	struct hl_usage before, u;
	char name[32];

	hl_table_usage(t, &before);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20000; i++) {
			uint64_t g;

			snprintf(name, sizeof(name), "file-%d", i);
			ino[i] = lookup(t, HL_ROOT_INO, name, &g);
			assert_true(ino[i] < 40000);
			assert_true(round == 0 || seen[ino[i]] == 0 || g + 1 > seen[ino[i]]);
			seen[ino[i]] = g + 1;
		}
		for (int i = 0; i < 20000; i++)
			assert_true(hl_forget(t, ino[i], 1));
		hl_forget_done(t);
		hl_table_usage(t, &u);
		assert_int_equal(u.nodes, 1);
		assert_true(u.node_pages <= before.node_pages + 8);
		assert_true(u.name_bytes <= before.name_bytes + 8 * 16384);
	}
}

static void names_of_every_length_are_kept(void **state)
{
	struct hl_table *t = *state;
	static const size_t lengths[] = {1,   2,   3,	4,   5,	   6,	 7,    8,    9,	  15,
					 16,  17,  254, 255, 256,  260,	 261,  262,  263, 268,
					 269, 270, 271, 272, 1023, 1024, 2000, 4000, 4093};
	char name[PATH_MAX], path[PATH_MAX + 1];
	uint64_t ino[64];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(name, 'a' + (int)i % 26, lengths[i]);
		name[lengths[i]] = '\0';
		ino[i] = lookup(t, HL_ROOT_INO, name, NULL);
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		path[0] = '/';
		memset(path + 1, 'a' + (int)i % 26, lengths[i]);
		path[lengths[i] + 1] = '\0';
		assert_path(t, ino[i], path);
		forget(t, ino[i], 1);
	}
	assert_int_equal(count_nodes(t), 1);
}

static void a_path_may_be_longer_than_path_max(void **state)
{
	struct hl_table *t = *state;
	uint64_t ino = HL_ROOT_INO;
	static char path[100 * 201 + 1];
	char name[201];

	memset(name, 'x', 200);
	name[200] = '\0';
	for (int i = 0; i < 100; i++) {
		ino = lookup(t, ino, name, NULL);
		path[i * 201] = '/';
		memcpy(path + i * 201 + 1, name, 200);
	}
	assert_path(t, ino, path);
}

static void what_cannot_be_a_name_is_refused(void **state)
{
	struct hl_table *t = *state;
	static char longest[PATH_MAX + 1];

	memset(longest, 'n', PATH_MAX);
	assert_int_equal(begin_error(t, HL_ROOT_INO, ""), -EINVAL);
	assert_int_equal(begin_error(t, HL_ROOT_INO, "."), -EINVAL);
	assert_int_equal(begin_error(t, HL_ROOT_INO, ".."), -EINVAL);
	assert_int_equal(begin_error(t, HL_ROOT_INO, "a/b"), -EINVAL);
	assert_int_equal(begin_error(t, HL_ROOT_INO, longest), -ENAMETOOLONG);
	assert_int_equal(begin_error(t, HL_ROOT_INO, "..."), 0);
}

static void a_nodeid_that_was_never_given_out_is_stale(void **state)
{
	struct hl_table *t = *state;

	assert_int_equal(begin_error(t, 0, NULL), -ESTALE);
	assert_int_equal(begin_error(t, 2, NULL), -ESTALE);
	assert_int_equal(begin_error(t, 1u << 20, NULL), -ESTALE);
	assert_int_equal(begin_error(t, UINT32_MAX, NULL), -ESTALE);
	assert_int_equal(begin_error(t, UINT64_MAX, "x"), -ESTALE);
	assert_false(hl_forget(t, 77, 1));
	assert_false(hl_opened(t, 77));
	assert_int_equal(hl_flags(t, 77), 0);
}

static void forgetting_too_much_is_noticed(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);

	assert_false(hl_forget(t, a, 2));
	hl_forget_done(t);
	assert_int_equal(count_nodes(t), 1);
	assert_true(hl_forget(t, HL_ROOT_INO, 1000));
	assert_path(t, HL_ROOT_INO, "/");
}

static void a_removed_node_lives_on_without_a_path(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL), again;

	remove_entry(t, HL_ROOT_INO, "a");
	assert_int_equal(begin_error(t, a, NULL), -ENOENT);
	assert_true(hl_flags(t, a) & HL_UNLINKED);
	again = lookup(t, HL_ROOT_INO, "a", NULL);
	assert_int_not_equal(again, a);
	forget(t, a, 1);
	assert_int_equal(count_nodes(t), 2);
	assert_path(t, again, "/a");
	remove_entry(t, HL_ROOT_INO, "nobody knows it");
}

static void what_is_below_a_renamed_directory_moves_with_it(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL), c = lookup(t, HL_ROOT_INO, "c", NULL);
	uint64_t b = lookup(t, a, "b", NULL), f = lookup(t, b, "f", NULL);

	rename_entry(t, a, "b", c, "moved", false);
	assert_path(t, f, "/c/moved/f");
	assert_int_equal(hl_find(t, a, "b"), 0);
	assert_int_equal(hl_find_path(t, "/c/moved/f"), f);
	/* The old directory has no child any more. */
	forget(t, a, 1);
	assert_int_equal(begin_error(t, a, NULL), -ESTALE);
	forget(t, f, 1);
	forget(t, b, 1);
	forget(t, c, 1);
	assert_int_equal(count_nodes(t), 1);
}

static void a_rename_onto_something_removes_it(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL), b = lookup(t, HL_ROOT_INO, "b", NULL);

	rename_entry(t, HL_ROOT_INO, "a", HL_ROOT_INO, "b", false);
	assert_path(t, a, "/b");
	assert_int_equal(begin_error(t, b, NULL), -ENOENT);
	rename_entry(t, HL_ROOT_INO, "b", HL_ROOT_INO, "b", false);
	assert_path(t, a, "/b");
	rename_entry(t, HL_ROOT_INO, "unknown", HL_ROOT_INO, "b", false);
	assert_int_equal(begin_error(t, a, NULL), -ENOENT);
	forget(t, a, 1);
	forget(t, b, 1);
	assert_int_equal(count_nodes(t), 1);
}

static void an_exchange_swaps_two_nodes(void **state)
{
	struct hl_table *t = *state;
	uint64_t d = lookup(t, HL_ROOT_INO, "d", NULL);
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL), b = lookup(t, d, "b", NULL);

	rename_entry(t, HL_ROOT_INO, "a", d, "b", true);
	assert_path(t, a, "/d/b");
	assert_path(t, b, "/a");
	/* With something that nobody has looked up. */
	rename_entry(t, HL_ROOT_INO, "a", d, "unknown", true);
	assert_path(t, b, "/d/unknown");
	rename_entry(t, HL_ROOT_INO, "unknown too", d, "b", true);
	assert_path(t, a, "/unknown too");
}

static void a_node_can_be_set_aside_under_another_name(void **state)
{
	struct hl_table *t = *state;
	uint64_t d = lookup(t, HL_ROOT_INO, "d", NULL), a = lookup(t, d, "a", NULL);
	struct hl_where w = {d, "a"};
	struct hl_op op;

	lookup(t, d, ".taken", NULL);
	assert_int_equal(hl_begin_write(t, &op, "test", &w, 1), 0);
	assert_int_equal(hl_set_aside(&op, 0, ".taken"), -EEXIST);
	assert_int_equal(hl_set_aside(&op, 0, ".hidden"), 0);
	hl_removed(&op);
	hl_end(&op);
	assert_path(t, a, "/d/.hidden");
	assert_true(hl_flags(t, a) & HL_HIDDEN);
	assert_int_equal(hl_find(t, d, "a"), 0);
}

static void an_open_file_keeps_its_node(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);

	assert_true(hl_opened(t, a));
	assert_true(hl_opened(t, a));
	forget(t, a, 1);
	assert_path(t, a, "/a");
	assert_int_equal(hl_closed(t, a), 1);
	hl_dropped(t, a);
	assert_int_equal(hl_closed(t, a), 0);
	assert_path(t, a, "/a");
	hl_dropped(t, a);
	assert_int_equal(count_nodes(t), 1);
}

static void dot_and_dot_dot_count_lookups_too(void **state)
{
	struct hl_table *t = *state;
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL), b = lookup(t, a, "b", NULL);
	struct hl_entry e;

	assert_int_equal(hl_lookup_self(t, b, &e), 0);
	assert_int_equal(e.ino, b);
	assert_int_equal(hl_lookup_parent(t, b, &e), 0);
	assert_int_equal(e.ino, a);
	assert_int_equal(hl_lookup_parent(t, a, &e), 0);
	assert_int_equal(e.ino, HL_ROOT_INO);
	assert_int_equal(hl_lookup_parent(t, HL_ROOT_INO, &e), 0);
	assert_int_equal(e.ino, HL_ROOT_INO);
	assert_int_equal(hl_lookup_self(t, 999, &e), -ESTALE);
	forget(t, b, 2);
	assert_int_equal(begin_error(t, b, NULL), -ESTALE);
	forget(t, a, 1);
	assert_path(t, a, "/a");
	forget(t, a, 1);
	assert_int_equal(count_nodes(t), 1);
}

static void a_remembered_node_keeps_its_nodeid_for_a_while(void **state)
{
	struct hl_table *t = make(HL_REMEMBER_SECONDS, 1);
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL), b = lookup(t, HL_ROOT_INO, "b", NULL);

	forget(t, a, 1);
	forget(t, b, 1);
	assert_int_equal(lookup(t, HL_ROOT_INO, "a", NULL), a);
	for (int i = 0; i < 100 && count_nodes(t) > 2; i++) {
		assert_in_range(hl_table_expire(t), 1, 1);
		usleep(50000);
	}
	assert_int_equal(count_nodes(t), 2);
	assert_path(t, a, "/a");
	forget(t, a, 1);
	for (int i = 0; i < 100 && count_nodes(t) > 1; i++) {
		hl_table_expire(t);
		usleep(50000);
	}
	assert_int_equal(count_nodes(t), 1);
	hl_table_free(t);
}

static void a_node_can_be_remembered_for_ever(void **state)
{
	struct hl_table *t = make(HL_REMEMBER_ALWAYS, 0);
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);

	forget(t, a, 1);
	assert_path(t, a, "/a");
	assert_int_equal(lookup(t, HL_ROOT_INO, "a", NULL), a);
	hl_table_free(t);
}

static void victims_are_idle_leaves(void **state)
{
	struct hl_table *t = *state;
	uint64_t d = lookup(t, HL_ROOT_INO, "d", NULL);
	uint64_t a = lookup(t, d, "a", NULL), b = lookup(t, d, "b", NULL), hand = 0;
	struct hl_victim v[8];

	assert_true(hl_opened(t, b));
	/* The first round only notes who is used. */
	assert_int_equal(hl_table_victims(t, &hand, v, 8), 0);
	assert_int_equal(hl_table_victims(t, &hand, v, 8), 1);
	assert_int_equal(v[0].ino, a);
	assert_int_equal(v[0].parent, d);
	lookup(t, d, "a", NULL);
	assert_int_equal(hl_table_victims(t, &hand, v, 8), 0);
	hl_closed(t, b);
	hl_dropped(t, b);
}

static void the_name_of_a_node_can_be_asked(void **state)
{
	struct hl_table *t = *state;
	uint64_t d = lookup(t, HL_ROOT_INO, "d", NULL), a = lookup(t, d, "file", NULL), parent;
	char name[8], tiny[4];

	assert_true(hl_name_of(t, a, &parent, name, sizeof(name)));
	assert_string_equal(name, "file");
	assert_int_equal(parent, d);
	assert_false(hl_name_of(t, a, &parent, tiny, sizeof(tiny)));
	assert_false(hl_name_of(t, HL_ROOT_INO, &parent, name, sizeof(name)));
}

static void tables_and_operations_may_nest(void **state)
{
	struct hl_table *t = *state, *other = make(HL_FORGET_AT_ONCE, 0);
	uint64_t a = lookup(t, HL_ROOT_INO, "a", NULL);
	struct hl_where w = {a, NULL};
	struct hl_op op;

	assert_int_equal(hl_begin(t, &op, "test", &w, 1), 0);
	assert_path(t, a, "/a");
	assert_path(other, HL_ROOT_INO, "/");
	assert_string_equal(op.path[0], "/a");
	hl_end(&op);
	hl_table_free(other);
	assert_path(t, a, "/a");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_path_is_the_names_of_the_parents),
		T(two_lookups_of_a_name_find_one_node),
		T(a_node_goes_when_all_its_lookups_are_taken_back),
		T(a_directory_stays_while_it_has_children),
		T(an_index_used_again_has_another_generation),
		T(generations_survive_memory_that_was_given_back),
		T(names_of_every_length_are_kept),
		T(a_path_may_be_longer_than_path_max),
		T(what_cannot_be_a_name_is_refused),
		T(a_nodeid_that_was_never_given_out_is_stale),
		T(forgetting_too_much_is_noticed),
		T(a_removed_node_lives_on_without_a_path),
		T(what_is_below_a_renamed_directory_moves_with_it),
		T(a_rename_onto_something_removes_it),
		T(an_exchange_swaps_two_nodes),
		T(a_node_can_be_set_aside_under_another_name),
		T(an_open_file_keeps_its_node),
		T(dot_and_dot_dot_count_lookups_too),
		T(a_remembered_node_keeps_its_nodeid_for_a_while),
		T(a_node_can_be_remembered_for_ever),
		T(victims_are_idle_leaves),
		T(the_name_of_a_node_can_be_asked),
		T(tables_and_operations_may_nest),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
