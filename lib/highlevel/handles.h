/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open files and directories.
 *
 * What the kernel gets as a file handle is a number of ours: the place in this
 * table and, in the upper half, how often the place was used. The filesystem's
 * own fh stays here and is what callbacks see. So a handle from outside is
 * checked before anything is done with it, a later process could take the table
 * over, and the library knows which files are open.
 */
#ifndef PROFUSE_HIGHLEVEL_HANDLES_H
#define PROFUSE_HIGHLEVEL_HANDLES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct hl_listing;

/* readdir.c */
void hl_listing_hold(struct hl_listing *l);

#define HL_HANDLE_CHUNK	 256
#define HL_HANDLE_CHUNKS 16384
#define HL_HANDLE_HEADS	 256

struct hl_handle {
	_Atomic uint32_t uses; /* odd while in use */
	uint32_t self;
	_Atomic uint64_t fh; /* the filesystem's */
	uint64_t ino;
	struct hl_listing *listing; /* of directories */
	uint32_t next, prev;	    /* with the same head, or free; by number */
	uint32_t borrowed;	    /* how often, at the moment */
};

struct hl_handles {
	pthread_mutex_t lock; /* opening and closing, searching by node */
	pthread_cond_t returned;
	_Atomic(struct hl_handle *) *chunks;
	uint32_t fresh; /* numbers given out so far; 0 is not used */
	uint32_t free;
	uint32_t heads[HL_HANDLE_HEADS]; /* files (not directories) by node */
};

int hl_handles_init(struct hl_handles *h);
void hl_handles_fini(struct hl_handles *h);

/* A new open file, or directory with a listing. Returns the number for the
 * kernel, never 0 otherwise than for lack of memory. */
uint64_t hl_handle_new(struct hl_handles *h, uint64_t ino, uint64_t fh, struct hl_listing *listing);
/* The fh behind the kernel's number; false if that is none that is open. */
bool hl_handle_fh(struct hl_handles *h, uint64_t wire, uint64_t *fh);
/* The same for an open directory, with a reference to its listing. */
bool hl_handle_listing(struct hl_handles *h, uint64_t wire, uint64_t *fh,
		       struct hl_listing **listing);

/* Notes that a callback on it has returned. The kernel has it closed only after the
 * answers to all that was done with it; that is for the thread sanitizer to know. */
void hl_handle_used(struct hl_handles *h, uint64_t wire);

/* Closes it: the number is good for nothing any more. What it stood for is the
 * caller's now. Waits for those who have borrowed it. */
struct hl_closed_handle {
	uint64_t fh;
	uint64_t ino;
	struct hl_listing *listing;
};
bool hl_handle_close(struct hl_handles *h, uint64_t wire, struct hl_closed_handle *out);

/* Borrows some open file of this node, whose owner may want to close it meanwhile:
 * a number for hl_handle_return, or 0 if there is none. */
uint32_t hl_handle_borrow(struct hl_handles *h, uint64_t ino, uint64_t *fh);
void hl_handle_return(struct hl_handles *h, uint32_t number);
/* Is this node open, and does every open file have an fh? */
bool hl_handles_suffice(struct hl_handles *h, uint64_t ino);

#endif
