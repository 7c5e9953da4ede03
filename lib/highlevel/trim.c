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
#include <unistd.h>

#include "protocol/wire.h"
#include "session/session.h"

#define BATCH 256

#define FIRST_WAIT_MS 10
#define LAST_WAIT_MS 2000

static uint64_t bytes_used(struct fuse *f)
{
	struct hl_usage u;

	hl_table_usage(f->table, &u);
	return u.node_bytes + u.name_bytes;
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

/* One batch. by_name: also where the kernel can do it in no other way. Returns
 * whether the end of the table was reached. */
static bool drop_some(struct fuse *f, bool by_name)
{
	struct hl_victim v[BATCH];
	fuse_ino_t ino[BATCH];
	bool end;
	size_t n;

	pthread_mutex_lock(&f->trim_lock);
	n = hl_table_victims(f->table, &f->trim_hand, v, BATCH);
	end = !f->trim_hand;
	pthread_mutex_unlock(&f->trim_lock);
	for (size_t i = 0; i < n; i++)
		ino[i] = v[i].ino;
	if (n && fuse_lowlevel_notify_prune(f->se, ino, (uint32_t)n) == -ENOSYS && by_name)
		drop_by_name(f, v, n);
	return end;
}

/* ---- on the way of requests ---- */

/*
 * The keeper may not get its turn while workers are busy adding nodes. Then they
 * help: asking by number waits for nothing, unless the kernel has pages to write
 * back, which this thread might have to serve.
 */
static void help(struct fuse *f)
{
	if (f->se->conn.flags & FUSE_INIT_FLAG(WRITEBACK_CACHE))
		usleep(1000);
	else
		drop_some(f, false);
}

/* Now and then, as asking costs a few locks. */
void hl_trim_note(struct fuse *f)
{
	unsigned int n = atomic_fetch_add_explicit(&f->trim_count, 1, memory_order_relaxed);
	uint64_t used;
	bool tight;

	if (n % 64)
		return;
	used = bytes_used(f);
	tight = used > f->opts.inode_cache;
	atomic_store_explicit(&f->trim_tight, tight, memory_order_relaxed);
	if (used > f->opts.inode_cache / 16 * 15)
		hl_keeper_poke(f->keeper);
	if (tight)
		help(f);
}

bool hl_trim_tight(struct fuse *f)
{
	return f->opts.inode_cache && atomic_load_explicit(&f->trim_tight, memory_order_relaxed);
}

/* ---- on the keeper's thread ---- */

unsigned int hl_trim(struct fuse *f)
{
	uint64_t enough = f->opts.inode_cache / 8 * 7, before, after;
	unsigned int rounds = 0;

	if (!f->opts.inode_cache)
		return 0;
	before = bytes_used(f);
	if (before <= enough) {
		f->trim_wait = 0;
		return 0;
	}
	/* Twice around at most: forgets are on their way then. */
	while (rounds < 2 && bytes_used(f) > enough)
		rounds += drop_some(f, true);
	after = bytes_used(f);
	atomic_store_explicit(&f->trim_tight, after > f->opts.inode_cache, memory_order_relaxed);
	/* If all of it is in use there is no hurry. */
	if (after < before || !f->trim_wait)
		f->trim_wait = FIRST_WAIT_MS;
	else if (f->trim_wait < LAST_WAIT_MS)
		f->trim_wait *= 2;
	return f->trim_wait;
}
