/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What writers do to the table: entries that go, move, change places or are
 * set aside. The nodes concerned are claimed, so no reader is on a path
 * through them; only readers of the index may look at them meanwhile.
 */
#include <errno.h>

#include "highlevel/table_private.h"

/* What is left over once the locks are released. */
struct leftovers {
	struct hl_retired *mem[4]; /* pieces of the index */
	unsigned int mems;
	struct hl_name *name[4];
	unsigned int names;
	uint32_t release[4]; /* nodes that lost a child */
	unsigned int releases;
};

static void clean_up(struct hl_op *op, struct leftovers *l)
{
	struct hl_table *t = op->table;

	hl_epoch_enter(t, op->slot);
	for (unsigned int i = 0; i < l->releases; i++)
		hl_node_release(t, op->slot, l->release[i]);
	hl_epoch_exit(op->slot);
	for (unsigned int i = 0; i < l->mems; i++)
		hl_retire(t, op->slot, l->mem[i]);
	for (unsigned int i = 0; i < l->names; i++)
		hl_retire_name(t, op->slot, l->name[i]);
}

static void take_out_locked(struct hl_table *t, uint32_t idx, struct leftovers *l)
{
	struct hl_node *n = hl_node(t, idx);
	uint32_t hash = atomic_load_explicit(&n->hash, memory_order_relaxed);
	struct hl_retired *mem = hl_index_remove_locked(t, hl_stripe(t, hash), idx);

	if (mem)
		l->mem[l->mems++] = mem;
	l->name[l->names++] = atomic_load_explicit(&n->name, memory_order_relaxed);
	l->release[l->releases++] = atomic_load_explicit(&n->parent, memory_order_relaxed);
}

/* The node keeps living, without a path. */
static void detach_locked(struct hl_table *t, uint32_t idx, struct leftovers *l)
{
	struct hl_node *n = hl_node(t, idx);

	take_out_locked(t, idx, l);
	atomic_fetch_and(&n->flags, ~(unsigned int)(HL_HASHED | HL_HIDDEN));
	atomic_fetch_or(&n->flags, HL_UNLINKED);
	atomic_store_explicit(&n->parent, 0, memory_order_release);
	atomic_store_explicit(&n->name, NULL, memory_order_release);
}

static void put_in_locked(struct hl_table *t, uint32_t idx, uint32_t parent, struct hl_name *name,
			  uint32_t hash)
{
	struct hl_node *n = hl_node(t, idx);

	atomic_fetch_add(&hl_node(t, parent)->refs, 1); /* alive: the writer holds it */
	atomic_store_explicit(&n->name, name, memory_order_release);
	atomic_store_explicit(&n->parent, parent, memory_order_release);
	atomic_store_explicit(&n->hash, hash, memory_order_release);
	/* Cannot fail: reserved. */
	hl_index_insert_locked(t, hl_stripe(t, hash), idx);
}

static void begin_locked(struct hl_table *t, uint32_t h1, uint32_t h2)
{
	hl_stripes_lock(t, h1, h2);
	hl_stripe_rearrange_begin(hl_stripe(t, h1));
	hl_stripe_rearrange_begin(hl_stripe(t, h2));
}

static void end_locked(struct hl_table *t, uint32_t h1, uint32_t h2)
{
	hl_stripe_rearrange_end(hl_stripe(t, h1));
	hl_stripe_rearrange_end(hl_stripe(t, h2));
	hl_stripes_unlock(t, h1, h2);
}

static bool is_current_locked(struct hl_op *op)
{
	struct hl_table *t = op->table;

	for (unsigned int i = 0; i < op->count; i++) {
		if (hl_index_find_locked(t, hl_stripe(t, op->hash[i]), (uint32_t)op->where[i].ino,
					 op->where[i].name, op->namelen[i],
					 op->hash[i]) != op->node[i])
			return false;
	}
	return true;
}

/* Locks the stripes of the entries. A listing of the directory may have made
 * nodes for entries that nobody knew before: then they are claimed too. */
static void begin_current(struct hl_op *op)
{
	uint32_t h1 = op->hash[0], h2 = op->hash[op->count - 1];

	for (;;) {
		hl_claim_current(op);
		begin_locked(op->table, h1, h2);
		if (is_current_locked(op))
			return;
		end_locked(op->table, h1, h2);
	}
}

void hl_removed(struct hl_op *op)
{
	struct hl_table *t = op->table;
	struct leftovers l = {0};

	begin_current(op);
	if (op->node[0])
		detach_locked(t, op->node[0], &l);
	end_locked(t, op->hash[0], op->hash[0]);
	clean_up(op, &l);
}

void hl_renamed(struct hl_op *op, bool exchange)
{
	struct hl_table *t = op->table;
	struct leftovers l = {0};
	uint32_t from = op->hash[0], to = op->hash[1];
	uint32_t src, dst;

	begin_current(op);
	src = op->node[0];
	dst = op->node[1];
	if (src == dst) /* one entry, or two that nobody knows */
		src = dst = 0;
	if (dst && exchange)
		take_out_locked(t, dst, &l);
	else if (dst)
		detach_locked(t, dst, &l);
	if (src) {
		take_out_locked(t, src, &l);
		atomic_fetch_and(&hl_node(t, src)->flags, ~(unsigned int)HL_HIDDEN);
		put_in_locked(t, src, (uint32_t)op->where[1].ino, op->spare, to);
		op->spare = NULL;
	}
	if (dst && exchange) {
		put_in_locked(t, dst, (uint32_t)op->where[0].ino, op->spare2, from);
		op->spare2 = NULL;
	}
	end_locked(t, from, to);
	clean_up(op, &l);
}

int hl_set_aside(struct hl_op *op, unsigned int which, const char *name)
{
	struct hl_table *t = op->table;
	uint32_t idx = op->node[which], parent = (uint32_t)op->where[which].ino;
	uint32_t from = op->hash[which], to;
	struct leftovers l = {0};
	struct hl_name *own;
	size_t len;
	int err = hl_name_check(name, &len);

	if (err || !idx)
		return err ? err : -ENOENT;
	own = hl_name_new(t, op->slot->shard, name, len);
	if (!own)
		return -ENOMEM;
	to = hl_name_hash(t, parent, name, len);
	begin_locked(t, from, to);
	if (hl_index_find_locked(t, hl_stripe(t, to), parent, name, len, to)) {
		err = -EEXIST;
	} else if (!hl_index_reserve_locked(hl_stripe(t, to))) {
		err = -ENOMEM;
	} else {
		take_out_locked(t, idx, &l);
		put_in_locked(t, idx, parent, own, to);
		atomic_fetch_or(&hl_node(t, idx)->flags, HL_HIDDEN);
	}
	end_locked(t, from, to);
	if (err) {
		hl_name_free(t, own);
	} else {
		/* The claim stays; the hold does not. */
		l.release[l.releases++] = idx;
		op->node[which] = 0;
	}
	clean_up(op, &l);
	return err;
}

int hl_move_out(struct hl_op *op, unsigned int which, uint64_t ino, const char *name)
{
	struct hl_table *t = op->table;
	uint32_t parent = (uint32_t)op->where[which].ino, from, to;
	struct hl_node *n = hl_node_get(t, ino);
	struct leftovers l = {0};
	struct hl_name *own;
	size_t len;
	int err = hl_name_check(name, &len);

	if (err || !n)
		return err ? err : -ENOENT;
	own = hl_name_new(t, op->slot->shard, name, len);
	if (!own)
		return -ENOMEM;
	from = atomic_load_explicit(&n->hash, memory_order_acquire);
	to = hl_name_hash(t, parent, name, len);
	begin_locked(t, from, to);
	if (hl_index_find_locked(t, hl_stripe(t, to), parent, name, len, to) ||
	    !hl_index_reserve_locked(hl_stripe(t, to))) {
		err = -EEXIST;
	} else {
		take_out_locked(t, (uint32_t)ino, &l);
		put_in_locked(t, (uint32_t)ino, parent, own, to);
	}
	end_locked(t, from, to);
	if (err)
		hl_name_free(t, own);
	clean_up(op, &l);
	return err;
}

void hl_put_back(struct hl_op *op, unsigned int which, uint64_t ino)
{
	struct hl_table *t = op->table;
	struct hl_node *n = hl_node_get(t, ino);
	uint32_t parent = (uint32_t)op->where[which].ino;
	uint32_t from, to = op->hash[which], there;
	struct leftovers l = {0};

	if (!n || !op->spare || op->count != 2 || which != 1)
		return;
	from = atomic_load_explicit(&n->hash, memory_order_acquire);
	begin_locked(t, from, to);
	there = hl_index_find_locked(t, hl_stripe(t, to), parent, op->where[which].name,
				     op->namelen[which], to);
	if (there)
		detach_locked(t, there, &l);
	take_out_locked(t, (uint32_t)ino, &l);
	put_in_locked(t, (uint32_t)ino, parent, op->spare, to);
	op->spare = NULL;
	atomic_fetch_and(&n->flags, ~(unsigned int)HL_HIDDEN);
	end_locked(t, from, to);
	clean_up(op, &l);
}
