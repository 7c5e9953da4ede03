/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Eight threads look up, list, create, open, move, exchange, remove and forget
 * in a deep tree, and compare the table with a model of the filesystem all the
 * time. What is checked:
 *
 *  - a path that an operation was given names the right object when the
 *    operation begins, while it runs, and when it ends;
 *  - an object has one nodeid as long as the kernel knows it, and no other
 *    object has it;
 *  - an operation on an object without a path says so, and no other does;
 *  - when everything is forgotten the table is empty.
 *
 * usage: stress [SECONDS]
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "highlevel/table.h"

#define THREADS 8
#define OBJECTS 400
#define NAMES	12

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond);                         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* ---- the model: what the filesystem has and what its kernel knows ---- */

struct object {
	bool used, dir, exists;
	int parent, name;
	uint64_t ino, nlookup;
	int users;	      /* system calls under way: not forgotten meanwhile */
	pthread_rwlock_t vfs; /* changed entries exclude listings, as in the kernel */
};

static pthread_mutex_t model_lock = PTHREAD_MUTEX_INITIALIZER;
static struct object objects[OBJECTS];
static struct hl_table *table;
static _Atomic bool over;
static _Atomic unsigned long long counts[8];
enum { GETATTR, LOOKUP, LIST, CREATE, REMOVE, RENAME, FORGET, OPEN };

struct rng {
	uint64_t s;
};

static uint32_t pick(struct rng *r, uint32_t n)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return (uint32_t)((r->s >> 11) % n);
}

static const char *name_text(int name, char *buf)
{
	/* Some too long for one unit of the hash. */
	snprintf(buf, 64, name % 3 ? "n%d" : "a-rather-long-name-%d", name);
	return buf;
}

static int child_of(int dir, int name)
{
	for (int i = 1; i < OBJECTS; i++) {
		if (objects[i].used && objects[i].exists && objects[i].parent == dir &&
		    objects[i].name == name)
			return i;
	}
	return -1;
}

static int name_number(const char *text, size_t len)
{
	char buf[64];

	for (int n = 0; n < NAMES; n++) {
		if (strlen(name_text(n, buf)) == len && !memcmp(buf, text, len))
			return n;
	}
	return -1;
}

/* The object of a path, or -1; of its directory with `up`. */
static int resolve(const char *path, bool up)
{
	const char *end = up ? strrchr(path, '/') : path + strlen(path);
	int o = 0;

	CHECK(*path == '/');
	while (path < end && o >= 0) {
		size_t len = strcspn(++path, "/");

		if (len)
			o = child_of(o, name_number(path, len));
		path += len;
	}
	return o;
}

static int locked_resolve(const char *path, bool up)
{
	int o;

	pthread_mutex_lock(&model_lock);
	o = resolve(path, up);
	pthread_mutex_unlock(&model_lock);
	return o;
}

static bool is_below(int o, int top)
{
	for (; o > 0; o = objects[o].parent) {
		if (o == top)
			return true;
	}
	return o == top;
}

static bool is_empty(int dir)
{
	for (int n = 0; n < NAMES; n++) {
		if (child_of(dir, n) >= 0)
			return false;
	}
	return true;
}

/* A random object that the kernel knows, held by a system call; -1 if the dice
 * fell badly. */
static int use_object(struct rng *r, bool dir)
{
	int o = pick(r, 8) ? (int)pick(r, OBJECTS) : 0;

	pthread_mutex_lock(&model_lock);
	if (objects[o].used && objects[o].ino && (!dir || objects[o].dir))
		objects[o].users++;
	else
		o = -1;
	pthread_mutex_unlock(&model_lock);
	return o;
}

static void unuse(int o)
{
	pthread_mutex_lock(&model_lock);
	objects[o].users--;
	pthread_mutex_unlock(&model_lock);
}

static void lock_vfs(int a, int b)
{
	pthread_rwlock_wrlock(&objects[a < b ? a : b].vfs);
	if (a != b)
		pthread_rwlock_wrlock(&objects[a < b ? b : a].vfs);
}

static void unlock_vfs(int a, int b)
{
	pthread_rwlock_unlock(&objects[a].vfs);
	if (a != b)
		pthread_rwlock_unlock(&objects[b].vfs);
}

static void a_while(struct rng *r)
{
	switch (pick(r, 16)) {
	case 0:
		usleep(pick(r, 200));
		break;
	case 1:
	case 2:
	case 3:
		sched_yield();
		break;
	}
}

/* The kernel takes note of an entry reply. */
static void count_lookup(int o, uint64_t ino)
{
	pthread_mutex_lock(&model_lock);
	for (int i = 0; i < OBJECTS; i++)
		CHECK(i == o || !objects[i].used || objects[i].ino != ino);
	CHECK(!objects[o].ino || objects[o].ino == ino);
	if (!objects[o].ino)
		objects[o].ino = ino;
	objects[o].nlookup++;
	pthread_mutex_unlock(&model_lock);
}

/* ---- system calls ---- */

static void do_getattr(struct rng *r)
{
	int o = use_object(r, false);
	struct hl_where w;
	struct hl_op op;
	int err;

	if (o < 0)
		return;
	w = (struct hl_where){objects[o].ino, NULL};
	err = hl_begin(table, &op, "test", &w, 1);
	if (err) {
		CHECK(err == -ENOENT);
		pthread_mutex_lock(&model_lock);
		CHECK(!objects[o].exists);
		pthread_mutex_unlock(&model_lock);
	} else {
		for (int i = 0; i < 3; i++) {
			CHECK(locked_resolve(op.path[0], false) == o);
			a_while(r);
		}
		CHECK(locked_resolve(op.path[0], false) == o);
		hl_end(&op);
	}
	unuse(o);
	counts[GETATTR]++;
}

static void do_lookup(struct rng *r)
{
	int dir = use_object(r, true), o;
	struct hl_entry e;
	struct hl_where w;
	struct hl_op op;
	char name[64];

	if (dir < 0)
		return;
	w = (struct hl_where){objects[dir].ino, name_text((int)pick(r, NAMES), name)};
	if (!hl_begin(table, &op, "test", &w, 1)) {
		CHECK(locked_resolve(op.path[0], true) == dir);
		o = locked_resolve(op.path[0], false);
		a_while(r);
		if (o >= 0) {
			CHECK(locked_resolve(op.path[0], false) == o);
			CHECK(hl_lookup(&op, w.ino, name, &e) == 0);
			count_lookup(o, e.ino);
			CHECK(locked_resolve(op.path[0], false) == o);
		}
		hl_end(&op);
	}
	unuse(dir);
	counts[LOOKUP]++;
}

static void list_into(struct hl_op *op, int dir, struct rng *r)
{
	for (int n = 0; n < NAMES; n++) {
		struct hl_entry e;
		char name[64];
		int o;

		pthread_mutex_lock(&model_lock);
		o = child_of(dir, n);
		pthread_mutex_unlock(&model_lock);
		if (o < 0)
			continue;
		CHECK(hl_lookup(op, objects[dir].ino, name_text(n, name), &e) == 0);
		count_lookup(o, e.ino);
		a_while(r);
	}
}

static void do_list(struct rng *r)
{
	int dir = use_object(r, true);
	struct hl_where w;
	struct hl_op op;

	if (dir < 0)
		return;
	pthread_rwlock_rdlock(&objects[dir].vfs);
	w = (struct hl_where){objects[dir].ino, NULL};
	if (!hl_begin(table, &op, "test", &w, 1)) {
		CHECK(locked_resolve(op.path[0], false) == dir);
		list_into(&op, dir, r);
		CHECK(locked_resolve(op.path[0], false) == dir);
		hl_end(&op);
	}
	pthread_rwlock_unlock(&objects[dir].vfs);
	unuse(dir);
	counts[LIST]++;
}

static int new_object(int dir, int name, bool is_dir)
{
	for (int i = 1; i < OBJECTS; i++) {
		struct object *o = &objects[i];

		if (o->used)
			continue;
		o->used = o->exists = true;
		o->dir = is_dir;
		o->parent = dir;
		o->name = name;
		o->ino = o->nlookup = 0;
		return i;
	}
	return -1;
}

static void do_create(struct rng *r)
{
	int dir = use_object(r, true), n = (int)pick(r, NAMES), o = -1;
	struct hl_entry e;
	struct hl_where w;
	struct hl_op op;
	char name[64];

	if (dir < 0)
		return;
	lock_vfs(dir, dir);
	w = (struct hl_where){objects[dir].ino, name_text(n, name)};
	if (!hl_begin(table, &op, "test", &w, 1)) {
		CHECK(locked_resolve(op.path[0], true) == dir);
		pthread_mutex_lock(&model_lock);
		if (child_of(dir, n) < 0)
			o = new_object(dir, n, pick(r, 3) > 0);
		pthread_mutex_unlock(&model_lock);
		if (o >= 0) {
			CHECK(hl_lookup(&op, w.ino, name, &e) == 0);
			count_lookup(o, e.ino);
		}
		hl_end(&op);
	}
	unlock_vfs(dir, dir);
	unuse(dir);
	counts[CREATE]++;
}

static bool model_remove(const char *path, bool want_dir)
{
	bool ok = false;
	int o;

	pthread_mutex_lock(&model_lock);
	o = resolve(path, false);
	if (o > 0 && objects[o].dir == want_dir && (!want_dir || is_empty(o))) {
		objects[o].exists = false;
		ok = true;
		if (!objects[o].ino && !objects[o].users)
			objects[o].used = false;
	}
	pthread_mutex_unlock(&model_lock);
	return ok;
}

static void do_remove(struct rng *r)
{
	int dir = use_object(r, true);
	bool want_dir = pick(r, 2);
	struct hl_where w;
	struct hl_op op;
	char name[64];

	if (dir < 0)
		return;
	lock_vfs(dir, dir);
	w = (struct hl_where){objects[dir].ino, name_text((int)pick(r, NAMES), name)};
	if (!hl_begin_write(table, &op, "test", &w, 1)) {
		CHECK(locked_resolve(op.path[0], true) == dir);
		a_while(r);
		if (model_remove(op.path[0], want_dir)) {
			a_while(r);
			hl_removed(&op);
		}
		hl_end(&op);
	}
	unlock_vfs(dir, dir);
	unuse(dir);
	counts[REMOVE]++;
}

/* rename(2) in the model, without its lock. */
static bool move_object(int from, int d2, int n2, int to, bool exchange)
{
	struct object *f;

	if (from <= 0 || from == to || is_below(d2, from))
		return false;
	f = &objects[from];
	if (exchange) {
		if (to <= 0 || is_below(f->parent, to))
			return false;
		objects[to].parent = f->parent;
		objects[to].name = f->name;
	} else if (to >= 0) {
		if (objects[to].dir != f->dir || (f->dir && !is_empty(to)))
			return false;
		objects[to].exists = false;
		if (!objects[to].ino && !objects[to].users)
			objects[to].used = false;
	}
	f->parent = d2;
	f->name = n2;
	return true;
}

static bool model_rename(struct hl_op *op, int d2, int n2, bool exchange)
{
	bool ok;

	pthread_mutex_lock(&model_lock);
	ok = move_object(resolve(op->path[0], false), d2, n2, resolve(op->path[1], false),
			 exchange);
	pthread_mutex_unlock(&model_lock);
	return ok;
}

static void do_rename(struct rng *r)
{
	int d1 = use_object(r, true), d2 = use_object(r, true), n2 = (int)pick(r, NAMES);
	bool exchange = pick(r, 5) == 0;
	char name1[64], name2[64];
	struct hl_op op;

	if (d1 >= 0 && d2 >= 0) {
		struct hl_where w[2] = {
			{objects[d1].ino, name_text((int)pick(r, NAMES), name1)},
			{objects[d2].ino, name_text(n2, name2)},
		};

		lock_vfs(d1, d2);
		if (!hl_begin_write(table, &op, "test", w, 2)) {
			CHECK(locked_resolve(op.path[0], true) == d1);
			CHECK(locked_resolve(op.path[1], true) == d2);
			a_while(r);
			if (model_rename(&op, d2, n2, exchange)) {
				a_while(r);
				hl_renamed(&op, exchange);
			}
			hl_end(&op);
		}
		unlock_vfs(d1, d2);
		counts[RENAME]++;
	}
	if (d1 >= 0)
		unuse(d1);
	if (d2 >= 0)
		unuse(d2);
}

static void do_forget(struct rng *r, int o)
{
	uint64_t ino = 0, n = 0;

	pthread_mutex_lock(&model_lock);
	if (o > 0 && objects[o].used && objects[o].ino && !objects[o].users) {
		ino = objects[o].ino;
		n = r && pick(r, 2) ? 1 : objects[o].nlookup;
		objects[o].nlookup -= n;
		if (!objects[o].nlookup) {
			objects[o].ino = 0;
			if (!objects[o].exists)
				objects[o].used = false;
		}
	}
	pthread_mutex_unlock(&model_lock);
	if (ino) {
		CHECK(hl_forget(table, ino, n));
		hl_forget_done(table);
		counts[FORGET]++;
	}
}

static void do_open(struct rng *r)
{
	int o = use_object(r, false);
	uint64_t ino;

	if (o < 0)
		return;
	ino = objects[o].ino;
	CHECK(hl_opened(table, ino));
	a_while(r);
	hl_closed(table, ino);
	hl_dropped(table, ino);
	unuse(o);
	counts[OPEN]++;
}

/* ---- */

static void *work(void *arg)
{
	struct rng r = {0x9e3779b97f4a7c15u * ((uintptr_t)arg + 1)};

	while (!atomic_load(&over)) {
		uint32_t p = pick(&r, 100);

		if (p < 30)
			do_getattr(&r);
		else if (p < 45)
			do_lookup(&r);
		else if (p < 50)
			do_list(&r);
		else if (p < 62)
			do_create(&r);
		else if (p < 67)
			do_remove(&r);
		else if (p < 82)
			do_rename(&r);
		else if (p < 95)
			do_forget(&r, (int)pick(&r, OBJECTS));
		else
			do_open(&r);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 3;
	pthread_t threads[THREADS];
	struct hl_usage u;

	CHECK(hl_table_new(HL_FORGET_AT_ONCE, 0, &table) == 0);
	for (int i = 0; i < OBJECTS; i++)
		pthread_rwlock_init(&objects[i].vfs, NULL);
	objects[0] = (struct object){.used = true, .dir = true, .exists = true, .ino = 1};
	pthread_rwlock_init(&objects[0].vfs, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
	sleep(seconds);
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < OBJECTS; i++)
		do_forget(NULL, i);
	for (int i = 0; i < 2 * THREADS; i++)
		hl_forget_done(table);
	hl_table_usage(table, &u);
	printf("getattr %llu lookup %llu list %llu create %llu remove %llu rename %llu "
	       "forget %llu open %llu; nodes left %llu\n",
	       counts[GETATTR], counts[LOOKUP], counts[LIST], counts[CREATE], counts[REMOVE],
	       counts[RENAME], counts[FORGET], counts[OPEN], (unsigned long long)u.nodes);
	CHECK(u.nodes == 1);
	hl_table_free(table);
	return 0;
}
