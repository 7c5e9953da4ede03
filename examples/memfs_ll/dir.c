/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dir.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { MIN_BUCKETS = 8, MIN_ORDER = 8 };

static uint64_t hash_seed;

static void choose_seed(void)
{
	if (getrandom(&hash_seed, sizeof(hash_seed), GRND_NONBLOCK) != sizeof(hash_seed))
		hash_seed = (uintptr_t)&hash_seed;
}

/* FNV-1a, started somewhere else in each process, and stirred so that the low bits are good. */
static uint64_t hash_name(const char *name, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint64_t h;

	pthread_once(&once, choose_seed);
	h = 0xcbf29ce484222325ULL ^ hash_seed;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

struct dirent_node *dir_find(const struct dir *dir, const char *name)
{
	const size_t len = strlen(name);
	struct dirent_node *entry;
	uint64_t hash;

	if (dir->count == 0)
		return NULL;
	hash = hash_name(name, len);
	entry = dir->buckets[hash & (dir->nbuckets - 1)];
	while (entry && (entry->hash != hash || entry->namelen != len ||
			 memcmp(entry->name, name, len) != 0))
		entry = entry->chain;
	return entry;
}

/* At most one entry per bucket on average. Shrinks as well, so that memory comes back. */
static int resize_buckets(struct dir *dir, size_t want)
{
	struct dirent_node **buckets = calloc(want, sizeof(*buckets));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < dir->nbuckets; i++) {
		struct dirent_node *entry = dir->buckets[i];

		while (entry) {
			struct dirent_node *next = entry->chain;

			entry->chain = buckets[entry->hash & (want - 1)];
			buckets[entry->hash & (want - 1)] = entry;
			entry = next;
		}
	}
	free(dir->buckets);
	dir->buckets = buckets;
	dir->nbuckets = want;
	return 0;
}

/* Close the gaps that removed entries left. Positions stay as they are. */
static void compact_order(struct dir *dir)
{
	struct dir_slot *smaller;
	size_t n = 0;

	for (size_t i = 0; i < dir->order_len; i++) {
		if (dir->order[i].entry)
			dir->order[n++] = dir->order[i];
	}
	dir->order_len = n;
	if (dir->order_cap <= MIN_ORDER || n > dir->order_cap / 4)
		return;
	smaller = realloc(dir->order, dir->order_cap / 2 * sizeof(*smaller));
	if (smaller) {
		dir->order = smaller;
		dir->order_cap /= 2;
	}
}

static int room_in_order(struct dir *dir)
{
	size_t cap = dir->order_cap ? dir->order_cap * 2 : MIN_ORDER;
	struct dir_slot *order;

	if (dir->order_len < dir->order_cap)
		return 0;
	order = realloc(dir->order, cap * sizeof(*order));
	if (!order)
		return -ENOMEM;
	dir->order = order;
	dir->order_cap = cap;
	return 0;
}

int dir_add(struct dir *dir, const char *name, struct inode *inode)
{
	const size_t len = strlen(name);
	struct dirent_node *entry;
	struct dirent_node **bucket;

	if (dir->count >= dir->nbuckets &&
	    resize_buckets(dir, dir->nbuckets ? dir->nbuckets * 2 : MIN_BUCKETS) < 0)
		return -ENOMEM;
	if (room_in_order(dir) < 0)
		return -ENOMEM;
	entry = malloc(sizeof(*entry) + len + 1);
	if (!entry)
		return -ENOMEM;

	if (dir->last_position == 0)
		dir->last_position = DIR_FIRST_POSITION - 1;
	entry->inode = inode;
	entry->position = ++dir->last_position;
	entry->hash = hash_name(name, len);
	entry->namelen = len;
	memcpy(entry->name, name, len + 1);

	bucket = &dir->buckets[entry->hash & (dir->nbuckets - 1)];
	entry->chain = *bucket;
	*bucket = entry;
	dir->order[dir->order_len++] = (struct dir_slot){entry->position, entry};
	dir->count++;
	return 0;
}

/* The index in `order` of the first slot with a position greater than this. */
static size_t order_after(const struct dir *dir, uint64_t position)
{
	size_t low = 0, high = dir->order_len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (dir->order[mid].position > position)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

void dir_remove(struct dir *dir, struct dirent_node *entry)
{
	struct dirent_node **link = &dir->buckets[entry->hash & (dir->nbuckets - 1)];

	while (*link != entry)
		link = &(*link)->chain;
	*link = entry->chain;
	dir->order[order_after(dir, entry->position - 1)].entry = NULL;
	dir->count--;
	free(entry);

	if (dir->order_len > MIN_ORDER && dir->count < dir->order_len / 2)
		compact_order(dir);
	/* Failing to shrink does no harm. */
	if (dir->nbuckets > MIN_BUCKETS && dir->count < dir->nbuckets / 4)
		resize_buckets(dir, dir->nbuckets / 2);
}

struct dirent_node *dir_next(const struct dir *dir, uint64_t position)
{
	size_t i = order_after(dir, position);

	while (i < dir->order_len && !dir->order[i].entry)
		i++;
	return i < dir->order_len ? dir->order[i].entry : NULL;
}

void dir_free(struct dir *dir)
{
	for (size_t i = 0; i < dir->order_len; i++)
		free(dir->order[i].entry);
	free(dir->order);
	free(dir->buckets);
	*dir = (struct dir){.parent = dir->parent};
}
