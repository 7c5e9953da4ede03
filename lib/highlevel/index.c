/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From parent and name to the node: hash chains through the nodes themselves.
 *
 * The index is cut into stripes by the low bits of the hash. Each stripe is a
 * table that grows and shrinks by one bucket at a time (linear hashing), so no
 * insertion ever pays for the growth of the whole. A node's stripe depends on
 * its hash alone, so growing never moves a node to another stripe.
 *
 * Changes take the stripe's lock. Readers take none:
 *
 *  - Insertion puts a complete node at the head of a chain (release); a reader
 *    sees it or not.
 *  - Removal takes a node out but leaves its `next`, so a reader who stands on
 *    it finds the rest of the chain. The node's memory is not used again while
 *    the reader is inside its epoch.
 *  - Whatever makes a node appear in another chain or under another name (a
 *    rename, a bucket that is split or merged) is a rearrangement: seq is odd
 *    while it lasts. Every load of a reader is an acquire load and every store
 *    of a rearrangement a release store, so a reader who has seen any part of
 *    it sees seq changed when it looks again at the end, and starts over. So an
 *    answer, found or not, held at one moment while the reader was looking.
 */
#include <stdlib.h>
#include <string.h>

#include "highlevel/table_private.h"

#define SEG0 (1u << HL_SEG0_BITS)

/* ---- hash ---- */

static uint64_t fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
#else
	uint64_t lo = (a & UINT32_MAX) * (b & UINT32_MAX), hi = (a >> 32) * (b >> 32);

	return lo ^ hi ^ ((a >> 32) * (b & UINT32_MAX)) << 17 ^
	       ((a & UINT32_MAX) * (b >> 32)) << 29;
#endif
}

/* Keyed, because names are chosen by users who might like long chains. */
uint32_t hl_name_hash(const struct hl_table *t, uint32_t parent, const char *name, size_t len)
{
	uint64_t h = fold(t->key[0] ^ parent, t->key[1] ^ len);
	uint64_t w;

	for (; len >= sizeof(w); len -= sizeof(w), name += sizeof(w)) {
		memcpy(&w, name, sizeof(w));
		h = fold(h ^ w, t->key[1]);
	}
	w = 0;
	if (len >= 4) {
		uint32_t a, b;

		memcpy(&a, name, 4);
		memcpy(&b, name + len - 4, 4);
		w = (uint64_t)a << 32 | b;
	} else if (len) {
		w = (uint64_t)(uint8_t)name[0] << 16 | (uint64_t)(uint8_t)name[len / 2] << 8 |
		    (uint8_t)name[len - 1];
	}
	h = fold(h ^ w, t->key[2]);
	h ^= h >> 32;
	return (uint32_t)h ? (uint32_t)h : 1;
}

/* ---- buckets ---- */

static unsigned int seg_of(uint32_t bucket)
{
	return bucket < SEG0 ? 0 : 32u - (unsigned int)__builtin_clz(bucket >> HL_SEG0_BITS);
}

static uint32_t seg_first(unsigned int seg)
{
	return seg ? SEG0 << (seg - 1) : 0;
}

static uint32_t seg_size(unsigned int seg)
{
	return seg ? SEG0 << (seg - 1) : SEG0;
}

/* The smallest power of two that is not below n. */
static uint32_t span(uint32_t n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

static uint32_t bucket_no(uint32_t hash, uint32_t nbuckets)
{
	uint32_t h = hash / HL_STRIPES;
	uint32_t m = span(nbuckets);
	uint32_t b = h & (m - 1);

	return b < nbuckets ? b : b & (m / 2 - 1);
}

/* NULL when a reader's idea of the number of buckets is out of date. */
static _Atomic uint32_t *bucket(struct hl_stripe *s, uint32_t b)
{
	unsigned int k = seg_of(b);
	struct hl_segment *seg = atomic_load_explicit(&s->seg[k], memory_order_acquire);

	return seg ? &seg->bucket[b - seg_first(k)] : NULL;
}

static void bump(struct hl_stripe *s)
{
	atomic_store_explicit(&s->seq, atomic_load_explicit(&s->seq, memory_order_relaxed) + 1,
			      memory_order_release);
}

void hl_stripe_rearrange_begin(struct hl_stripe *s)
{
	if (s->depth++ == 0)
		bump(s);
}

void hl_stripe_rearrange_end(struct hl_stripe *s)
{
	if (--s->depth == 0)
		bump(s);
}

/* Moves to chain `to` what belongs into bucket b of n out of chain `from`. */
static void distribute(struct hl_table *t, _Atomic uint32_t *from, _Atomic uint32_t *to, uint32_t b,
		       uint32_t n)
{
	uint32_t idx = atomic_load_explicit(from, memory_order_relaxed);
	uint32_t stay = 0, go = 0;

	while (idx) {
		struct hl_node *node = hl_node(t, idx);
		uint32_t next = atomic_load_explicit(&node->next, memory_order_relaxed);
		uint32_t hash = atomic_load_explicit(&node->hash, memory_order_relaxed);
		uint32_t *list = bucket_no(hash, n) == b ? &go : &stay;

		atomic_store_explicit(&node->next, *list, memory_order_release);
		*list = idx;
		idx = next;
	}
	atomic_store_explicit(from, stay, memory_order_release);
	atomic_store_explicit(to, go, memory_order_release);
}

static void free_segment(struct hl_table *t, struct hl_retired *r)
{
	free(r);
}

static bool add_segment(struct hl_stripe *s, unsigned int k)
{
	struct hl_segment *seg;

	if (k >= HL_SEGS)
		return false;
	if (atomic_load_explicit(&s->seg[k], memory_order_relaxed))
		return true;
	seg = calloc(1, sizeof(*seg) + seg_size(k) * sizeof(seg->bucket[0]));
	if (!seg)
		return false;
	seg->retired.free_fn = free_segment;
	atomic_store_explicit(&s->seg[k], seg, memory_order_release);
	return true;
}

/* Without memory the chains just get longer. */
static void split_one(struct hl_table *t, struct hl_stripe *s)
{
	uint32_t b = atomic_load_explicit(&s->nbuckets, memory_order_relaxed);

	if (!add_segment(s, seg_of(b)))
		return;
	hl_stripe_rearrange_begin(s);
	distribute(t, bucket(s, b & (span(b + 1) / 2 - 1)), bucket(s, b), b, b + 1);
	atomic_store_explicit(&s->nbuckets, b + 1, memory_order_release);
	hl_stripe_rearrange_end(s);
}

/* Puts the last bucket's nodes back where they came from. */
static struct hl_retired *merge_one(struct hl_table *t, struct hl_stripe *s)
{
	uint32_t b = atomic_load_explicit(&s->nbuckets, memory_order_relaxed) - 1;
	_Atomic uint32_t *from = bucket(s, b), *to = bucket(s, b & (span(b + 1) / 2 - 1));
	uint32_t idx = atomic_load_explicit(from, memory_order_relaxed);
	unsigned int k = seg_of(b);
	struct hl_segment *unused = NULL;

	hl_stripe_rearrange_begin(s);
	while (idx) {
		struct hl_node *node = hl_node(t, idx);
		uint32_t next = atomic_load_explicit(&node->next, memory_order_relaxed);
		uint32_t head = atomic_load_explicit(to, memory_order_relaxed);

		atomic_store_explicit(&node->next, head, memory_order_release);
		atomic_store_explicit(to, idx, memory_order_release);
		idx = next;
	}
	atomic_store_explicit(from, 0, memory_order_release);
	atomic_store_explicit(&s->nbuckets, b, memory_order_release);
	if (b == seg_first(k)) {
		unused = atomic_load_explicit(&s->seg[k], memory_order_relaxed);
		atomic_store_explicit(&s->seg[k], NULL, memory_order_release);
	}
	hl_stripe_rearrange_end(s);
	return unused ? &unused->retired : NULL;
}

/* ---- finding ---- */

static bool is_named(struct hl_node *n, uint32_t parent, const char *name, size_t len,
		     uint32_t hash)
{
	struct hl_name *own;

	if (atomic_load_explicit(&n->hash, memory_order_acquire) != hash ||
	    atomic_load_explicit(&n->parent, memory_order_acquire) != parent)
		return false;
	own = atomic_load_explicit(&n->name, memory_order_acquire);
	return own && own->len == len && memcmp(own->text, name, len) == 0;
}

uint32_t hl_index_find_locked(struct hl_table *t, struct hl_stripe *s, uint32_t parent,
			      const char *name, size_t len, uint32_t hash)
{
	uint32_t n = atomic_load_explicit(&s->nbuckets, memory_order_relaxed);
	uint32_t idx;

	if (!n)
		return 0;
	idx = atomic_load_explicit(bucket(s, bucket_no(hash, n)), memory_order_relaxed);
	while (idx) {
		struct hl_node *node = hl_node(t, idx);

		if (is_named(node, parent, name, len, hash))
			break;
		idx = atomic_load_explicit(&node->next, memory_order_relaxed);
	}
	return idx;
}

/* One look along the chain; false if it was being rearranged meanwhile. */
static bool try_find(struct hl_table *t, struct hl_stripe *s, uint32_t parent, const char *name,
		     size_t len, uint32_t hash, uint32_t *out)
{
	uint32_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);
	uint32_t n = atomic_load_explicit(&s->nbuckets, memory_order_acquire);
	uint32_t idx = 0, steps = 0;

	if (seq & 1)
		return false;
	if (n) {
		_Atomic uint32_t *head = bucket(s, bucket_no(hash, n));

		if (!head)
			return false;
		idx = atomic_load_explicit(head, memory_order_acquire);
	}
	while (idx) {
		struct hl_node *node = hl_node(t, idx);

		if (is_named(node, parent, name, len, hash))
			break;
		idx = atomic_load_explicit(&node->next, memory_order_acquire);
		/* Chains that change under us might lead us in circles. */
		if (++steps % 64 == 0 && atomic_load_explicit(&s->seq, memory_order_acquire) != seq)
			return false;
	}
	*out = idx;
	return atomic_load_explicit(&s->seq, memory_order_acquire) == seq;
}

uint32_t hl_index_find(struct hl_table *t, uint32_t parent, const char *name, size_t len,
		       uint32_t hash)
{
	struct hl_stripe *s = hl_stripe(t, hash);
	uint32_t idx;

	for (int tries = 0; tries < 4; tries++) {
		if (try_find(t, s, parent, name, len, hash, &idx))
			return idx;
	}
	pthread_mutex_lock(&s->lock);
	idx = hl_index_find_locked(t, s, parent, name, len, hash);
	pthread_mutex_unlock(&s->lock);
	return idx;
}

/* ---- changing ---- */

bool hl_index_reserve_locked(struct hl_stripe *s)
{
	if (atomic_load_explicit(&s->nbuckets, memory_order_relaxed))
		return true;
	if (!add_segment(s, 0))
		return false;
	atomic_store_explicit(&s->nbuckets, SEG0, memory_order_release);
	return true;
}

bool hl_index_insert_locked(struct hl_table *t, struct hl_stripe *s, uint32_t idx)
{
	struct hl_node *node = hl_node(t, idx);
	uint32_t hash = atomic_load_explicit(&node->hash, memory_order_relaxed);
	_Atomic uint32_t *head;
	uint32_t n;

	if (!hl_index_reserve_locked(s))
		return false;
	n = atomic_load_explicit(&s->nbuckets, memory_order_relaxed);
	head = bucket(s, bucket_no(hash, n));
	atomic_store_explicit(&node->next, atomic_load_explicit(head, memory_order_relaxed),
			      memory_order_release);
	atomic_store_explicit(head, idx, memory_order_release);
	if (++s->count > n)
		split_one(t, s);
	return true;
}

struct hl_retired *hl_index_remove_locked(struct hl_table *t, struct hl_stripe *s, uint32_t idx)
{
	struct hl_node *node = hl_node(t, idx);
	uint32_t hash = atomic_load_explicit(&node->hash, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&s->nbuckets, memory_order_relaxed);
	_Atomic uint32_t *at = bucket(s, bucket_no(hash, n));
	uint32_t cur;

	while ((cur = atomic_load_explicit(at, memory_order_relaxed)) != idx)
		at = &hl_node(t, cur)->next;
	atomic_store_explicit(at, atomic_load_explicit(&node->next, memory_order_relaxed),
			      memory_order_release);
	s->count--;
	return n > SEG0 && s->count < n / 2 ? merge_one(t, s) : NULL;
}

void hl_stripes_lock(struct hl_table *t, uint32_t h1, uint32_t h2)
{
	struct hl_stripe *a = hl_stripe(t, h1), *b = hl_stripe(t, h2);

	pthread_mutex_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		pthread_mutex_lock(a < b ? &b->lock : &a->lock);
}

void hl_stripes_unlock(struct hl_table *t, uint32_t h1, uint32_t h2)
{
	struct hl_stripe *a = hl_stripe(t, h1), *b = hl_stripe(t, h2);

	pthread_mutex_unlock(&a->lock);
	if (a != b)
		pthread_mutex_unlock(&b->lock);
}

size_t hl_index_bytes(struct hl_table *t)
{
	size_t sum = sizeof(t->stripes);

	for (int i = 0; i < HL_STRIPES; i++) {
		sum += atomic_load_explicit(&t->stripes[i].nbuckets, memory_order_relaxed) *
		       sizeof(uint32_t);
	}
	return sum;
}

int hl_index_init(struct hl_table *t)
{
	for (int i = 0; i < HL_STRIPES; i++)
		pthread_mutex_init(&t->stripes[i].lock, NULL);
	return 0;
}

void hl_index_fini(struct hl_table *t)
{
	for (int i = 0; i < HL_STRIPES; i++) {
		for (int k = 0; k < HL_SEGS; k++)
			free(atomic_load_explicit(&t->stripes[i].seg[k], memory_order_relaxed));
		pthread_mutex_destroy(&t->stripes[i].lock);
	}
}
