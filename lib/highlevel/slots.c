/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A slot for each thread that works on a table. The thread finds its slot
 * through thread-local storage and keeps it until it ends; an operation inside
 * an operation (a callback that serves the same mount) gets a temporary one.
 *
 * Slots are in blocks that are never moved or freed before the table is, so
 * that others may look at them at any time.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "highlevel/table_private.h"

/* What a thread remembers: one slot of one table. A thread that alternates
 * between tables takes the slower way each time. */
struct mine {
	uint64_t table_id;
	struct hl_table *table;
	struct hl_slot *slot;
	bool busy; /* an operation uses it */
};

static _Thread_local struct mine mine;

/* Tables that exist, so that a thread that ends after its table knows. */
#define REGISTRY_BUCKETS 64
struct known {
	struct known *next;
	uint64_t id;
};
static struct known *registry[REGISTRY_BUCKETS];
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t next_table_id = 1;

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static bool exit_key_ok;

static struct known **find_known_locked(uint64_t id)
{
	struct known **k = &registry[id % REGISTRY_BUCKETS];

	while (*k && (*k)->id != id)
		k = &(*k)->next;
	return k;
}

static void give_back(struct hl_table *t, struct hl_slot *s)
{
	pthread_mutex_lock(&t->slots_lock);
	s->next_free = t->free_slots;
	t->free_slots = s;
	pthread_mutex_unlock(&t->slots_lock);
}

/* The registry's lock keeps the table from going away meanwhile. */
static void leave(struct mine *m)
{
	pthread_mutex_lock(&registry_lock);
	if (*find_known_locked(m->table_id))
		give_back(m->table, m->slot);
	pthread_mutex_unlock(&registry_lock);
	memset(m, 0, sizeof(*m));
}

static void thread_ends(void *arg)
{
	struct mine *m = arg;

	if (m->slot)
		leave(m);
}

static void make_key(void)
{
	exit_key_ok = pthread_key_create(&exit_key, thread_ends) == 0;
}

/* A library that is unloaded must not be called when a thread ends. */
__attribute__((destructor)) static void drop_key(void)
{
	if (exit_key_ok)
		pthread_key_delete(exit_key);
}

static struct hl_slot *new_slot_locked(struct hl_table *t)
{
	uint32_t i = atomic_load_explicit(&t->nslots, memory_order_relaxed);
	uint32_t b = i / HL_SLOTS_PER_BLOCK;
	struct hl_slot *s;

	if (b >= HL_SLOT_BLOCKS)
		return NULL;
	if (i % HL_SLOTS_PER_BLOCK == 0) {
		size_t bytes = HL_SLOTS_PER_BLOCK * sizeof(*s);
		struct hl_slot *block = aligned_alloc(CACHELINE_PAIR, bytes);

		if (!block)
			return NULL;
		memset(block, 0, bytes);
		atomic_store_explicit(&t->slot_blocks[b], block, memory_order_release);
	}
	s = hl_slot(t, i);
	s->paths = malloc(2 * PATH_MAX);
	if (!s->paths)
		return NULL;
	s->shard = i % HL_SHARDS;
	/* From now on others look at it. Ordered (see epoch.c): a freer who
	 * does not see the slot yet has gone before its first use. */
	atomic_store(&t->nslots, i + 1);
	return s;
}

static struct hl_slot *take_free(struct hl_table *t)
{
	struct hl_slot *s;

	pthread_mutex_lock(&t->slots_lock);
	s = t->free_slots;
	if (s)
		t->free_slots = s->next_free;
	else
		s = new_slot_locked(t);
	pthread_mutex_unlock(&t->slots_lock);
	return s;
}

static struct hl_slot *adopt(struct hl_table *t)
{
	struct hl_slot *s;

	pthread_once(&exit_once, make_key);
	if (!exit_key_ok)
		return NULL;
	if (mine.busy)
		return NULL; /* inside an operation on another table */
	if (mine.slot)
		leave(&mine);
	s = take_free(t);
	if (!s)
		return NULL;
	if (pthread_setspecific(exit_key, &mine)) {
		give_back(t, s);
		return NULL;
	}
	mine = (struct mine){t->id, t, s, false};
	return s;
}

struct hl_slot *hl_slot_take(struct hl_table *t, bool *temporary)
{
	struct hl_slot *s = NULL;

	*temporary = false;
	if (likely(mine.table_id == t->id))
		s = mine.slot;
	else
		s = adopt(t);
	if (likely(s && !mine.busy)) {
		mine.busy = true;
		return s;
	}
	*temporary = true;
	return take_free(t);
}

void hl_slot_put(struct hl_table *t, struct hl_slot *s, bool temporary)
{
	if (temporary)
		give_back(t, s);
	else
		mine.busy = false;
}

int hl_slots_init(struct hl_table *t)
{
	struct known *k = calloc(1, sizeof(*k));

	if (!k)
		return -1;
	pthread_mutex_init(&t->slots_lock, NULL);
	pthread_mutex_lock(&registry_lock);
	t->id = k->id = next_table_id++;
	k->next = registry[k->id % REGISTRY_BUCKETS];
	registry[k->id % REGISTRY_BUCKETS] = k;
	pthread_mutex_unlock(&registry_lock);
	return 0;
}

void hl_slots_fini(struct hl_table *t)
{
	uint32_t n = atomic_load_explicit(&t->nslots, memory_order_relaxed);
	struct known **at, *k;

	pthread_mutex_lock(&registry_lock);
	at = find_known_locked(t->id);
	k = *at;
	if (k)
		*at = k->next;
	pthread_mutex_unlock(&registry_lock);
	free(k);
	for (uint32_t i = 0; i < n; i++)
		free(hl_slot(t, i)->paths);
	for (uint32_t b = 0; b < HL_SLOT_BLOCKS; b++)
		free(atomic_load_explicit(&t->slot_blocks[b], memory_order_relaxed));
	pthread_mutex_destroy(&t->slots_lock);
}

size_t hl_table_doing(struct hl_table *t, struct hl_doing *out, size_t max)
{
	uint32_t slots = atomic_load(&t->nslots);
	size_t n = 0;

	for (uint32_t i = 0; i < slots && n < max; i++) {
		struct hl_slot *s = hl_slot(t, i);
		const char *what = atomic_load_explicit(&s->doing, memory_order_acquire);

		if (what)
			out[n++] = (struct hl_doing){
				what, atomic_load_explicit(&s->seq, memory_order_relaxed), i};
	}
	return n;
}
