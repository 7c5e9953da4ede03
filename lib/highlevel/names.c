/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for names: blocks of 16 KiB, each for one size, rounded up to eight
 * bytes. malloc would spend as much on a short name as the name is long, and
 * gives little back after a million of them are gone; a block whose names are
 * all free is given back at once.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "highlevel/table_private.h"

#define REGION_SLABS 64
#define REGION_BYTES (HL_SLAB_BYTES * REGION_SLABS)
#define CLASS_STEP   8

struct hl_region {
	struct hl_region *next; /* all regions */
	struct hl_region *next_roomy;
	char *base;
	uint64_t free; /* a bit for each slab */
};

/* Stands at the start of its block. */
struct hl_slab {
	struct hl_slab *next, *prev; /* shard's list of those with room */
	struct hl_region *region;
	uint16_t class_no;
	uint16_t shard;
	uint16_t used;
	uint16_t free;	/* offset of the first free piece, or 0 */
	uint16_t fresh; /* offset from which nothing was ever used */
	bool listed;
};

static size_t name_bytes(size_t len)
{
	return (offsetof(struct hl_name, text) + len + 1 + CLASS_STEP - 1) & ~(CLASS_STEP - 1ul);
}

static struct hl_slab *slab_of(struct hl_name *n)
{
	return (struct hl_slab *)((uintptr_t)n & ~(uintptr_t)(HL_SLAB_BYTES - 1));
}

static bool has_room(const struct hl_slab *s)
{
	return s->free || s->fresh + (s->class_no + 1u) * CLASS_STEP <= HL_SLAB_BYTES;
}

static void list_slab(struct hl_shard *sh, struct hl_slab *s)
{
	struct hl_slab **head = &sh->slabs[s->class_no];

	s->prev = NULL;
	s->next = *head;
	if (*head)
		(*head)->prev = s;
	*head = s;
	s->listed = true;
}

static void unlist_slab(struct hl_shard *sh, struct hl_slab *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		sh->slabs[s->class_no] = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->listed = false;
}

static struct hl_region *new_region(void)
{
	struct hl_region *r = calloc(1, sizeof(*r));
	char *p;
	size_t before;

	if (!r)
		return NULL;
	/* One block more than needed, to cut it at a multiple of a block. */
	p = mmap(NULL, REGION_BYTES + HL_SLAB_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		free(r);
		return NULL;
	}
	before = -(uintptr_t)p & (HL_SLAB_BYTES - 1);
	if (before)
		munmap(p, before);
	munmap(p + before + REGION_BYTES, HL_SLAB_BYTES - before);
	r->base = p + before;
	r->free = UINT64_MAX;
	return r;
}

static struct hl_slab *take_slab(struct hl_table *t)
{
	struct hl_region *r;
	struct hl_slab *s = NULL;

	pthread_mutex_lock(&t->grow_lock);
	r = t->roomy_regions;
	if (!r) {
		r = new_region();
		if (r) {
			r->next = t->regions;
			t->regions = t->roomy_regions = r;
		}
	}
	if (r) {
		s = (struct hl_slab *)(r->base + __builtin_ctzll(r->free) * HL_SLAB_BYTES);
		r->free &= r->free - 1;
		s->region = r;
		if (!r->free)
			t->roomy_regions = r->next_roomy;
	}
	pthread_mutex_unlock(&t->grow_lock);
	return s;
}

static void give_slab_back(struct hl_table *t, struct hl_slab *s)
{
	struct hl_region *r = s->region;
	unsigned int no = (unsigned int)(((char *)s - r->base) / HL_SLAB_BYTES);

	madvise(s, HL_SLAB_BYTES, MADV_DONTNEED);
	pthread_mutex_lock(&t->grow_lock);
	if (!r->free) {
		r->next_roomy = t->roomy_regions;
		t->roomy_regions = r;
	}
	r->free |= 1ull << no;
	pthread_mutex_unlock(&t->grow_lock);
}

static struct hl_slab *add_slab_locked(struct hl_table *t, struct hl_shard *sh,
				       unsigned int class_no)
{
	struct hl_slab *s = take_slab(t);

	if (!s)
		return NULL;
	s->class_no = (uint16_t)class_no;
	s->shard = (uint16_t)(sh - t->shards);
	s->used = 0;
	s->free = 0;
	s->fresh = (sizeof(*s) + CLASS_STEP - 1) & ~(CLASS_STEP - 1u);
	list_slab(sh, s);
	sh->slabs_live++;
	return s;
}

static void *slab_alloc(struct hl_table *t, struct hl_shard *sh, unsigned int class_no)
{
	struct hl_slab *s;
	void *p = NULL;

	pthread_mutex_lock(&sh->lock);
	s = sh->slabs[class_no];
	if (!s)
		s = add_slab_locked(t, sh, class_no);
	if (s) {
		if (s->free) {
			p = (char *)s + s->free;
			memcpy(&s->free, p, sizeof(s->free));
		} else {
			p = (char *)s + s->fresh;
			s->fresh = (uint16_t)(s->fresh + (class_no + 1) * CLASS_STEP);
		}
		s->used++;
		if (!has_room(s))
			unlist_slab(sh, s);
	}
	pthread_mutex_unlock(&sh->lock);
	return p;
}

struct hl_name *hl_name_new(struct hl_table *t, unsigned int shard, const char *text, size_t len)
{
	struct hl_shard *sh = &t->shards[shard];
	size_t bytes = name_bytes(len);
	unsigned int class_no = (unsigned int)(bytes / CLASS_STEP - 1);
	struct hl_name *n;

	if (class_no < HL_NAME_CLASSES) {
		n = slab_alloc(t, sh, class_no);
	} else {
		n = malloc(bytes);
		if (n) {
			pthread_mutex_lock(&sh->lock);
			sh->big_names += bytes;
			pthread_mutex_unlock(&sh->lock);
		}
	}
	if (!n)
		return NULL;
	n->len = (uint16_t)len;
	memcpy(n->text, text, len);
	n->text[len] = '\0';
	return n;
}

void hl_name_free(struct hl_table *t, struct hl_name *n)
{
	size_t bytes;
	struct hl_slab *s;
	struct hl_shard *sh;
	bool empty;

	if (!n)
		return;
	bytes = name_bytes(n->len);
	if (bytes / CLASS_STEP > HL_NAME_CLASSES) {
		/* Counted where it is freed: only the sum over shards counts. */
		pthread_mutex_lock(&t->shards[0].lock);
		t->shards[0].big_names -= bytes;
		pthread_mutex_unlock(&t->shards[0].lock);
		free(n);
		return;
	}
	s = slab_of(n);
	sh = &t->shards[s->shard];
	pthread_mutex_lock(&sh->lock);
	memcpy(n, &s->free, sizeof(s->free));
	s->free = (uint16_t)((char *)n - (char *)s);
	s->used--;
	if (!s->listed)
		list_slab(sh, s);
	empty = !s->used && (s->next || s->prev);
	if (empty) {
		unlist_slab(sh, s);
		sh->slabs_live--;
	}
	pthread_mutex_unlock(&sh->lock);
	if (empty)
		give_slab_back(t, s);
}

int hl_name_check(const char *name, size_t *len)
{
	size_t n = strnlen(name, PATH_MAX);

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	if (n == 0 || memchr(name, '/', n))
		return -EINVAL;
	if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')))
		return -EINVAL;
	*len = n;
	return 0;
}

void hl_names_fini(struct hl_table *t)
{
	while (t->regions) {
		struct hl_region *r = t->regions;

		t->regions = r->next;
		munmap(r->base, REGION_BYTES);
		free(r);
	}
}
