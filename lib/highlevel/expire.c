/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes that are remembered for a while after the kernel has forgotten them
 * (the option remember=SECONDS), in a queue, oldest first. A node in the queue
 * does not die otherwise. One that the kernel has learned again meanwhile stays
 * in the queue until its turn comes, and leaves it then.
 */
#include <time.h>

#include "highlevel/table_private.h"

static uint32_t now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint32_t)ts.tv_sec;
}

static void append_locked(struct hl_table *t, uint32_t idx)
{
	hl_node(t, idx)->queue_next = 0;
	if (t->queue_tail)
		hl_node(t, t->queue_tail)->queue_next = idx;
	else
		t->queue_head = idx;
	t->queue_tail = idx;
}

void hl_queue_locked(struct hl_table *t, uint32_t idx)
{
	struct hl_node *n = hl_node(t, idx);

	atomic_store_explicit(&n->forgot_at, now_seconds(), memory_order_relaxed);
	if (atomic_fetch_or(&n->flags, HL_QUEUED) & HL_QUEUED)
		return;
	append_locked(t, idx);
}

/* The oldest node if its time has come, out of the queue; else 0 and the
 * seconds to wait. */
static uint32_t take_due(struct hl_table *t, uint32_t now, unsigned int *wait)
{
	uint32_t idx, age;
	struct hl_node *n;

	*wait = t->remember;
	pthread_mutex_lock(&t->queue_lock);
	while ((idx = t->queue_head)) {
		n = hl_node(t, idx);
		age = now - atomic_load_explicit(&n->forgot_at, memory_order_relaxed);
		if (age < t->remember && !atomic_load(&n->nlookup)) {
			*wait = t->remember - age;
			idx = 0;
			break;
		}
		t->queue_head = n->queue_next;
		if (!t->queue_head)
			t->queue_tail = 0;
		atomic_fetch_and(&n->flags, ~(unsigned int)HL_QUEUED);
		if (!atomic_load(&n->nlookup))
			break;
	}
	pthread_mutex_unlock(&t->queue_lock);
	return idx;
}

unsigned int hl_table_expire(struct hl_table *t)
{
	uint32_t now = now_seconds(), idx;
	unsigned int wait = t->remember;
	bool temporary;
	struct hl_slot *s;

	if (t->memory != HL_REMEMBER_SECONDS)
		return 0;
	s = hl_slot_take(t, &temporary);
	if (!s)
		return wait;
	while ((idx = take_due(t, now, &wait))) {
		hl_epoch_enter(t, s);
		hl_node_maybe_die(t, s, idx);
		hl_epoch_exit(s);
	}
	hl_reclaim(t, s);
	hl_slot_put(t, s, temporary);
	return wait ? wait : 1;
}
