/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blocks.h"
#include "tree.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum {
	SLAB_SIZE = 1 << 20,
	SLAB_BLOCKS = SLAB_SIZE / BLOCK_SIZE, /* the first one holds the struct slab */
	MAP_WORDS = SLAB_BLOCKS / 64,
	SHARDS = 8,
};

/*
 * A slab lies at a multiple of its size, so that a block's address tells its slab. A block
 * that was never handed out is still the zero page of the system.
 */
struct slab {
	struct slab *prev, *next; /* in the shard's list of slabs with room */
	unsigned shard;
	unsigned used;
	unsigned untouched; /* blocks from here on were never handed out */
	uint64_t busy[MAP_WORDS];
};

struct shard {
	pthread_mutex_t lock;
	struct slab *with_room;
	struct slab *spare; /* one empty slab, against mapping and unmapping in turns */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct slab) <= BLOCK_SIZE, "the slab's head fits into its first block");
_Static_assert(SLAB_BLOCKS % 64 == 0, "the map has no loose bits");

static struct shard shards[SHARDS] = {
	[0 ... SHARDS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER},
};

static uint64_t limit;
static _Atomic uint64_t promised;

void blocks_set_limit(uint64_t count)
{
	limit = count;
}

uint64_t blocks_limit(void)
{
	return limit;
}

uint64_t blocks_used(void)
{
	return atomic_load_explicit(&promised, memory_order_relaxed);
}

bool blocks_promise(uint64_t count)
{
	uint64_t now = atomic_load_explicit(&promised, memory_order_relaxed);

	do {
		if (count > limit || now > limit - count)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&promised, &now, now + count, memory_order_relaxed, memory_order_relaxed));
	return true;
}

void blocks_withdraw(uint64_t count)
{
	atomic_fetch_sub_explicit(&promised, count, memory_order_relaxed);
}

static struct shard *my_shard(void)
{
	static _Atomic unsigned next;
	static _Thread_local unsigned mine;

	if (mine == 0)
		mine = 1 + atomic_fetch_add(&next, 1) % SHARDS;
	return &shards[mine - 1];
}

static struct slab *slab_map(unsigned shard)
{
	/* Twice the size has an aligned slab in it somewhere; the rest goes back at once. */
	char *area = mmap(NULL, 2 * SLAB_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	size_t before;
	struct slab *slab;

	if (area == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)area & (SLAB_SIZE - 1);
	if (before > 0)
		munmap(area, before);
	if (before < SLAB_SIZE)
		munmap(area + before + SLAB_SIZE, SLAB_SIZE - before);
	slab = (struct slab *)(area + before);
	slab->shard = shard;
	slab->untouched = 1;
	slab->busy[0] = 1;
	return slab;
}

static void link_slab_locked(struct shard *shard, struct slab *slab)
{
	slab->prev = NULL;
	slab->next = shard->with_room;
	if (slab->next)
		slab->next->prev = slab;
	shard->with_room = slab;
}

static void unlink_slab_locked(struct shard *shard, struct slab *slab)
{
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		shard->with_room = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
}

static struct slab *slab_with_room_locked(struct shard *shard)
{
	struct slab *slab = shard->with_room;

	if (slab)
		return slab;
	slab = shard->spare;
	if (slab)
		shard->spare = NULL;
	else
		slab = slab_map(shard - shards);
	if (slab)
		link_slab_locked(shard, slab);
	return slab;
}

static unsigned first_free(const struct slab *slab)
{
	for (unsigned word = 0;; word++) {
		if (~slab->busy[word] != 0)
			return word * 64 + __builtin_ctzll(~slab->busy[word]);
	}
}

void *block_alloc(bool zeroed)
{
	struct shard *shard = my_shard();
	struct slab *slab;
	unsigned index = 0;
	bool touched = false;
	char *block = NULL;

	pthread_mutex_lock(&shard->lock);
	slab = slab_with_room_locked(shard);
	if (slab) {
		index = first_free(slab);
		slab->busy[index / 64] |= 1ULL << index % 64;
		touched = index < slab->untouched;
		if (!touched)
			slab->untouched = index + 1;
		if (++slab->used == SLAB_BLOCKS - 1)
			unlink_slab_locked(shard, slab);
		block = (char *)slab + (size_t)index * BLOCK_SIZE;
	}
	pthread_mutex_unlock(&shard->lock);
	if (block && zeroed && touched)
		memset(block, 0, BLOCK_SIZE);
	return block;
}

void block_free(void *block)
{
	struct slab *slab = (struct slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_SIZE - 1));
	const unsigned index = ((char *)block - (char *)slab) / BLOCK_SIZE;
	struct shard *shard = &shards[slab->shard];
	struct slab *unused = NULL;

	pthread_mutex_lock(&shard->lock);
	slab->busy[index / 64] &= ~(1ULL << index % 64);
	if (slab->used-- == SLAB_BLOCKS - 1)
		link_slab_locked(shard, slab);
	if (slab->used == 0) {
		unlink_slab_locked(shard, slab);
		unused = shard->spare;
		shard->spare = slab;
	}
	pthread_mutex_unlock(&shard->lock);
	if (unused)
		munmap(unused, SLAB_SIZE);
}
