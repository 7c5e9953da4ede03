/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names in one directory: found by hash, listed in order of age.
 *
 * An entry keeps its position (a number that only grows) for as long as it lives. A listing that
 * is interrupted and continued after "position p" therefore sees every entry that was
 * there all the time exactly once, whatever else came and went meanwhile.
 *
 * No locking: the caller holds the directory's lock.
 */
#ifndef MEMFS_DIR_H
#define MEMFS_DIR_H

#include <stddef.h>
#include <stdint.h>

struct inode;

struct dirent_node {
	struct dirent_node *chain; /* same hash bucket */
	struct inode *inode;
	uint64_t position;
	uint64_t hash;
	uint32_t namelen;
	char name[];
};

struct dir_slot {
	uint64_t position;
	struct dirent_node *entry; /* NULL: was removed */
};

/* All zero is an empty directory. */
struct dir {
	/*
	 * The directory above; the root is its own. Set when the directory is made. Changes only
	 * under fs.rename plus this directory's lock; either is enough for reading.
	 */
	struct inode *parent;
	struct dirent_node **buckets;
	size_t nbuckets; /* a power of two, or 0 */
	size_t count;
	struct dir_slot *order; /* by ascending position */
	size_t order_len, order_cap;
	uint64_t last_position;
};

/* Positions 1 and 2 belong to "." and "..". */
enum { DIR_FIRST_POSITION = 3 };

struct dirent_node *dir_find(const struct dir *dir, const char *name);
/* The name must not exist. 0 or -ENOMEM. */
int dir_add(struct dir *dir, const char *name, struct inode *inode);
void dir_remove(struct dir *dir, struct dirent_node *entry);
/* The first entry whose position is greater, or NULL. */
struct dirent_node *dir_next(const struct dir *dir, uint64_t position);
void dir_free(struct dir *dir);

#endif
