/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table as a whole: made, counted, searched, swept, freed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "highlevel/table_private.h"

static void make_keys(struct hl_table *t)
{
	if (getrandom(t->key, sizeof(t->key), GRND_NONBLOCK) != sizeof(t->key)) {
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		for (int i = 0; i < 3; i++)
			t->key[i] = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15u + (uintptr_t)t + i;
	}
	for (int i = 0; i < 3; i++)
		t->key[i] |= 1;
}

/* The first node of the first page; held for ever. */
static int make_root(struct hl_table *t)
{
	uint32_t idx = hl_node_alloc(t, 0);
	struct hl_node *n;

	if (!idx)
		return -ENOMEM;
	n = hl_node(t, idx);
	atomic_store_explicit(&n->nlookup, 1, memory_order_relaxed);
	atomic_store_explicit(&n->refs, 1, memory_order_relaxed);
	atomic_store_explicit(&n->flags, HL_LIVE, memory_order_release);
	return idx == HL_ROOT_INO ? 0 : -ENOMEM;
}

int hl_table_new(enum hl_memory memory, unsigned int seconds, struct hl_table **out)
{
	struct hl_table *t = aligned_alloc(CACHELINE_PAIR, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->memory = memory;
	t->remember = seconds;
	atomic_store_explicit(&t->epoch, 1, memory_order_relaxed);
	make_keys(t);
	pthread_mutex_init(&t->grow_lock, NULL);
	pthread_mutex_init(&t->queue_lock, NULL);
	for (int i = 0; i < HL_SHARDS; i++)
		pthread_mutex_init(&t->shards[i].lock, NULL);
	hl_index_init(t);
	hl_publish_init(t);
	err = hl_slots_init(t);
	if (!err)
		err = hl_nodes_init(t);
	if (!err)
		err = make_root(t);
	if (err)
		hl_table_free(t);
	else
		*out = t;
	return err;
}

void hl_table_remember(struct hl_table *t, enum hl_memory memory, unsigned int seconds)
{
	t->memory = memory;
	t->remember = seconds;
}

static uint32_t node_limit(struct hl_table *t)
{
	uint32_t pages;

	pthread_mutex_lock(&t->grow_lock);
	pages = t->fresh_page;
	pthread_mutex_unlock(&t->grow_lock);
	return pages * HL_PAGE_NODES;
}

/* Names in slabs go with their regions; only long ones are separate. */
static void free_leftovers(struct hl_table *t)
{
	uint32_t limit = t->chunks ? node_limit(t) : 0;

	for (uint32_t i = 1; i < limit; i++) {
		struct hl_name *own =
			atomic_load_explicit(&hl_node(t, i)->name, memory_order_relaxed);

		if (own)
			hl_name_free(t, own);
	}
	for (int i = 0; i < HL_SHARDS; i++) {
		struct hl_retired *r[2] = {t->shards[i].open_mem, t->shards[i].sealed_mem};

		for (int k = 0; k < 2; k++) {
			while (r[k]) {
				struct hl_retired *next = r[k]->next;

				r[k]->free_fn(t, r[k]);
				r[k] = next;
			}
		}
	}
}

void hl_table_free(struct hl_table *t)
{
	if (!t)
		return;
	free_leftovers(t);
	hl_slots_fini(t);
	hl_publish_fini(t);
	hl_index_fini(t);
	hl_names_fini(t);
	hl_nodes_fini(t);
	for (int i = 0; i < HL_SHARDS; i++)
		pthread_mutex_destroy(&t->shards[i].lock);
	pthread_mutex_destroy(&t->queue_lock);
	pthread_mutex_destroy(&t->grow_lock);
	free(t);
}

void hl_table_usage(struct hl_table *t, struct hl_usage *out)
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < HL_SHARDS; i++) {
		struct hl_shard *sh = &t->shards[i];

		pthread_mutex_lock(&sh->lock);
		out->nodes += sh->nodes_live;
		out->node_pages += sh->pages_live;
		out->name_bytes += sh->slabs_live * HL_SLAB_BYTES + sh->big_names;
		pthread_mutex_unlock(&sh->lock);
	}
	out->node_bytes = out->node_pages * HL_PAGE_NODES * sizeof(struct hl_node) +
			  node_limit(t) / HL_PAGE_NODES * sizeof(struct hl_page) +
			  hl_index_bytes(t);
}

/* ---- finding ---- */

static uint32_t find_entry(struct hl_table *t, uint32_t dir, const char *name, size_t len)
{
	return hl_index_find(t, dir, name, len, hl_name_hash(t, dir, name, len));
}

uint64_t hl_find(struct hl_table *t, uint64_t dir, const char *name)
{
	bool temporary;
	struct hl_slot *s;
	uint32_t idx;
	size_t len;

	if (dir > UINT32_MAX || hl_name_check(name, &len))
		return 0;
	s = hl_slot_take(t, &temporary);
	if (!s)
		return 0;
	hl_epoch_enter(t, s);
	idx = find_entry(t, (uint32_t)dir, name, len);
	hl_epoch_exit(s);
	hl_slot_put(t, s, temporary);
	return idx;
}

uint64_t hl_find_path(struct hl_table *t, const char *path)
{
	uint32_t idx = HL_ROOT_INO;
	bool temporary;
	struct hl_slot *s = hl_slot_take(t, &temporary);

	if (!s)
		return 0;
	hl_epoch_enter(t, s);
	while (idx && *path) {
		size_t len = strcspn(path, "/");

		if (len)
			idx = find_entry(t, idx, path, len);
		path += len + (path[len] == '/');
	}
	hl_epoch_exit(s);
	hl_slot_put(t, s, temporary);
	return idx;
}

bool hl_name_of(struct hl_table *t, uint64_t ino, uint64_t *parent, char *buf, size_t size)
{
	bool temporary, ok = false;
	struct hl_slot *s = hl_slot_take(t, &temporary);
	struct hl_name *own;
	struct hl_node *n;

	if (!s)
		return false;
	hl_epoch_enter(t, s);
	n = hl_node_get(t, ino);
	own = n ? atomic_load_explicit(&n->name, memory_order_acquire) : NULL;
	if (own && own->len < size) {
		memcpy(buf, own->text, own->len + 1u);
		*parent = atomic_load_explicit(&n->parent, memory_order_acquire);
		ok = *parent;
	}
	hl_epoch_exit(s);
	hl_slot_put(t, s, temporary);
	return ok;
}

/* ---- sweeping ---- */

/* Was used since the last time round? Then it gets another round. */
static bool is_idle(struct hl_node *n)
{
	const unsigned int want = HL_LIVE | HL_HASHED;
	unsigned int flags = atomic_load_explicit(&n->flags, memory_order_acquire);

	if ((flags & want) != want || !atomic_load(&n->nlookup) || atomic_load(&n->refs))
		return false;
	return !(atomic_fetch_and(&n->flags, ~(unsigned int)HL_USED) & HL_USED);
}

size_t hl_table_victims(struct hl_table *t, uint64_t *hand, struct hl_victim *out, size_t max)
{
	uint32_t limit = node_limit(t);
	uint32_t i = *hand > HL_ROOT_INO ? (uint32_t)*hand : HL_ROOT_INO + 1;
	size_t n = 0;

	for (; i < limit && n < max; i++) {
		struct hl_node *node = hl_node(t, i);

		if (!is_idle(node))
			continue;
		out[n].ino = i;
		out[n++].parent = atomic_load_explicit(&node->parent, memory_order_acquire);
	}
	*hand = i < limit ? i : 0;
	return n;
}

void hl_table_each(struct hl_table *t, unsigned int flags, void (*fn)(void *data, uint64_t ino),
		   void *data)
{
	uint32_t limit = node_limit(t);

	for (uint32_t i = HL_ROOT_INO; i < limit; i++) {
		if ((hl_flags(t, i) & (flags | HL_LIVE)) == (flags | HL_LIVE))
			fn(data, i);
	}
}
