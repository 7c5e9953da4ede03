/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory's entries, collected when a filesystem lists all at once. */
#ifndef PROFUSE_HIGHLEVEL_LISTING_H
#define PROFUSE_HIGHLEVEL_LISTING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/compiler.h"

/* One for each open directory. The lock is held while it is filled or read. */
struct hl_listing {
	_Atomic unsigned int refs;
	pthread_mutex_t lock;
	bool collected; /* complete, or at least what there was memory for */
	char *mem;	/* records, one behind the other */
	size_t len, cap;
	size_t *at; /* where each begins */
	size_t count, at_cap;
};

struct hl_listed {
	const char *name;
	const struct stat *attr; /* NULL, or all attributes */
	ino_t ino;
	mode_t mode;
};

struct hl_listing *hl_listing_new(void);
void hl_listing_hold(struct hl_listing *l);
void hl_listing_drop(struct hl_listing *l);

void hl_listing_clear(struct hl_listing *l);
/* false without memory */
PROFUSE_NODISCARD bool hl_listing_add(struct hl_listing *l, const struct hl_listed *entry);
void hl_listing_get(const struct hl_listing *l, size_t i, struct hl_listed *out);

#endif
