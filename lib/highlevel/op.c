/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The beginning and the end of an operation: slot, publication or claim, paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "highlevel/table_private.h"

static int check_places(struct hl_op *op)
{
	for (unsigned int i = 0; i < op->count; i++) {
		const struct hl_where *w = &op->where[i];
		int err;

		if (!w->ino || w->ino > UINT32_MAX)
			return -ESTALE;
		if (!w->name)
			continue;
		err = hl_name_check(w->name, &op->namelen[i]);
		if (err)
			return err;
		op->hash[i] = hl_name_hash(op->table, (uint32_t)w->ino, w->name, op->namelen[i]);
	}
	return 0;
}

static int start(struct hl_table *t, struct hl_op *op, const char *doing, const struct hl_where *w,
		 unsigned int count)
{
	struct hl_slot *s;
	int err;

	memset(op, 0, sizeof(*op));
	op->table = t;
	op->count = count;
	for (unsigned int i = 0; i < count; i++)
		op->where[i] = w[i];
	err = check_places(op);
	if (err)
		return err;
	s = op->slot = hl_slot_take(t, &op->temporary_slot);
	if (!s)
		return -ENOMEM;
	/* Before publication: whoever sees the same number sees the same
	 * operation. */
	atomic_store_explicit(&s->seq, atomic_load_explicit(&s->seq, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&s->doing, doing, memory_order_release);
	return 0;
}

static int build_path(struct hl_op *op, unsigned int i)
{
	struct hl_table *t = op->table;
	uint32_t idx = (uint32_t)op->where[i].ino;
	const char *name = op->where[i].name;
	size_t size;
	char *path;
	int err;

	err = hl_path_build(t, idx, name, op->namelen[i], op->slot->paths + i * PATH_MAX, PATH_MAX,
			    &path);
	if (err == -ERANGE) {
		size = hl_path_size(t, idx, op->namelen[i]);
		op->heap[i] = malloc(size);
		if (!op->heap[i])
			return -ENOMEM;
		err = hl_path_build(t, idx, name, op->namelen[i], op->heap[i], size, &path);
	}
	if (!err)
		op->path[i] = path;
	return err;
}

static int build_paths(struct hl_op *op)
{
	int err = 0;

	for (unsigned int i = 0; i < op->count && !err; i++)
		err = build_path(op, i);
	return err;
}

static int publish(struct hl_op *op)
{
	uint64_t at[2];

	for (unsigned int i = 0; i < op->count; i++)
		at[i] = hl_at((uint32_t)op->where[i].ino, op->hash[i]);
	hl_publish(op->table, op->slot, at, op->count);
	/* After publication: from now on a node that is there stays. */
	for (unsigned int i = 0; i < op->count; i++) {
		if (!hl_node_get(op->table, op->where[i].ino))
			return -ESTALE;
	}
	return 0;
}

int hl_begin(struct hl_table *t, struct hl_op *op, const char *doing, const struct hl_where *w,
	     unsigned int count)
{
	int err = start(t, op, doing, w, count);

	if (err || !count)
		return err;
	err = publish(op);
	if (!err)
		err = build_paths(op);
	if (err)
		hl_end(op);
	return err;
}

int hl_begin_open(struct hl_table *t, struct hl_op *op, const char *doing, uint64_t ino,
		  bool want_path)
{
	struct hl_where w = {ino, NULL};
	int err = start(t, op, doing, &w, 1);

	if (err)
		return err;
	err = publish(op);
	if (!err && want_path)
		err = build_paths(op);
	if (err == -ENOENT)
		err = 0;
	if (err)
		hl_end(op);
	return err;
}

/* ---- writers ---- */

static void drop_hold(struct hl_op *op, uint32_t idx)
{
	if (idx) {
		hl_epoch_enter(op->table, op->slot);
		hl_node_release(op->table, op->slot, idx);
		hl_epoch_exit(op->slot);
	}
}

/* Finds the node of an entry and holds it. A node that dies at this moment is
 * as good as not there. */
static uint32_t find_and_hold(struct hl_op *op, unsigned int i)
{
	uint32_t idx;

	hl_epoch_enter(op->table, op->slot);
	idx = hl_index_find(op->table, (uint32_t)op->where[i].ino, op->where[i].name,
			    op->namelen[i], op->hash[i]);
	if (idx && !hl_node_hold(hl_node(op->table, idx)))
		idx = 0;
	hl_epoch_exit(op->slot);
	return idx;
}

static bool find_nodes(struct hl_op *op)
{
	bool changed = false;

	for (unsigned int i = 0; i < op->count; i++) {
		uint32_t idx = find_and_hold(op, i);

		changed = changed || idx != op->node[i];
		drop_hold(op, op->node[i]);
		op->node[i] = idx;
	}
	return changed;
}

void hl_claim_current(struct hl_op *op)
{
	bool armed = atomic_load_explicit(&op->claim->ticket, memory_order_relaxed);

	/* Again after the claim holds: someone may have made or moved a node
	 * while we waited. */
	while (find_nodes(op) || !armed) {
		uint64_t entry[2] = {0};

		for (unsigned int i = 0; i < op->count; i++)
			entry[i] = hl_at((uint32_t)op->where[i].ino, op->hash[i]);
		hl_claim_take(op->table, op->claim, op->node, entry);
		armed = true;
	}
}

static int reserve(struct hl_table *t, struct hl_op *op)
{
	bool ok = true;

	for (unsigned int i = 0; i < op->count; i++) {
		struct hl_stripe *s = hl_stripe(t, op->hash[i]);

		pthread_mutex_lock(&s->lock);
		ok = ok && hl_index_reserve_locked(s);
		pthread_mutex_unlock(&s->lock);
	}
	if (op->count == 2) {
		op->spare = hl_name_new(t, op->slot->shard, op->where[1].name, op->namelen[1]);
		op->spare2 = hl_name_new(t, op->slot->shard, op->where[0].name, op->namelen[0]);
		ok = ok && op->spare && op->spare2;
	}
	op->claim = hl_claim_new(t);
	return ok && op->claim ? 0 : -ENOMEM;
}

static int hold_directories(struct hl_op *op)
{
	for (unsigned int i = 0; i < op->count; i++) {
		struct hl_node *n = hl_node_get(op->table, op->where[i].ino);

		if (!n || !hl_node_hold(n))
			return -ESTALE;
		op->held++;
	}
	return 0;
}

int hl_begin_write(struct hl_table *t, struct hl_op *op, const char *doing,
		   const struct hl_where *w, unsigned int count)
{
	int err = start(t, op, doing, w, count);

	if (err)
		return err;
	err = hold_directories(op);
	if (!err)
		err = reserve(t, op);
	if (!err) {
		hl_claim_current(op);
		err = build_paths(op);
	}
	if (err)
		hl_end(op);
	return err;
}

static void end_write(struct hl_op *op)
{
	struct hl_table *t = op->table;

	if (op->claim)
		hl_claim_drop(t, op->claim);
	hl_name_free(t, op->spare);
	hl_name_free(t, op->spare2);
	for (unsigned int i = 0; i < op->count; i++)
		drop_hold(op, op->node[i]);
	for (unsigned int i = 0; i < op->held; i++)
		drop_hold(op, (uint32_t)op->where[i].ino);
	hl_reclaim(t, op->slot);
}

void hl_end(struct hl_op *op)
{
	if (!op->slot)
		return;
	if (op->claim || op->held)
		end_write(op);
	else
		hl_unpublish(op->table, op->slot, op->count);
	free(op->heap[0]);
	free(op->heap[1]);
	atomic_store_explicit(&op->slot->doing, NULL, memory_order_relaxed);
	hl_slot_put(op->table, op->slot, op->temporary_slot);
	op->slot = NULL;
}
