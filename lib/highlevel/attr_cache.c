/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * auto_cache: what a file's size and mtime were when its contents went into the
 * page cache. Only with that option is there memory for it, in step with the
 * node table.
 */
#include "highlevel/hl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_BITS 12
#define CHUNK	   (1u << CHUNK_BITS)
#define CHUNKS	   (1u << (32 - CHUNK_BITS))
#define TABLE_SIZE (CHUNKS * sizeof(struct seen *))
#define LOCKS	   64

struct seen {
	int64_t size;
	struct timespec mtime;
	double when;	     /* it was asked */
	uint32_t generation; /* of the node it is about */
	bool good;	     /* unchanged since the last open */
};

struct hl_attrs {
	pthread_mutex_t grow;
	uint32_t limit; /* chunks from here on are not there; under grow */
	pthread_mutex_t lock[LOCKS];
	_Atomic(struct seen *) *chunks;
};

int hl_attrs_new(struct hl_attrs **out)
{
	struct hl_attrs *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->chunks = mmap(NULL, TABLE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a->chunks == MAP_FAILED) {
		free(a);
		return -ENOMEM;
	}
	pthread_mutex_init(&a->grow, NULL);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&a->lock[i], NULL);
	*out = a;
	return 0;
}

void hl_attrs_free(struct hl_attrs *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i < a->limit; i++)
		free(atomic_load_explicit(&a->chunks[i], memory_order_relaxed));
	munmap(a->chunks, TABLE_SIZE);
	free(a);
}

/* NULL without memory. */
static struct seen *seen_of(struct hl_attrs *a, fuse_ino_t ino)
{
	_Atomic(struct seen *) *at = &a->chunks[(uint32_t)ino >> CHUNK_BITS];
	struct seen *c = atomic_load_explicit(at, memory_order_acquire);

	if (!c) {
		pthread_mutex_lock(&a->grow);
		c = atomic_load_explicit(at, memory_order_relaxed);
		if (!c) {
			c = calloc(CHUNK, sizeof(*c));
			if (a->limit <= (uint32_t)ino >> CHUNK_BITS)
				a->limit = ((uint32_t)ino >> CHUNK_BITS) + 1;
			atomic_store_explicit(at, c, memory_order_release);
		}
		pthread_mutex_unlock(&a->grow);
	}
	return c ? &c[ino % CHUNK] : NULL;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void note_locked(struct seen *s, const struct stat *st)
{
	if (s->size != st->st_size || s->mtime.tv_sec != st->st_mtim.tv_sec ||
	    s->mtime.tv_nsec != st->st_mtim.tv_nsec)
		s->good = false;
	s->size = st->st_size;
	s->mtime = st->st_mtim;
	s->when = now();
}

static pthread_mutex_t *lock_of(struct hl_attrs *a, fuse_ino_t ino)
{
	return &a->lock[ino % LOCKS];
}

/* What is known is about another file if the number was used again. */
static void settle_locked(struct fuse *f, struct seen *s, fuse_ino_t ino)
{
	uint32_t generation = (uint32_t)hl_generation(f->table, ino);

	if (s->generation == generation)
		return;
	s->generation = generation;
	s->good = false;
}

void hl_attrs_seen(struct fuse *f, fuse_ino_t ino, const struct stat *st)
{
	struct seen *s = seen_of(f->attrs, ino);

	if (!s)
		return;
	pthread_mutex_lock(lock_of(f->attrs, ino));
	settle_locked(f, s, ino);
	note_locked(s, st);
	pthread_mutex_unlock(lock_of(f->attrs, ino));
}

/* The filesystem is asked outside of the lock: two who ask at once get the same
 * answer. */
bool hl_attrs_fresh(struct hl_call *c, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct hl_attrs *a = c->f->attrs;
	struct seen *s = seen_of(a, ino);
	struct stat st = {0};
	bool stale, good;
	int err = 0;

	if (!s)
		return false;
	pthread_mutex_lock(lock_of(a, ino));
	settle_locked(c->f, s, ino);
	stale = s->good && now() - s->when > c->f->cfg.ac_attr_timeout;
	pthread_mutex_unlock(lock_of(a, ino));
	if (stale)
		err = fuse_fs_getattr(c->f->fs, hl_path(c), &st, fi);
	pthread_mutex_lock(lock_of(a, ino));
	if (stale && err)
		s->good = false;
	else if (stale)
		note_locked(s, &st);
	good = s->good;
	s->good = true;
	pthread_mutex_unlock(lock_of(a, ino));
	return good;
}
