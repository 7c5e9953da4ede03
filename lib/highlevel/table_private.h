/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the node table share. Nobody else includes this. */
#ifndef PROFUSE_HIGHLEVEL_TABLE_PRIVATE_H
#define PROFUSE_HIGHLEVEL_TABLE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "highlevel/table.h"

/* ---- nodes (nodes.c) ---- */

/*
 * One cache line. `refs` counts children, open files and holds; its top bit
 * says that the node is dead and waits to be freed. parent is 0 for a node
 * without a path; it and the name change only under a claim (publish.c) and
 * the locks of the index stripes concerned.
 */
struct hl_node {
	_Atomic uint64_t nlookup;
	_Atomic(struct hl_name *) name;
	_Atomic uint32_t parent;
	_Atomic uint32_t next; /* in its bucket */
	_Atomic uint32_t hash;
	_Atomic uint32_t refs;
	_Atomic uint32_t flags;
	_Atomic uint32_t opens;
	_Atomic uint32_t generation;
	uint32_t queue_next;	    /* expiry queue, or list of dead nodes */
	_Atomic uint32_t forgot_at; /* seconds, for the expiry queue */
	uint32_t spare[3];
};
_Static_assert(sizeof(struct hl_node) == 64, "a node is a cache line");

#define HL_DEAD 0x80000000u

#define HL_PAGE_NODES  64 /* 4 KiB of nodes: what is given back at a time */
#define HL_CHUNK_BITS  14
#define HL_CHUNK_NODES (1u << HL_CHUNK_BITS)
#define HL_CHUNK_PAGES (HL_CHUNK_NODES / HL_PAGE_NODES)
#define HL_CHUNKS      (1u << (32 - HL_CHUNK_BITS))

struct hl_page {
	uint64_t free;	   /* a bit for each node */
	uint32_t gen_base; /* of nodes in memory that was given back */
	uint32_t next;	   /* shard's list of pages with room, by page number */
	uint32_t prev;
	uint8_t shard;
	bool listed;
};

struct hl_chunk {
	struct hl_node *nodes;
	struct hl_page pages[HL_CHUNK_PAGES];
};

/* ---- names (names.c) ---- */

/* Never changes while it can be found. */
struct hl_name {
	uint16_t len;
	char text[];
};

/* ---- allocation ---- */

#define HL_SHARDS	4
#define HL_NAME_CLASSES 34
#define HL_SLAB_BYTES	16384u

struct hl_slab;
struct hl_region;

/* Memory that is waiting for readers who may still look at it. */
struct hl_retired {
	struct hl_retired *next;
	void (*free_fn)(struct hl_table *t, struct hl_retired *r);
};

/* Allocation is spread over shards, each with a short lock. */
struct hl_shard {
	pthread_mutex_t lock;
	uint32_t pages;				/* with room; page number + 1, 0 ends the list */
	struct hl_slab *slabs[HL_NAME_CLASSES]; /* with room */
	uint64_t nodes_live;
	uint64_t pages_live;
	uint64_t slabs_live;
	uint64_t big_names; /* bytes */

	/* Dead things, in two steps: `open` collects, `sealed` waits until
	 * every reader of the time before sealed_at has gone (epoch.c). */
	uint32_t open_nodes;
	struct hl_retired *open_mem;
	uint32_t sealed_nodes;
	struct hl_retired *sealed_mem;
	uint64_t sealed_at;
} CACHE_ALIGNED;

/* ---- index (index.c) ---- */

#define HL_STRIPES   64
#define HL_SEG0_BITS 3
#define HL_SEGS	     24

/* Buckets, each the index of the first node of its chain. */
struct hl_segment {
	struct hl_retired retired; /* first; for when it is not needed any more */
	_Atomic uint32_t bucket[];
};

struct hl_stripe {
	pthread_mutex_t lock;
	_Atomic uint32_t seq; /* odd while chains are being rearranged */
	uint32_t depth;	      /* of rearrangements inside one another */
	_Atomic uint32_t nbuckets;
	uint32_t count;
	_Atomic(struct hl_segment *) seg[HL_SEGS];
} CACHE_ALIGNED;

/* ---- operations in progress (slots.c, publish.c) ---- */

#define HL_SLOTS_PER_BLOCK 64
#define HL_SLOT_BLOCKS	   1024

/* A place in the tree: a node in the low half, and, for an entry in it, the
 * hash of its name in the high half (never 0). 0 is nothing. */
static inline uint64_t hl_at(uint32_t idx, uint32_t hash)
{
	return (uint64_t)hash << 32 | idx;
}

static inline uint32_t hl_at_idx(uint64_t at)
{
	return (uint32_t)at;
}

static inline uint32_t hl_at_hash(uint64_t at)
{
	return (uint32_t)(at >> 32);
}

/*
 * What one thread is doing. Only its thread writes it, but for `waited`.
 */
struct hl_slot {
	_Atomic uint64_t at[2]; /* what its operation works on */
	_Atomic uint64_t epoch; /* 0 outside of lock-free reading */
	_Atomic uint64_t seq;	/* counts operations */
	_Atomic(const char *) doing;
	_Atomic uint32_t waited; /* a writer sleeps until at[] changes */
	uint32_t shard;
	struct hl_slot *next_free;
	char *paths; /* two buffers of PATH_MAX */
} CACHE_ALIGNED;

/*
 * One writer: the nodes whose paths it changes and the entries it changes.
 * ticket is 0 while the record is idle. Records are never freed before the
 * table is.
 */
struct hl_claim {
	_Atomic uint64_t ticket;
	_Atomic uint32_t node[2];
	_Atomic uint64_t entry[2];
	struct hl_claim *next; /* all records; set once */
	bool used;	       /* under claims_lock */
	pthread_cond_t gone;
};

struct hl_table {
	uint64_t id; /* tells tables apart that had the same address */
	uint64_t key[3];
	_Atomic int memory; /* enum hl_memory; set by INIT, read by the keeper */
	_Atomic unsigned int remember;

	_Atomic(struct hl_chunk *) *chunks;
	pthread_mutex_t grow_lock; /* chunks, fresh and empty pages */
	uint32_t fresh_page;
	uint32_t empty_pages;	   /* memory given back; page number + 1 */
	struct hl_region *regions; /* for names */
	struct hl_region *roomy_regions;

	struct hl_shard shards[HL_SHARDS];
	struct hl_stripe stripes[HL_STRIPES];

	_Atomic uint64_t epoch CACHE_ALIGNED;
	_Atomic unsigned int sweep;	      /* the shard that is looked at next */
	_Atomic uint32_t armed CACHE_ALIGNED; /* writers that hold or drain */

	pthread_mutex_t slots_lock CACHE_ALIGNED;
	_Atomic(struct hl_slot *) slot_blocks[HL_SLOT_BLOCKS];
	_Atomic uint32_t nslots;
	struct hl_slot *free_slots;

	pthread_mutex_t claims_lock;
	_Atomic(struct hl_claim *) claims;
	uint64_t tickets;
	pthread_cond_t drained; /* a slot or a claim that was waited for changed */

	pthread_mutex_t queue_lock; /* HL_REMEMBER_SECONDS */
	uint32_t queue_head, queue_tail;
};

/* The node with this index. Its memory may be unused, but is readable. */
static inline struct hl_node *hl_node(struct hl_table *t, uint32_t idx)
{
	struct hl_chunk *c =
		atomic_load_explicit(&t->chunks[idx >> HL_CHUNK_BITS], memory_order_acquire);

	return &c->nodes[idx & (HL_CHUNK_NODES - 1)];
}

/* The same for a number from outside: NULL unless a live node. */
struct hl_node *hl_node_get(struct hl_table *t, uint64_t ino);

static inline uint32_t hl_node_generation(struct hl_node *n)
{
	return atomic_load_explicit(&n->generation, memory_order_relaxed);
}

int hl_nodes_init(struct hl_table *t);
void hl_nodes_fini(struct hl_table *t);
/* 0 if there is no memory. The node is zeroed but for its generation. */
uint32_t hl_node_alloc(struct hl_table *t, unsigned int shard);
void hl_node_free(struct hl_table *t, uint32_t idx);

/* NULL if there is no memory. */
struct hl_name *hl_name_new(struct hl_table *t, unsigned int shard, const char *text, size_t len);
void hl_name_free(struct hl_table *t, struct hl_name *n);
void hl_names_fini(struct hl_table *t);
/* A length that a name may have, without '/' and not "", "." or "..". */
PROFUSE_NODISCARD int hl_name_check(const char *name, size_t *len);

/* ---- index ---- */

uint32_t hl_name_hash(const struct hl_table *t, uint32_t parent, const char *name, size_t len);
int hl_index_init(struct hl_table *t);
void hl_index_fini(struct hl_table *t);

/* Lock-free; the caller is inside an epoch. 0 if there is none. */
uint32_t hl_index_find(struct hl_table *t, uint32_t parent, const char *name, size_t len,
		       uint32_t hash);

static inline struct hl_stripe *hl_stripe(struct hl_table *t, uint32_t hash)
{
	return &t->stripes[hash & (HL_STRIPES - 1)];
}

uint32_t hl_index_find_locked(struct hl_table *t, struct hl_stripe *s, uint32_t parent,
			      const char *name, size_t len, uint32_t hash);
/* false if there is no memory for the first bucket. */
bool hl_index_insert_locked(struct hl_table *t, struct hl_stripe *s, uint32_t idx);
/* Returns memory to retire, or NULL. The node's `next` keeps its value for
 * readers who stand on it. */
struct hl_retired *hl_index_remove_locked(struct hl_table *t, struct hl_stripe *s, uint32_t idx);
/* The stripes of two hashes, which may be the same one, in a fixed order. */
void hl_stripes_lock(struct hl_table *t, uint32_t h1, uint32_t h2);
void hl_stripes_unlock(struct hl_table *t, uint32_t h1, uint32_t h2);
/* Makes sure that an insertion will succeed. */
bool hl_index_reserve_locked(struct hl_stripe *s);
/* Around changes of parent, name or hash of nodes in the index. May nest. */
void hl_stripe_rearrange_begin(struct hl_stripe *s);
void hl_stripe_rearrange_end(struct hl_stripe *s);
size_t hl_index_bytes(struct hl_table *t);

/* ---- epochs ---- */

void hl_epoch_enter(struct hl_table *t, struct hl_slot *s);
void hl_epoch_exit(struct hl_slot *s);
/* True when nobody who was reading at `tag` or earlier still is. */
bool hl_epoch_passed(struct hl_table *t, uint64_t tag);
/* Closes the present epoch and waits until its readers have gone. The caller
 * is outside. Readers never block inside an epoch, so this is short. */
void hl_epoch_wait(struct hl_table *t);

/* A dead node: freed when nobody can look at it. */
void hl_retire_node(struct hl_table *t, struct hl_slot *s, uint32_t idx);
/* Memory that readers may still see, with r in it: freed by r->free_fn. */
void hl_retire(struct hl_table *t, struct hl_slot *s, struct hl_retired *r);
/* A name that readers may still see. The caller is outside of any epoch. */
void hl_retire_name(struct hl_table *t, struct hl_slot *s, struct hl_name *n);
/* Frees what can be freed of this slot's shard. Outside of any epoch. */
void hl_reclaim(struct hl_table *t, struct hl_slot *s);

/* ---- slots ---- */

int hl_slots_init(struct hl_table *t);
/* Takes the calling thread's slot; NULL if there is no memory. */
struct hl_slot *hl_slot_take(struct hl_table *t, bool *temporary);
void hl_slot_put(struct hl_table *t, struct hl_slot *s, bool temporary);
void hl_slots_fini(struct hl_table *t);

static inline struct hl_slot *hl_slot(struct hl_table *t, uint32_t i)
{
	struct hl_slot *block =
		atomic_load_explicit(&t->slot_blocks[i / HL_SLOTS_PER_BLOCK], memory_order_acquire);

	return &block[i % HL_SLOTS_PER_BLOCK];
}

/* ---- publication ---- */

int hl_publish_init(struct hl_table *t);
void hl_publish_fini(struct hl_table *t);
/* Publishes and waits until no writer changes these places. */
void hl_publish(struct hl_table *t, struct hl_slot *s, const uint64_t *at, unsigned int count);
void hl_unpublish(struct hl_table *t, struct hl_slot *s, unsigned int count);

struct hl_claim *hl_claim_new(struct hl_table *t);
/* Waits until nobody works on or below node[] or on entry[]. What c claimed
 * before is given up first. */
void hl_claim_take(struct hl_table *t, struct hl_claim *c, const uint32_t node[2],
		   const uint64_t entry[2]);
void hl_claim_drop(struct hl_table *t, struct hl_claim *c);

/* ---- paths ---- */

/*
 * The path of node idx, or of the entry `name` in it, at the end of buf.
 * -ENOENT without a path, -ERANGE if buf is too small. The places must be
 * published or claimed.
 */
PROFUSE_NODISCARD int hl_path_build(struct hl_table *t, uint32_t idx, const char *name, size_t len,
				    char *buf, size_t size, char **out);
/* What a buffer for that path needs. 0 without a path. */
size_t hl_path_size(struct hl_table *t, uint32_t idx, size_t len);

/* ---- life of nodes (tree.c) ---- */

/* Adds a reference unless the node is dead. */
bool hl_node_hold(struct hl_node *n);
/* Drops one; the node dies if that was the last reason to keep it. */
void hl_node_release(struct hl_table *t, struct hl_slot *s, uint32_t idx);
/* Lets the node die if nothing keeps it. Inside an epoch. */
void hl_node_maybe_die(struct hl_table *t, struct hl_slot *s, uint32_t idx);

/* ---- writers (op.c) ---- */

/* Finds what the entries of a writer name now and claims it, if that has
 * changed since the last time. Waits as hl_claim_take. */
void hl_claim_current(struct hl_op *op);

/* ---- expiry (expire.c) ---- */

/* The node will be forgotten `remember` seconds from now. Under queue_lock. */
void hl_queue_locked(struct hl_table *t, uint32_t idx);

#endif
