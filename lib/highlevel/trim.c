/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inode_cache=SIZE: keeps the node table within SIZE.
 *
 * Nodes are there because the kernel caches inodes, so the kernel is asked to
 * drop some: by number where it can do that (NOTIFY_PRUNE), else by name. It
 * drops what is not in use and says so with FORGET. What it drops is looked up
 * again when it is wanted again; nothing is out of reach.
 */
#include "highlevel/hl.h"

#include <limits.h>
#include <string.h>

#define BATCH 256

static uint64_t bytes_used(struct fuse *f)
{
	struct hl_usage u;

	hl_table_usage(f->table, &u);
	return u.node_bytes + u.name_bytes;
}

/* Now and then, as asking costs a few locks. */
void hl_trim_note(struct fuse *f)
{
	unsigned int n = atomic_fetch_add_explicit(&f->trim_count, 1, memory_order_relaxed);
	uint64_t used;

	if (n % 128)
		return;
	used = bytes_used(f);
	atomic_store_explicit(&f->trim_tight, used > f->opts.inode_cache, memory_order_relaxed);
	if (used > f->opts.inode_cache / 16 * 15)
		hl_keeper_poke(f->keeper);
}

bool hl_trim_tight(struct fuse *f)
{
	return f->opts.inode_cache && atomic_load_explicit(&f->trim_tight, memory_order_relaxed);
}

static void drop_by_name(struct fuse *f, const struct hl_victim *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[NAME_MAX + 1];
		uint64_t parent;

		if (hl_name_of(f->table, v[i].ino, &parent, name, sizeof(name)))
			fuse_lowlevel_notify_inval_entry(f->se, parent, name, strlen(name));
	}
}

/* Returns how many the kernel was asked to drop. */
static size_t drop_some(struct fuse *f)
{
	struct hl_victim v[BATCH];
	fuse_ino_t ino[BATCH];
	size_t n = hl_table_victims(f->table, &f->trim_hand, v, BATCH);

	for (size_t i = 0; i < n; i++)
		ino[i] = v[i].ino;
	if (n && fuse_lowlevel_notify_prune(f->se, ino, (uint32_t)n) == -ENOSYS)
		drop_by_name(f, v, n);
	return n;
}

bool hl_trim(struct fuse *f)
{
	uint64_t enough = f->opts.inode_cache / 8 * 7;
	unsigned int rounds = 0;

	if (!f->opts.inode_cache || !f->started || bytes_used(f) <= enough)
		return false;
	/* Twice around at most: forgets are on their way then. */
	while (rounds < 2 && bytes_used(f) > enough) {
		drop_some(f);
		if (!f->trim_hand)
			rounds++;
	}
	atomic_store_explicit(&f->trim_tight, bytes_used(f) > f->opts.inode_cache,
			      memory_order_relaxed);
	return bytes_used(f) > enough;
}
