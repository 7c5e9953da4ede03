/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for blocks of BLOCK_SIZE bytes. It is taken from the system in slabs of one mebibyte and
 * given back when a slab is empty, so that a removed file's memory does not stay with us.
 * Threads use different shards and rarely meet.
 */
#ifndef MEMFS_BLOCKS_H
#define MEMFS_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* At most this many blocks may be taken. Called once, before the others. */
void blocks_set_limit(uint64_t limit);

/*
 * Blocks are promised first, then allocated: only who holds a promise may call
 * block_alloc(). blocks_promise() is all or nothing.
 */
bool blocks_promise(uint64_t count);
void blocks_withdraw(uint64_t count);

/* NULL if the system has no memory. The content is undefined unless `zeroed`. */
void *block_alloc(bool zeroed);
void block_free(void *block);

uint64_t blocks_limit(void);
/* Promised blocks, allocated or not. */
uint64_t blocks_used(void);

#endif
