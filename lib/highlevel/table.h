/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The node table: which inodes the kernel knows, what they are called, and
 * which operations work on them right now.
 *
 * An inode ("node") is found by its nodeid or by parent and name. Its path is
 * built from the names of its parents. While an operation runs, every path it
 * was given stays true: whoever wants to rename or remove something on the way
 * waits for it (publish.c says how, and why nobody else waits).
 *
 * nodeids are table indexes, not pointers, so that a table can be written down
 * and restored by another process. An index is used again after its node is
 * forgotten, with another generation.
 */
#ifndef PROFUSE_HIGHLEVEL_TABLE_H
#define PROFUSE_HIGHLEVEL_TABLE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define HL_ROOT_INO 1

struct hl_table;
struct hl_slot;
struct hl_claim;
struct hl_name;

/* When a node that the kernel has forgotten leaves the table. */
enum hl_memory {
	HL_FORGET_AT_ONCE,
	HL_REMEMBER_SECONDS, /* some time later, by hl_table_expire */
	HL_REMEMBER_ALWAYS,
};

/* ---- the table ---- */

PROFUSE_NODISCARD int hl_table_new(enum hl_memory memory, unsigned int seconds,
				   struct hl_table **out);
/* Says it anew, before the first operation. */
void hl_table_remember(struct hl_table *t, enum hl_memory memory, unsigned int seconds);
/* Every operation must have ended. NULL is fine. */
void hl_table_free(struct hl_table *t);

struct hl_usage {
	uint64_t nodes;	     /* cached inodes, the root included */
	uint64_t node_bytes; /* resident: nodes and their index */
	uint64_t name_bytes; /* resident: names */
	uint64_t node_pages; /* pages of 4 KiB that hold nodes */
};

void hl_table_usage(struct hl_table *t, struct hl_usage *out);

/* ---- operations ---- */

/* What an operation works on: the node ino, or the entry `name` in it. */
struct hl_where {
	uint64_t ino;
	const char *name;
};

/*
 * An operation in progress. Filled in by hl_begin or hl_begin_write; the
 * paths live until hl_end. Starts zeroed.
 */
struct hl_op {
	struct hl_table *table;
	struct hl_slot *slot;
	struct hl_claim *claim; /* writers only */
	const char *path[2];
	unsigned int count;
	bool temporary_slot;
	struct hl_where where[2];
	uint32_t hash[2]; /* of the entries */
	size_t namelen[2];
	/* Writers: what the entries name, or 0; directories held; names for
	 * hl_renamed. */
	uint32_t node[2];
	unsigned int held;
	struct hl_name *spare, *spare2;
	char *heap[2]; /* of paths too long for the slot's buffers */
};

/*
 * Begins an operation that leaves the paths of `w` as they are: nearly all.
 * Waits for writers that change one of them, and for nobody else. With count 0
 * it needs no paths and waits for nobody. `doing` is a static text for
 * hl_table_doing.
 *
 *   -ESTALE        there is no such node
 *   -ENOENT        the node has no path any more: it was unlinked
 *   -ENAMETOOLONG, -EINVAL   the name cannot be one
 *   -ENOMEM
 */
PROFUSE_NODISCARD int hl_begin(struct hl_table *t, struct hl_op *op, const char *doing,
			       const struct hl_where *w, unsigned int count);

/* The same for a node that is worked on through an open file: without a path
 * if it has none any more, and, with want_path false, always. */
PROFUSE_NODISCARD int hl_begin_open(struct hl_table *t, struct hl_op *op, const char *doing,
				    uint64_t ino, bool want_path);

/*
 * Begins an operation that removes or moves the entries w[]: one for unlink
 * and rmdir, old and new for rename. Returns when no operation works on a path
 * through what they name; new ones wait until hl_end. Errors as hl_begin.
 */
PROFUSE_NODISCARD int hl_begin_write(struct hl_table *t, struct hl_op *op, const char *doing,
				     const struct hl_where *w, unsigned int count);

void hl_end(struct hl_op *op);

/* ---- what an operation does to the table ---- */

/* What a reply about a node needs. */
struct hl_entry {
	uint64_t ino;
	uint64_t generation;
	bool fresh; /* the table grew by it */
};

/*
 * Counts a lookup of `name` in directory `dir`, on which op works; the node is
 * made if it is not there. -ENOMEM, -ENOENT (the directory was forgotten),
 * -ENAMETOOLONG, -EINVAL.
 */
PROFUSE_NODISCARD int hl_lookup(struct hl_op *op, uint64_t dir, const char *name,
				struct hl_entry *out);

/* Counts a lookup of a node that is there: for "." and "..". -ESTALE. */
PROFUSE_NODISCARD int hl_lookup_self(struct hl_table *t, uint64_t ino, struct hl_entry *out);
PROFUSE_NODISCARD int hl_lookup_parent(struct hl_table *t, uint64_t ino, struct hl_entry *out);

/* Takes back n lookups. Unknown nodes and too large n are reported by false
 * and do no harm. Frees memory only in hl_forget_done, which a caller of
 * hl_forget must call some time later on the same thread. */
bool hl_forget(struct hl_table *t, uint64_t ino, uint64_t n);
void hl_forget_done(struct hl_table *t);

/* The entry op->where[0] is gone (unlink, rmdir): its node lives on without a
 * path until it is forgotten. Writers only. */
void hl_removed(struct hl_op *op);
/* op->where[0] has become op->where[1]; what was there is gone, or, with
 * exchange, has become where[0]. Writers only; cannot fail. */
void hl_renamed(struct hl_op *op, bool exchange);
/* Instead of being removed, the node of entry `which` is called `name` now, in
 * the same directory. -ENOMEM: nothing was changed. Writers only. */
PROFUSE_NODISCARD int hl_set_aside(struct hl_op *op, unsigned int which, const char *name);

/* Gives a node in the directory that entry `which` names the name `name` beside
 * that entry. For a writer whose claim is on what lies below. */
PROFUSE_NODISCARD int hl_move_out(struct hl_op *op, unsigned int which, uint64_t ino,
				  const char *name);
/* Undoes hl_set_aside of node ino, in a rename for its second entry. */
void hl_put_back(struct hl_op *op, unsigned int which, uint64_t ino);

/* The nodeid of an entry, or 0. A snapshot, unless op works on the entry. */
uint64_t hl_find(struct hl_table *t, uint64_t dir, const char *name);
/* The same by path; "/" is the root. */
uint64_t hl_find_path(struct hl_table *t, const char *path);

/* ---- flags and open files ---- */

enum hl_flag {
	HL_LIVE = 1 << 0,
	HL_HASHED = 1 << 1,   /* has a path */
	HL_QUEUED = 1 << 2,   /* waits to be expired */
	HL_HIDDEN = 1 << 3,   /* its name is one that we gave it */
	HL_USED = 1 << 4,     /* looked up since the last sweep */
	HL_UNLINKED = 1 << 5, /* had a path and lost it */
	HL_DIR = 1 << 6,      /* was a directory when it was looked up */
};

uint64_t hl_generation(struct hl_table *t, uint64_t ino);
/* 0 for a node that is not there. */
unsigned int hl_flags(struct hl_table *t, uint64_t ino);
void hl_set_flag(struct hl_table *t, uint64_t ino, enum hl_flag flag, bool on);

/* An open file keeps its node. Closing has two steps, so that something can be
 * done to the node in between: hl_closed returns how many are still open, and
 * the node may go with hl_dropped only. */
bool hl_opened(struct hl_table *t, uint64_t ino);
unsigned int hl_closed(struct hl_table *t, uint64_t ino);
void hl_dropped(struct hl_table *t, uint64_t ino);
unsigned int hl_open_count(struct hl_table *t, uint64_t ino);

/* ---- what is going on ---- */

/* An operation in progress: what, and its number on its thread. */
struct hl_doing {
	const char *what;
	uint64_t seq;
	unsigned int slot;
};

/* Up to max operations that are in progress; those waiting for a path too. */
size_t hl_table_doing(struct hl_table *t, struct hl_doing *out, size_t max);

/* ---- keeping the table small ---- */

/*
 * HL_REMEMBER_SECONDS: drops nodes that were forgotten long enough ago.
 * Returns the seconds until the next one is due.
 */
unsigned int hl_table_expire(struct hl_table *t);

struct hl_victim {
	uint64_t ino;
	uint64_t parent;
};

/*
 * Collects up to max nodes that the kernel caches and that nothing but the
 * kernel needs: no children, not open, not used since the last time round.
 * Goes on where the last call stopped; *hand is the caller's, 0 at first and
 * again at the end of the table.
 */
size_t hl_table_victims(struct hl_table *t, uint64_t *hand, struct hl_victim *out, size_t max);

/* The name of a node, for a notification; false if it has none now. */
bool hl_name_of(struct hl_table *t, uint64_t ino, uint64_t *parent, char *buf, size_t size);

/* Calls fn for every node with all of `flags`. No operation may be running. */
void hl_table_each(struct hl_table *t, unsigned int flags, void (*fn)(void *data, uint64_t ino),
		   void *data);

#endif
