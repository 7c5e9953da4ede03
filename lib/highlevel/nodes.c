/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for nodes: an array in chunks of 1 MiB, so that an index finds its
 * node with two loads and nothing ever moves. Pages of 64 nodes are handed to
 * shards; a page whose nodes are all free is given back to the system.
 *
 * The memory of a node stays readable for ever (a page given back reads as
 * zeroes), so a reader with an outdated index finds a node without HL_LIVE or
 * another one, never a fault.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "highlevel/table_private.h"

#define PAGE_BYTES  (HL_PAGE_NODES * sizeof(struct hl_node))
#define CHUNK_BYTES (HL_CHUNK_NODES * sizeof(struct hl_node))

static struct hl_chunk *chunk_of(struct hl_table *t, uint32_t page_no)
{
	return atomic_load_explicit(&t->chunks[page_no / HL_CHUNK_PAGES], memory_order_acquire);
}

static struct hl_page *page_of(struct hl_table *t, uint32_t page_no)
{
	return &chunk_of(t, page_no)->pages[page_no % HL_CHUNK_PAGES];
}

static struct hl_node *page_nodes(struct hl_table *t, uint32_t page_no)
{
	return &chunk_of(t, page_no)->nodes[(page_no % HL_CHUNK_PAGES) * HL_PAGE_NODES];
}

static void list_page(struct hl_table *t, struct hl_shard *sh, uint32_t page_no)
{
	struct hl_page *p = page_of(t, page_no);

	p->prev = 0;
	p->next = sh->pages;
	if (sh->pages)
		page_of(t, sh->pages - 1)->prev = page_no + 1;
	sh->pages = page_no + 1;
	p->listed = true;
}

static void unlist_page(struct hl_table *t, struct hl_shard *sh, uint32_t page_no)
{
	struct hl_page *p = page_of(t, page_no);

	if (p->prev)
		page_of(t, p->prev - 1)->next = p->next;
	else
		sh->pages = p->next;
	if (p->next)
		page_of(t, p->next - 1)->prev = p->prev;
	p->listed = false;
}

static bool add_chunk_locked(struct hl_table *t, uint32_t chunk_no)
{
	struct hl_chunk *c;

	if (chunk_no >= HL_CHUNKS)
		return false;
	c = calloc(1, sizeof(*c));
	if (!c)
		return false;
	c->nodes =
		mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->nodes == MAP_FAILED) {
		free(c);
		return false;
	}
	atomic_store_explicit(&t->chunks[chunk_no], c, memory_order_release);
	return true;
}

/* A page without owner; -1 if there is no memory. */
static int64_t take_page(struct hl_table *t)
{
	int64_t page_no = -1;

	pthread_mutex_lock(&t->grow_lock);
	if (t->empty_pages) {
		page_no = t->empty_pages - 1;
		t->empty_pages = page_of(t, t->empty_pages - 1)->next;
	} else if (t->fresh_page % HL_CHUNK_PAGES ||
		   add_chunk_locked(t, t->fresh_page / HL_CHUNK_PAGES)) {
		page_no = t->fresh_page++;
	}
	pthread_mutex_unlock(&t->grow_lock);
	return page_no;
}

/* Somebody may still look at it, with the number of a node that has gone. */
static void set_generation(struct hl_node *n, uint32_t generation)
{
	atomic_store_explicit(&n->generation, generation, memory_order_relaxed);
}

static bool add_page_locked(struct hl_table *t, struct hl_shard *sh)
{
	int64_t page_no = take_page(t);
	struct hl_page *p;

	if (page_no < 0)
		return false;
	p = page_of(t, (uint32_t)page_no);
	p->shard = (uint8_t)(sh - t->shards);
	p->free = page_no ? UINT64_MAX : UINT64_MAX - 1; /* index 0 means none */
	if (p->gen_base) {
		struct hl_node *n = page_nodes(t, (uint32_t)page_no);

		for (int i = 0; i < HL_PAGE_NODES; i++)
			set_generation(&n[i], p->gen_base);
	}
	list_page(t, sh, (uint32_t)page_no);
	sh->pages_live++;
	return true;
}

uint32_t hl_node_alloc(struct hl_table *t, unsigned int shard)
{
	struct hl_shard *sh = &t->shards[shard];
	struct hl_page *p;
	uint32_t page_no, bit;

	pthread_mutex_lock(&sh->lock);
	if (!sh->pages && !add_page_locked(t, sh)) {
		pthread_mutex_unlock(&sh->lock);
		return 0;
	}
	page_no = sh->pages - 1;
	p = page_of(t, page_no);
	bit = (uint32_t)__builtin_ctzll(p->free);
	p->free &= p->free - 1;
	if (!p->free)
		unlist_page(t, sh, page_no);
	sh->nodes_live++;
	pthread_mutex_unlock(&sh->lock);
	return page_no * HL_PAGE_NODES + bit;
}

/* The generations of its nodes outlive a page: the highest one is kept. */
static void give_back_locked(struct hl_table *t, struct hl_shard *sh, uint32_t page_no)
{
	struct hl_page *p = page_of(t, page_no);
	struct hl_node *n = page_nodes(t, page_no);

	unlist_page(t, sh, page_no);
	for (int i = 0; i < HL_PAGE_NODES; i++) {
		uint32_t generation = hl_node_generation(&n[i]);

		if ((int32_t)(generation - p->gen_base) > 0)
			p->gen_base = generation;
	}
	madvise(n, PAGE_BYTES, MADV_DONTNEED);
	sh->pages_live--;
	pthread_mutex_lock(&t->grow_lock);
	p->next = t->empty_pages;
	t->empty_pages = page_no + 1;
	pthread_mutex_unlock(&t->grow_lock);
}

static void wipe(struct hl_node *n)
{
	atomic_store_explicit(&n->flags, 0, memory_order_relaxed);
	atomic_store_explicit(&n->nlookup, 0, memory_order_relaxed);
	atomic_store_explicit(&n->name, NULL, memory_order_relaxed);
	atomic_store_explicit(&n->parent, 0, memory_order_relaxed);
	atomic_store_explicit(&n->next, 0, memory_order_relaxed);
	atomic_store_explicit(&n->hash, 0, memory_order_relaxed);
	atomic_store_explicit(&n->opens, 0, memory_order_relaxed);
	atomic_store_explicit(&n->forgot_at, 0, memory_order_relaxed);
	n->queue_next = 0;
	set_generation(n, hl_node_generation(n) + 1);
	atomic_store_explicit(&n->refs, 0, memory_order_release);
}

void hl_node_free(struct hl_table *t, uint32_t idx)
{
	uint32_t page_no = idx / HL_PAGE_NODES;
	struct hl_page *p = page_of(t, page_no);
	struct hl_shard *sh = &t->shards[p->shard];

	wipe(hl_node(t, idx));
	pthread_mutex_lock(&sh->lock);
	if (!p->free)
		list_page(t, sh, page_no);
	p->free |= 1ull << idx % HL_PAGE_NODES;
	sh->nodes_live--;
	/* One page with room is kept, so that a shard that frees and takes
	 * the same few nodes does not ask the system each time. */
	if (p->free == UINT64_MAX && (p->next || p->prev))
		give_back_locked(t, sh, page_no);
	pthread_mutex_unlock(&sh->lock);
}

struct hl_node *hl_node_get(struct hl_table *t, uint64_t ino)
{
	struct hl_chunk *c;
	struct hl_node *n;

	if (ino == 0 || ino > UINT32_MAX)
		return NULL;
	c = atomic_load_explicit(&t->chunks[ino >> HL_CHUNK_BITS], memory_order_acquire);
	if (!c)
		return NULL;
	n = &c->nodes[ino & (HL_CHUNK_NODES - 1)];
	if (!(atomic_load_explicit(&n->flags, memory_order_acquire) & HL_LIVE))
		return NULL;
	/* Ordered with the publication of a place before: see epoch.c. */
	return atomic_load(&n->refs) & HL_DEAD ? NULL : n;
}

int hl_nodes_init(struct hl_table *t)
{
	size_t bytes = HL_CHUNKS * sizeof(*t->chunks);

	/* Most of it is never touched. */
	t->chunks = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->chunks == MAP_FAILED) {
		t->chunks = NULL;
		return -ENOMEM;
	}
	return 0;
}

void hl_nodes_fini(struct hl_table *t)
{
	uint32_t chunks = (t->fresh_page + HL_CHUNK_PAGES - 1) / HL_CHUNK_PAGES;

	if (!t->chunks)
		return;
	for (uint32_t i = 0; i < chunks; i++) {
		struct hl_chunk *c = atomic_load_explicit(&t->chunks[i], memory_order_relaxed);

		munmap(c->nodes, CHUNK_BYTES);
		free(c);
	}
	munmap(t->chunks, HL_CHUNKS * sizeof(*t->chunks));
	t->chunks = NULL;
}
