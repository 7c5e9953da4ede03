/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of nodes: looked up, held, moved, forgotten.
 *
 * A node is there while the kernel knows it (nlookup) or something stands on
 * it (refs: children, open files, holds). When both are 0 it dies, under the
 * lock of its stripe: it leaves the index, refs gets HL_DEAD, and it waits for
 * its readers (epoch.c). nlookup goes from 0 to 1 only under that lock, so a
 * node is not found while it dies; from 1 upwards it needs no lock.
 */
#include <errno.h>

#include "highlevel/table_private.h"

static uint32_t load_hash(struct hl_node *n)
{
	return atomic_load_explicit(&n->hash, memory_order_acquire);
}

static bool has_flag(struct hl_node *n, enum hl_flag flag)
{
	return atomic_load_explicit(&n->flags, memory_order_acquire) & flag;
}

static void set_flag(struct hl_node *n, enum hl_flag flag)
{
	atomic_fetch_or_explicit(&n->flags, flag, memory_order_acq_rel);
}

static void clear_flag(struct hl_node *n, enum hl_flag flag)
{
	atomic_fetch_and_explicit(&n->flags, ~(unsigned int)flag, memory_order_acq_rel);
}

/* Locks the stripe of a node whose hash may change until we have it. */
static struct hl_stripe *lock_stripe_of(struct hl_table *t, struct hl_node *n)
{
	for (;;) {
		uint32_t hash = load_hash(n);
		struct hl_stripe *s = hl_stripe(t, hash);

		pthread_mutex_lock(&s->lock);
		if (hl_stripe(t, load_hash(n)) == s)
			return s;
		pthread_mutex_unlock(&s->lock);
	}
}

bool hl_node_hold(struct hl_node *n)
{
	uint32_t refs = atomic_load_explicit(&n->refs, memory_order_relaxed);

	do {
		if (refs & HL_DEAD)
			return false;
	} while (!atomic_compare_exchange_weak(&n->refs, &refs, refs + 1));
	return true;
}

void hl_node_release(struct hl_table *t, struct hl_slot *s, uint32_t idx)
{
	if (atomic_fetch_sub(&hl_node(t, idx)->refs, 1) == 1)
		hl_node_maybe_die(t, s, idx);
}

static bool is_unused(struct hl_node *n)
{
	return !atomic_load(&n->nlookup) && !atomic_load(&n->refs);
}

void hl_node_maybe_die(struct hl_table *t, struct hl_slot *s, uint32_t idx)
{
	struct hl_node *n = hl_node(t, idx);
	struct hl_stripe *st;
	struct hl_retired *unused = NULL;
	bool dies = false;
	uint32_t none = 0;

	if (!is_unused(n))
		return;
	st = lock_stripe_of(t, n);
	if (has_flag(n, HL_LIVE) && !has_flag(n, HL_QUEUED) && !atomic_load(&n->nlookup) &&
	    atomic_compare_exchange_strong(&n->refs, &none, HL_DEAD)) {
		dies = true;
		if (has_flag(n, HL_HASHED))
			unused = hl_index_remove_locked(t, st, idx);
		clear_flag(n, HL_HASHED);
	}
	pthread_mutex_unlock(&st->lock);
	if (dies)
		hl_retire_node(t, s, idx);
	if (unused)
		hl_retire(t, s, unused);
}

/* ---- lookups ---- */

static bool count_if_known(struct hl_node *n)
{
	uint64_t v = atomic_load_explicit(&n->nlookup, memory_order_relaxed);

	do {
		if (!v)
			return false;
	} while (!atomic_compare_exchange_weak(&n->nlookup, &v, v + 1));
	return true;
}

static void fill_entry(struct hl_table *t, uint32_t idx, struct hl_entry *out)
{
	struct hl_node *n = hl_node(t, idx);

	if (!has_flag(n, HL_USED))
		set_flag(n, HL_USED);
	out->ino = idx;
	out->generation = hl_node_generation(n);
	out->fresh = false;
}

/* A node that nobody can find yet, with one lookup counted. */
static uint32_t make_node(struct hl_table *t, struct hl_slot *s, uint32_t parent, const char *name,
			  size_t len, uint32_t hash)
{
	uint32_t idx = hl_node_alloc(t, s->shard);
	struct hl_name *own;
	struct hl_node *n;

	if (!idx)
		return 0;
	own = hl_name_new(t, s->shard, name, len);
	if (!own) {
		hl_node_free(t, idx);
		return 0;
	}
	n = hl_node(t, idx);
	atomic_store_explicit(&n->nlookup, 1, memory_order_relaxed);
	atomic_store_explicit(&n->refs, t->memory == HL_REMEMBER_ALWAYS, memory_order_relaxed);
	atomic_store_explicit(&n->parent, parent, memory_order_relaxed);
	atomic_store_explicit(&n->hash, hash, memory_order_relaxed);
	atomic_store_explicit(&n->name, own, memory_order_release);
	return idx;
}

static void unmake_node(struct hl_table *t, uint32_t idx)
{
	struct hl_name *own = atomic_load_explicit(&hl_node(t, idx)->name, memory_order_relaxed);

	hl_node_free(t, idx);
	hl_name_free(t, own);
}

/* The node may be there after all; else the fresh one is. 0 without memory. */
static uint32_t find_or_insert(struct hl_table *t, uint32_t fresh, uint32_t parent,
			       const char *name, size_t len, uint32_t hash)
{
	struct hl_stripe *st = hl_stripe(t, hash);
	uint32_t idx;

	pthread_mutex_lock(&st->lock);
	idx = hl_index_find_locked(t, st, parent, name, len, hash);
	if (idx) {
		atomic_fetch_add(&hl_node(t, idx)->nlookup, 1);
	} else if (fresh) {
		atomic_store_explicit(&hl_node(t, fresh)->flags, HL_LIVE | HL_HASHED,
				      memory_order_release);
		if (hl_index_insert_locked(t, st, fresh))
			idx = fresh;
	}
	pthread_mutex_unlock(&st->lock);
	return idx;
}

static int lookup_in(struct hl_table *t, struct hl_slot *s, uint32_t parent, const char *name,
		     size_t len, uint32_t *out, bool *made)
{
	uint32_t hash = hl_name_hash(t, parent, name, len);
	uint32_t fresh, idx = hl_index_find(t, parent, name, len, hash);

	if (idx && count_if_known(hl_node(t, idx))) {
		*out = idx;
		return 0;
	}
	/* The child will keep its parent. */
	if (!hl_node_hold(hl_node(t, parent)))
		return -ENOENT;
	fresh = make_node(t, s, parent, name, len, hash);
	idx = find_or_insert(t, fresh, parent, name, len, hash);
	if (!idx || idx != fresh) {
		if (fresh)
			unmake_node(t, fresh);
		hl_node_release(t, s, parent);
	}
	*out = idx;
	*made = idx && idx == fresh;
	return idx ? 0 : -ENOMEM;
}

int hl_lookup(struct hl_op *op, uint64_t dir, const char *name, struct hl_entry *out)
{
	struct hl_table *t = op->table;
	bool made = false;
	uint32_t idx = 0;
	size_t len;
	int err = hl_name_check(name, &len);

	if (err)
		return err;
	hl_epoch_enter(t, op->slot);
	if (!hl_node_get(t, dir))
		err = -ENOENT;
	else
		err = lookup_in(t, op->slot, (uint32_t)dir, name, len, &idx, &made);
	if (!err)
		fill_entry(t, idx, out);
	out->fresh = made;
	hl_epoch_exit(op->slot);
	return err;
}

/* Also a node that the kernel had forgotten, as long as it is there. */
static int count_node(struct hl_table *t, uint32_t idx)
{
	struct hl_node *n = hl_node(t, idx);
	struct hl_stripe *st;
	int err = 0;

	if (count_if_known(n))
		return 0;
	st = lock_stripe_of(t, n);
	if (hl_node_get(t, idx))
		atomic_fetch_add(&n->nlookup, 1);
	else
		err = -ESTALE;
	pthread_mutex_unlock(&st->lock);
	return err;
}

static int lookup_known(struct hl_table *t, uint64_t ino, bool parent, struct hl_entry *out)
{
	bool temporary;
	struct hl_slot *s = hl_slot_take(t, &temporary);
	struct hl_node *n;
	int err = -ESTALE;

	if (!s)
		return -ENOMEM;
	hl_epoch_enter(t, s);
	n = hl_node_get(t, ino);
	if (n && parent && ino != HL_ROOT_INO)
		ino = atomic_load_explicit(&n->parent, memory_order_acquire);
	if (n && ino)
		err = count_node(t, (uint32_t)ino);
	if (!err)
		fill_entry(t, (uint32_t)ino, out);
	hl_epoch_exit(s);
	hl_slot_put(t, s, temporary);
	return err;
}

int hl_lookup_self(struct hl_table *t, uint64_t ino, struct hl_entry *out)
{
	return lookup_known(t, ino, false, out);
}

int hl_lookup_parent(struct hl_table *t, uint64_t ino, struct hl_entry *out)
{
	return lookup_known(t, ino, true, out);
}

/* ---- forgetting ---- */

/* Returns false if n was more than there were. */
static bool uncount(struct hl_node *n, uint64_t count)
{
	uint64_t v = atomic_load_explicit(&n->nlookup, memory_order_relaxed);

	while (!atomic_compare_exchange_weak(&n->nlookup, &v, v > count ? v - count : 0))
		;
	return v >= count;
}

bool hl_forget(struct hl_table *t, uint64_t ino, uint64_t count)
{
	bool temporary, ok = false;
	struct hl_slot *s;
	struct hl_node *n;

	if (ino == HL_ROOT_INO)
		return true;
	s = hl_slot_take(t, &temporary);
	if (!s)
		return true; /* keeps the node too long: harmless */
	hl_epoch_enter(t, s);
	n = hl_node_get(t, ino);
	if (n && t->memory == HL_REMEMBER_SECONDS) {
		pthread_mutex_lock(&t->queue_lock);
		/* Queued before the count can reach 0: the queue alone lets
		 * such nodes die. */
		if (atomic_load(&n->nlookup) <= count)
			hl_queue_locked(t, (uint32_t)ino);
		ok = uncount(n, count);
		pthread_mutex_unlock(&t->queue_lock);
	} else if (n) {
		ok = uncount(n, count);
		hl_node_maybe_die(t, s, (uint32_t)ino);
	}
	hl_epoch_exit(s);
	hl_slot_put(t, s, temporary);
	return ok;
}

void hl_forget_done(struct hl_table *t)
{
	bool temporary;
	struct hl_slot *s = hl_slot_take(t, &temporary);

	if (!s)
		return;
	hl_reclaim(t, s);
	hl_slot_put(t, s, temporary);
}

/* ---- open files ---- */

bool hl_opened(struct hl_table *t, uint64_t ino)
{
	struct hl_node *n = hl_node_get(t, ino);

	if (!n || !hl_node_hold(n))
		return false;
	atomic_fetch_add(&n->opens, 1);
	return true;
}

unsigned int hl_closed(struct hl_table *t, uint64_t ino)
{
	struct hl_node *n = hl_node_get(t, ino);

	return n ? atomic_fetch_sub(&n->opens, 1) - 1 : 0;
}

void hl_dropped(struct hl_table *t, uint64_t ino)
{
	bool temporary;
	struct hl_slot *s;

	if (!hl_node_get(t, ino))
		return;
	s = hl_slot_take(t, &temporary);
	if (!s) {
		/* It stays until somebody looks at it again. */
		atomic_fetch_sub(&hl_node(t, (uint32_t)ino)->refs, 1);
		return;
	}
	hl_epoch_enter(t, s);
	hl_node_release(t, s, (uint32_t)ino);
	hl_epoch_exit(s);
	hl_reclaim(t, s);
	hl_slot_put(t, s, temporary);
}

unsigned int hl_open_count(struct hl_table *t, uint64_t ino)
{
	struct hl_node *n = hl_node_get(t, ino);

	return n ? atomic_load(&n->opens) : 0;
}

uint64_t hl_generation(struct hl_table *t, uint64_t ino)
{
	struct hl_node *n = hl_node_get(t, ino);

	return n ? hl_node_generation(n) : 0;
}

unsigned int hl_flags(struct hl_table *t, uint64_t ino)
{
	struct hl_node *n = hl_node_get(t, ino);

	return n ? atomic_load_explicit(&n->flags, memory_order_acquire) : 0;
}

void hl_set_flag(struct hl_table *t, uint64_t ino, enum hl_flag flag, bool on)
{
	struct hl_node *n = hl_node_get(t, ino);

	if (n && on)
		set_flag(n, flag);
	else if (n)
		clear_flag(n, flag);
}
