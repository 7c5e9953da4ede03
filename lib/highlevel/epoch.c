/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When memory that was taken out of the index may be used again.
 *
 * Readers of the index take no lock, so what they look at must stay what it
 * was until they have gone. A reader notes the present epoch in its slot while
 * it looks, and nowhere else: never during a callback, so an epoch always ends
 * soon.
 *
 * Why it is safe. All of the operations below that are not marked otherwise
 * are sequentially consistent, so they have one order S.
 *
 *   reader   R1: slot.epoch = e     R2: read t.epoch, must be e     look
 *   freer    F0: take out of index  F1: tag = t.epoch++             F2: read slot.epoch
 *
 * F2 lets the freer go on if it sees 0 or a value above tag. Suppose it does,
 * although the reader is inside or comes later.
 *  - F2 saw something older than R1's store: then F2 is before R1 in S, so F1
 *    is before R2, so R2 reads a value that F1 or a later increment wrote and
 *    thereby synchronizes with F1. F0 happens before the look: the reader
 *    cannot find what was taken out.
 *  - F2 saw R1's store with e > tag: e was read from t.epoch after F1, with
 *    the same result.
 *  - F2 saw the store of 0 at the reader's exit (release): the look is over
 *    and happens before the freeing.
 *
 * A dead node must in addition not be a place that an operation has
 * published, since writers walk from there to the root (publish.c), even
 * through nodes that a broken kernel forgot too early. A node is marked dead
 * before F1, and an operation publishes its place and then looks whether the
 * node is dead: by the same argument either it sees that, or the freer sees the
 * place.
 */
#include <sched.h>
#include <stdlib.h>

#include "highlevel/table_private.h"

void hl_epoch_enter(struct hl_table *t, struct hl_slot *s)
{
	uint64_t e = atomic_load_explicit(&t->epoch, memory_order_acquire);

	for (;;) {
		uint64_t now;

		atomic_store(&s->epoch, e);
		now = atomic_load(&t->epoch);
		if (likely(now == e))
			return;
		e = now;
	}
}

void hl_epoch_exit(struct hl_slot *s)
{
	atomic_store_explicit(&s->epoch, 0, memory_order_release);
}

bool hl_epoch_passed(struct hl_table *t, uint64_t tag)
{
	uint32_t n = atomic_load(&t->nslots);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t e = atomic_load(&hl_slot(t, i)->epoch);

		if (e && e <= tag)
			return false;
	}
	return true;
}

void hl_epoch_wait(struct hl_table *t)
{
	uint64_t tag = atomic_fetch_add(&t->epoch, 1);

	while (!hl_epoch_passed(t, tag))
		sched_yield();
}

void hl_retire_node(struct hl_table *t, struct hl_slot *s, uint32_t idx)
{
	struct hl_shard *sh = &t->shards[s->shard];

	pthread_mutex_lock(&sh->lock);
	hl_node(t, idx)->queue_next = sh->open_nodes;
	sh->open_nodes = idx;
	pthread_mutex_unlock(&sh->lock);
}

void hl_retire(struct hl_table *t, struct hl_slot *s, struct hl_retired *r)
{
	struct hl_shard *sh = &t->shards[s->shard];

	pthread_mutex_lock(&sh->lock);
	r->next = sh->open_mem;
	sh->open_mem = r;
	pthread_mutex_unlock(&sh->lock);
}

struct old_name {
	struct hl_retired retired; /* first */
	struct hl_name *name;
};

static void free_old_name(struct hl_table *t, struct hl_retired *r)
{
	hl_name_free(t, ((struct old_name *)r)->name);
	free(r);
}

void hl_retire_name(struct hl_table *t, struct hl_slot *s, struct hl_name *n)
{
	struct old_name *o = malloc(sizeof(*o));

	if (!o) {
		hl_epoch_wait(t);
		hl_name_free(t, n);
		return;
	}
	o->retired.free_fn = free_old_name;
	o->name = n;
	hl_retire(t, s, &o->retired);
}

static bool is_published(struct hl_table *t, uint32_t idx)
{
	uint32_t n = atomic_load(&t->nslots);

	for (uint32_t i = 0; i < n; i++) {
		struct hl_slot *s = hl_slot(t, i);

		if (hl_at_idx(atomic_load(&s->at[0])) == idx ||
		    hl_at_idx(atomic_load(&s->at[1])) == idx)
			return true;
	}
	return false;
}

/* Closes the open lists if nothing is sealed; takes what has waited enough. */
static void take_ripe(struct hl_table *t, struct hl_shard *sh, uint32_t *nodes,
		      struct hl_retired **mem)
{
	pthread_mutex_lock(&sh->lock);
	if (!sh->sealed_nodes && !sh->sealed_mem && (sh->open_nodes || sh->open_mem)) {
		sh->sealed_nodes = sh->open_nodes;
		sh->sealed_mem = sh->open_mem;
		sh->sealed_at = atomic_fetch_add(&t->epoch, 1);
		sh->open_nodes = 0;
		sh->open_mem = NULL;
	}
	*nodes = 0;
	*mem = NULL;
	if ((sh->sealed_nodes || sh->sealed_mem) && hl_epoch_passed(t, sh->sealed_at)) {
		*nodes = sh->sealed_nodes;
		*mem = sh->sealed_mem;
		sh->sealed_nodes = 0;
		sh->sealed_mem = NULL;
	}
	pthread_mutex_unlock(&sh->lock);
}

static void free_node(struct hl_table *t, struct hl_slot *s, uint32_t idx)
{
	struct hl_node *n = hl_node(t, idx);
	uint32_t parent = atomic_load_explicit(&n->parent, memory_order_relaxed);
	struct hl_name *name = atomic_load_explicit(&n->name, memory_order_relaxed);

	hl_node_free(t, idx);
	hl_name_free(t, name);
	if (parent) {
		hl_epoch_enter(t, s);
		hl_node_release(t, s, parent);
		hl_epoch_exit(s);
	}
}

/* Frees a list of dead nodes; the ones that an operation still stands on go
 * back. Returns whether any was freed. */
static bool free_nodes(struct hl_table *t, struct hl_slot *s, uint32_t nodes)
{
	bool any = false;

	while (nodes) {
		uint32_t idx = nodes;

		nodes = hl_node(t, idx)->queue_next;
		if (is_published(t, idx)) {
			hl_retire_node(t, s, idx);
		} else {
			free_node(t, s, idx);
			any = true;
		}
	}
	return any;
}

static bool reclaim_shard(struct hl_table *t, struct hl_slot *s, struct hl_shard *sh)
{
	struct hl_retired *mem;
	uint32_t nodes;
	bool any;

	take_ripe(t, sh, &nodes, &mem);
	any = free_nodes(t, s, nodes);
	while (mem) {
		struct hl_retired *r = mem;

		mem = r->next;
		r->free_fn(t, r);
		any = true;
	}
	return any;
}

/*
 * A node keeps its parent until it is freed, so a tree goes leaves first, one
 * level each round. Then a look at another shard, in case the threads that use
 * it have nothing to do any more.
 */
void hl_reclaim(struct hl_table *t, struct hl_slot *s)
{
	unsigned int other = atomic_fetch_add_explicit(&t->sweep, 1, memory_order_relaxed);

	while (reclaim_shard(t, s, &t->shards[s->shard]))
		;
	reclaim_shard(t, s, &t->shards[other % HL_SHARDS]);
}
