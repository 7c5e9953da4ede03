/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>

enum { FANOUT_SHIFT = 6, FANOUT = 1 << FANOUT_SHIFT, MAX_LEVELS = 9 };

/* Level 1 holds blocks, the levels above hold nodes. An empty node does not exist. */
struct tree_node {
	unsigned used;
	void *slot[FANOUT];
};

/* How many indexes one slot of a node at this level covers, as a shift. */
static unsigned slot_shift(unsigned level)
{
	return (level - 1) * FANOUT_SHIFT;
}

static unsigned slot_of(uint64_t index, unsigned level)
{
	return (index >> slot_shift(level)) & (FANOUT - 1);
}

static bool covers(const struct tree *tree, uint64_t index)
{
	return tree->levels > 0 && index >> (tree->levels * FANOUT_SHIFT) == 0;
}

void *tree_get(const struct tree *tree, uint64_t index)
{
	const struct tree_node *node = tree->top;

	if (!covers(tree, index))
		return NULL;
	for (unsigned level = tree->levels; level > 1; level--) {
		node = node->slot[slot_of(index, level)];
		if (!node)
			return NULL;
	}
	return node->slot[slot_of(index, 1)];
}

/* Raise the tree until it covers the index. An empty tree starts at the height it needs. */
static int grow(struct tree *tree, uint64_t index)
{
	if (index >> (MAX_LEVELS * FANOUT_SHIFT) != 0)
		return -EFBIG;
	do {
		struct tree_node *node = calloc(1, sizeof(*node));

		if (!node)
			return -ENOMEM;
		if (tree->top) {
			node->slot[0] = tree->top;
			node->used = 1;
			tree->levels++;
		} else {
			do {
				tree->levels++;
			} while (!covers(tree, index));
		}
		tree->top = node;
	} while (!covers(tree, index));
	return 0;
}

/* Take away the empty nodes that a failed put left on its way down. */
static void prune(struct tree *tree, uint64_t index)
{
	struct tree_node **path[MAX_LEVELS];
	struct tree_node **link = &tree->top;
	unsigned depth = 0;

	if (!covers(tree, index))
		return;
	for (unsigned level = tree->levels; level > 0 && *link; level--) {
		path[depth++] = link;
		if (level > 1)
			link = (struct tree_node **)&(*link)->slot[slot_of(index, level)];
	}
	while (depth > 0 && (*path[depth - 1])->used == 0) {
		free(*path[depth - 1]);
		*path[depth - 1] = NULL;
		if (--depth > 0)
			(*path[depth - 1])->used--;
	}
	if (!tree->top)
		tree->levels = 0;
}

int tree_put(struct tree *tree, uint64_t index, void *block)
{
	struct tree_node *node;
	int ret;

	if (!covers(tree, index)) {
		ret = grow(tree, index);
		if (ret < 0)
			return ret;
	}
	node = tree->top;
	for (unsigned level = tree->levels; level > 1; level--) {
		void **slot = &node->slot[slot_of(index, level)];

		if (!*slot) {
			*slot = calloc(1, sizeof(*node));
			if (!*slot) {
				prune(tree, index);
				return -ENOMEM;
			}
			node->used++;
		}
		node = *slot;
	}
	node->slot[slot_of(index, 1)] = block;
	node->used++;
	tree->blocks++;
	return 0;
}

/* Returns true if the node is empty afterwards. first and last are relative to the node. */
static bool remove_below(struct tree *tree, struct tree_node *node, unsigned level, uint64_t first,
			 uint64_t last, void (*release)(void *block))
{
	const unsigned shift = slot_shift(level);
	const uint64_t mask = (1ULL << shift) - 1;

	for (uint64_t i = first >> shift; i <= last >> shift; i++) {
		uint64_t from = i == first >> shift ? first & mask : 0;
		uint64_t to = i == last >> shift ? last & mask : mask;

		if (!node->slot[i])
			continue;
		if (level > 1) {
			if (!remove_below(tree, node->slot[i], level - 1, from, to, release))
				continue;
			free(node->slot[i]);
		} else {
			release(node->slot[i]);
			tree->blocks--;
		}
		node->slot[i] = NULL;
		node->used--;
	}
	return node->used == 0;
}

uint64_t tree_remove(struct tree *tree, uint64_t first, uint64_t last, void (*release)(void *block))
{
	const uint64_t before = tree->blocks;
	uint64_t end;

	if (!tree->top || !covers(tree, first) || first > last)
		return 0;
	end = (1ULL << (tree->levels * FANOUT_SHIFT)) - 1;
	if (last > end)
		last = end;
	if (remove_below(tree, tree->top, tree->levels, first, last, release)) {
		free(tree->top);
		tree->top = NULL;
		tree->levels = 0;
	}
	return before - tree->blocks;
}

static bool next_below(const struct tree_node *node, unsigned level, uint64_t index,
		       uint64_t *found)
{
	const unsigned shift = slot_shift(level);

	for (uint64_t i = index >> shift; i < FANOUT; i++) {
		uint64_t from = i == index >> shift ? index & ((1ULL << shift) - 1) : 0;
		uint64_t inner = 0;

		if (!node->slot[i])
			continue;
		if (level > 1 && !next_below(node->slot[i], level - 1, from, &inner))
			continue;
		*found = (i << shift) | inner;
		return true;
	}
	return false;
}

bool tree_next(const struct tree *tree, uint64_t index, uint64_t *found)
{
	if (!covers(tree, index))
		return false;
	return next_below(tree->top, tree->levels, index, found);
}
