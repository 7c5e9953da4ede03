/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collected entries: small records in one piece of memory. */
#include "highlevel/listing.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* Attributes follow if there are any, then the name. */
struct record {
	uint64_t ino;
	uint32_t mode;
	bool has_attr;
};

struct hl_listing *hl_listing_new(void)
{
	struct hl_listing *l = calloc(1, sizeof(*l));

	if (l) {
		pthread_mutex_init(&l->lock, NULL);
		atomic_store_explicit(&l->refs, 1, memory_order_relaxed);
	}
	return l;
}

void hl_listing_hold(struct hl_listing *l)
{
	atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
}

void hl_listing_drop(struct hl_listing *l)
{
	if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) > 1)
		return;
	free(l->mem);
	free(l->at);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* Large directories are listed once, small ones again and again. */
void hl_listing_clear(struct hl_listing *l)
{
	if (l->cap > 1 << 20) {
		free(l->mem);
		free(l->at);
		l->mem = NULL;
		l->at = NULL;
		l->cap = l->at_cap = 0;
	}
	l->len = l->count = 0;
	l->collected = false;
}

static bool grow(void *pp, size_t *cap, size_t need, size_t unit)
{
	size_t bytes, n = *cap ? *cap * 2 : 64;
	void *p;

	if (need <= *cap)
		return true;
	while (n < need)
		n *= 2;
	if (!size_mul(n, unit, &bytes))
		return false;
	p = realloc(*(void **)pp, bytes);
	if (!p)
		return false;
	*(void **)pp = p;
	*cap = n;
	return true;
}

bool hl_listing_add(struct hl_listing *l, const struct hl_listed *entry)
{
	struct record r = {.ino = entry->ino, .mode = entry->mode, .has_attr = entry->attr};
	size_t name = strlen(entry->name) + 1, size;
	char *p;

	size = sizeof(r) + (entry->attr ? sizeof(*entry->attr) : 0) + name;
	size = (size + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
	if (!grow(&l->mem, &l->cap, l->len + size, 1) ||
	    !grow(&l->at, &l->at_cap, l->count + 1, sizeof(l->at[0])))
		return false;
	p = l->mem + l->len;
	memcpy(p, &r, sizeof(r));
	p += sizeof(r);
	if (entry->attr) {
		memcpy(p, entry->attr, sizeof(*entry->attr));
		p += sizeof(*entry->attr);
	}
	memcpy(p, entry->name, name);
	l->at[l->count++] = l->len;
	l->len += size;
	return true;
}

void hl_listing_get(const struct hl_listing *l, size_t i, struct hl_listed *out)
{
	const char *p = l->mem + l->at[i];
	const struct record *r = (const struct record *)p;

	p += sizeof(*r);
	out->ino = r->ino;
	out->mode = r->mode;
	out->attr = NULL;
	if (r->has_attr) {
		out->attr = (const struct stat *)p;
		p += sizeof(*out->attr);
	}
	out->name = p;
}
