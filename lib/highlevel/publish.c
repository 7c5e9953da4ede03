/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Path locks by publication.
 *
 * Every operation ("reader", whatever it does to the file) writes into its
 * thread's slot which places it works on: a node, or an entry of a directory.
 * The few operations that change paths ("writers": unlink, rmdir, rename)
 * write a claim: the nodes whose paths change, and the entries. The two meet
 * here. Rules, with "below" including the node itself:
 *
 *   (1) a reader whose place is below a claimed node, or is a claimed entry,
 *       must not run a callback while the claim holds;
 *   (2) of two writers whose claims touch each other's places, the one with
 *       the lower ticket goes first.
 *
 * A claim is armed (ticket != 0, counted in t->armed) before it holds. Armed,
 * it keeps new readers out; it holds when those who were inside have left.
 *
 *   reader   R1: slot.at = place       R2: read t->armed; 0: go
 *   writer   W1: t->armed++            W2: read every slot.at
 *
 * These four are sequentially consistent and so have one order S. Either W1 is
 * before R2 in S, and the reader sees that it must look at the claims; or R2 is
 * before W1, so R1 is before W2, and the writer sees the reader's place (or
 * that the reader has left since). So it cannot happen that both go ahead. It
 * can happen that both see each other: then the reader withdraws and waits;
 * writers only ever wait for readers that are in a callback, and those wait
 * for nobody. A reader that looks at the claims sees those armed before R2:
 * t->armed is only changed by read-modify-write operations, so what R2 reads
 * synchronizes with each earlier one, and the claim was written before.
 *
 * Is "below" decided rightly while nodes move? Both sides walk from the
 * published node X0 through parents X1, X2, ... to the root. The link Xi ->
 * Xi+1 is changed only by a writer whose claim on Xi holds. Take a reader that
 * goes ahead, the first change of a link on its way that it has not seen by
 * then, and the writer W of that change with its claim on Xi.
 *  - W was armed when the reader looked at the claims. The links below Xi were
 *    as the reader saw them, so its walk came to Xi and found Xi claimed: it
 *    withdrew and did not go ahead.
 *  - W was armed after R2. Then W2 saw the reader's place. The links below Xi
 *    were unchanged when W walked, so W came to Xi and waited: it does not
 *    change the link while the reader is there.
 *  - W was armed before R2, and dropped before the reader looked at it or at
 *    t->armed. Dropping synchronizes with either look: the reader had seen the
 *    change, contrary to the assumption.
 * So until it leaves, the way of a reader that goes ahead does not change, and
 * its path stays true. Walks of others (of readers that will
 * withdraw, of writers past such readers) may meet links in motion. Memory of
 * nodes is always readable, walks are bounded, and no one relies on the result:
 * the withdrawn reader asks again from R1.
 *
 * Between writers the same argument holds with claims_lock in the place of S: a
 * claim is armed, compared with the others and dropped under it.
 *
 * Waiting and slow callbacks. A callback may take for ever. A writer that needs
 * its path waits for ever, which is right, but it must not keep other readers
 * out that long. So a claim stays armed for a limited time; if the places have
 * not become free by then it is withdrawn, the writer waits without standing in
 * anybody's way until all who were in its way have left, and tries again for
 * twice the time. A stuck callback thus delays others at most once, and
 * shortly; and a stream of callbacks of ordinary length cannot starve a writer,
 * because the time grows past their length.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "highlevel/table_private.h"

#define FIRST_PATIENCE_NS 20000000ll
#define LAST_PATIENCE_NS  10000000000ll

/* Longer than any real way to the root: stops a walk through links in motion. */
#define WALK_LIMIT (1u << 20)

/* ---- do two places touch? ---- */

/* Is idx the claimed node, or below it? There may be something below a file, too:
 * it was a directory until somebody changed it behind the filesystem's back. */
static bool is_below(struct hl_table *t, uint32_t idx, uint32_t top)
{
	for (uint32_t steps = 0; idx && steps < WALK_LIMIT; steps++) {
		if (idx == top)
			return true;
		if (idx == HL_ROOT_INO)
			return false;
		idx = atomic_load_explicit(&hl_node(t, idx)->parent, memory_order_acquire);
	}
	return false;
}

static bool claim_meets(struct hl_table *t, const struct hl_claim *c, uint64_t at)
{
	if (!at)
		return false;
	for (int i = 0; i < 2; i++) {
		uint64_t entry = atomic_load_explicit(&c->entry[i], memory_order_acquire);
		uint32_t node = atomic_load_explicit(&c->node[i], memory_order_acquire);

		if (entry == at || (node && is_below(t, hl_at_idx(at), node)))
			return true;
	}
	return false;
}

/* A writer's own paths lead through the directories of its entries. */
static bool claims_meet(struct hl_table *t, const struct hl_claim *a, const struct hl_claim *b)
{
	for (int i = 0; i < 2; i++) {
		uint32_t na = atomic_load_explicit(&a->node[i], memory_order_acquire);
		uint32_t nb = atomic_load_explicit(&b->node[i], memory_order_acquire);

		if (claim_meets(t, a, atomic_load_explicit(&b->entry[i], memory_order_acquire)) ||
		    claim_meets(t, b, atomic_load_explicit(&a->entry[i], memory_order_acquire)) ||
		    claim_meets(t, a, nb) || claim_meets(t, b, na))
			return true;
	}
	return false;
}

static bool slot_meets(struct hl_table *t, const struct hl_claim *c, struct hl_slot *s)
{
	return claim_meets(t, c, atomic_load(&s->at[0])) ||
	       claim_meets(t, c, atomic_load(&s->at[1]));
}

/* ---- readers ---- */

static struct hl_claim *first_in_the_way(struct hl_table *t, const uint64_t *at, unsigned int count)
{
	struct hl_claim *c = atomic_load_explicit(&t->claims, memory_order_acquire);

	for (; c; c = c->next) {
		if (!atomic_load_explicit(&c->ticket, memory_order_acquire))
			continue;
		for (unsigned int i = 0; i < count; i++) {
			if (claim_meets(t, c, at[i]))
				return c;
		}
	}
	return NULL;
}

static void wait_for_claim(struct hl_table *t, struct hl_claim *c, const uint64_t *at,
			   unsigned int count)
{
	uint64_t ticket;
	bool meets = false;

	pthread_mutex_lock(&t->claims_lock);
	ticket = atomic_load_explicit(&c->ticket, memory_order_relaxed);
	for (unsigned int i = 0; ticket && i < count; i++)
		meets = meets || claim_meets(t, c, at[i]);
	while (meets && atomic_load_explicit(&c->ticket, memory_order_relaxed) == ticket)
		pthread_cond_wait(&c->gone, &t->claims_lock);
	pthread_mutex_unlock(&t->claims_lock);
}

void hl_publish(struct hl_table *t, struct hl_slot *s, const uint64_t *at, unsigned int count)
{
	for (;;) {
		struct hl_claim *c;

		for (unsigned int i = 0; i < count; i++)
			atomic_store(&s->at[i], at[i]);
		if (likely(!atomic_load(&t->armed)))
			return;
		c = first_in_the_way(t, at, count);
		if (!c)
			return;
		hl_unpublish(t, s, count);
		wait_for_claim(t, c, at, count);
	}
}

void hl_unpublish(struct hl_table *t, struct hl_slot *s, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		atomic_store(&s->at[i], 0);
	/* By the argument above: if a writer saw the place after it had set
	 * `waited`, we see `waited`. */
	if (likely(!atomic_load(&s->waited)))
		return;
	pthread_mutex_lock(&t->claims_lock);
	atomic_store(&s->waited, 0);
	pthread_cond_broadcast(&t->drained);
	pthread_mutex_unlock(&t->claims_lock);
}

/* ---- writers; all under claims_lock ---- */

static void arm_locked(struct hl_table *t, struct hl_claim *c)
{
	atomic_store_explicit(&c->ticket, ++t->tickets, memory_order_release);
	atomic_fetch_add(&t->armed, 1);
}

static void disarm_locked(struct hl_table *t, struct hl_claim *c)
{
	atomic_store_explicit(&c->ticket, 0, memory_order_release);
	atomic_fetch_sub(&t->armed, 1);
	pthread_cond_broadcast(&c->gone);
	pthread_cond_broadcast(&t->drained);
}

/* If the slot's operation is in the way, it will wake us when it leaves. */
static bool slot_blocks_locked(struct hl_table *t, const struct hl_claim *c, struct hl_slot *s)
{
	if (!slot_meets(t, c, s))
		return false;
	atomic_store(&s->waited, 1);
	return slot_meets(t, c, s);
}

static bool is_free_locked(struct hl_table *t, const struct hl_claim *c)
{
	uint64_t own = atomic_load_explicit(&c->ticket, memory_order_relaxed);
	struct hl_claim *o = atomic_load_explicit(&t->claims, memory_order_acquire);
	uint32_t n = atomic_load(&t->nslots);
	bool is_free = true;

	for (; o; o = o->next) {
		uint64_t ticket = atomic_load_explicit(&o->ticket, memory_order_relaxed);

		if (ticket && ticket < own && claims_meet(t, c, o))
			return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (slot_blocks_locked(t, c, hl_slot(t, i)))
			is_free = false;
	}
	return is_free;
}

static struct timespec deadline_in(int64_t ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ns / 1000000000);
	ts.tv_nsec += (long)(ns % 1000000000);
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static bool drain_locked(struct hl_table *t, struct hl_claim *c, int64_t patience)
{
	struct timespec until;
	bool timed = false;

	while (!is_free_locked(t, c)) {
		if (!timed)
			until = deadline_in(patience);
		timed = true;
		if (pthread_cond_timedwait(&t->drained, &t->claims_lock, &until) == ETIMEDOUT)
			return is_free_locked(t, c);
	}
	return true;
}

/* One operation that was in the way when the writer looked. */
struct obstacle {
	struct hl_slot *slot;
	struct hl_claim *claim;
	uint64_t mark; /* slot's seq or claim's ticket */
};

static size_t obstacles_locked(struct hl_table *t, struct hl_claim *c, struct obstacle *o,
			       size_t max)
{
	struct hl_claim *other = atomic_load_explicit(&t->claims, memory_order_acquire);
	uint32_t slots = atomic_load(&t->nslots);
	size_t n = 0;

	for (; other && n < max; other = other->next) {
		uint64_t ticket = atomic_load_explicit(&other->ticket, memory_order_relaxed);

		if (ticket && claims_meet(t, c, other))
			o[n++] = (struct obstacle){NULL, other, ticket};
	}
	for (uint32_t i = 0; i < slots && n < max; i++) {
		struct hl_slot *s = hl_slot(t, i);
		uint64_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);

		if (slot_blocks_locked(t, c, s))
			o[n++] = (struct obstacle){s, NULL, seq};
	}
	return n;
}

static bool still_there_locked(struct hl_table *t, struct hl_claim *c, const struct obstacle *o)
{
	if (o->claim)
		return atomic_load_explicit(&o->claim->ticket, memory_order_relaxed) == o->mark;
	return slot_blocks_locked(t, c, o->slot) &&
	       atomic_load_explicit(&o->slot->seq, memory_order_acquire) == o->mark;
}

/* Waits, disarmed, until those who are in the way now have left. A full array
 * only means that the claim is armed again too early. */
static void stand_aside_locked(struct hl_table *t, struct hl_claim *c)
{
	struct obstacle o[128];
	size_t n = obstacles_locked(t, c, o, ARRAY_SIZE(o));

	while (n) {
		if (still_there_locked(t, c, &o[n - 1]))
			pthread_cond_wait(&t->drained, &t->claims_lock);
		else
			n--;
	}
}

void hl_claim_take(struct hl_table *t, struct hl_claim *c, const uint32_t node[2],
		   const uint64_t entry[2])
{
	int64_t patience = FIRST_PATIENCE_NS;

	pthread_mutex_lock(&t->claims_lock);
	if (atomic_load_explicit(&c->ticket, memory_order_relaxed))
		disarm_locked(t, c);
	for (int i = 0; i < 2; i++) {
		atomic_store_explicit(&c->node[i], node[i], memory_order_release);
		atomic_store_explicit(&c->entry[i], entry[i], memory_order_release);
	}
	for (;;) {
		arm_locked(t, c);
		if (drain_locked(t, c, patience))
			break;
		disarm_locked(t, c);
		stand_aside_locked(t, c);
		patience = patience < LAST_PATIENCE_NS / 2 ? patience * 2 : LAST_PATIENCE_NS;
	}
	pthread_mutex_unlock(&t->claims_lock);
}

struct hl_claim *hl_claim_new(struct hl_table *t)
{
	struct hl_claim *c;

	pthread_mutex_lock(&t->claims_lock);
	for (c = atomic_load_explicit(&t->claims, memory_order_relaxed); c && c->used; c = c->next)
		;
	if (!c) {
		pthread_condattr_t attr;

		c = calloc(1, sizeof(*c));
		if (c) {
			pthread_condattr_init(&attr);
			pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
			pthread_cond_init(&c->gone, &attr);
			pthread_condattr_destroy(&attr);
			c->next = atomic_load_explicit(&t->claims, memory_order_relaxed);
			atomic_store_explicit(&t->claims, c, memory_order_release);
		}
	}
	if (c)
		c->used = true;
	pthread_mutex_unlock(&t->claims_lock);
	return c;
}

void hl_claim_drop(struct hl_table *t, struct hl_claim *c)
{
	pthread_mutex_lock(&t->claims_lock);
	if (atomic_load_explicit(&c->ticket, memory_order_relaxed))
		disarm_locked(t, c);
	c->used = false;
	pthread_mutex_unlock(&t->claims_lock);
}

int hl_publish_init(struct hl_table *t)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&t->claims_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->drained, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

void hl_publish_fini(struct hl_table *t)
{
	struct hl_claim *c = atomic_load_explicit(&t->claims, memory_order_relaxed);

	while (c) {
		struct hl_claim *next = c->next;

		pthread_cond_destroy(&c->gone);
		free(c);
		c = next;
	}
	pthread_cond_destroy(&t->drained);
	pthread_mutex_destroy(&t->claims_lock);
}
