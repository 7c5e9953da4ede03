/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sparse array of blocks: index -> block, for indexes up to 2^54. It takes memory for what
 * is there, not for what lies between. No locking: the caller's business.
 */
#ifndef MEMFS_TREE_H
#define MEMFS_TREE_H

#include <stdbool.h>
#include <stdint.h>

enum { BLOCK_SHIFT = 12, BLOCK_SIZE = 1 << BLOCK_SHIFT };

struct tree_node;

/* All zero is an empty tree. */
struct tree {
	struct tree_node *top;
	unsigned levels;
	uint64_t blocks;
};

/* The block at an index, or NULL. */
void *tree_get(const struct tree *tree, uint64_t index);
/* Put a block where there is none. 0 or -ENOMEM. */
int tree_put(struct tree *tree, uint64_t index, void *block);
/* Hand every block in [first, last] to release() and forget it. Returns how many there were. */
uint64_t tree_remove(struct tree *tree, uint64_t first, uint64_t last,
		     void (*release)(void *block));
/* The first index at or after `index` that has a block; false if there is none. */
bool tree_next(const struct tree *tree, uint64_t index, uint64_t *found);

#endif
