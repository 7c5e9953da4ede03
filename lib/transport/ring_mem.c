/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where entries come from. */
#include "transport/ring_chan.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/checked.h"

/* Payloads start on pages; headers stand together behind them. Only touched
 * pages become resident, and untouched ones are not counted against what the
 * system can commit. A forked child must not keep the connection alive through
 * them. */
static void *map_batch(size_t payload, unsigned int count, size_t *size)
{
	size_t per_entry;
	void *mem;

	if (!size_add(payload, sizeof(struct ring_header), &per_entry) ||
	    !size_mul(per_entry, count, size))
		return NULL;
	mem = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		   -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	if (madvise(mem, *size, MADV_DONTFORK) < 0) {
		munmap(mem, *size);
		return NULL;
	}
	return mem;
}

static void fill_batch(struct ring_batch *b, size_t payload, uint16_t qid)
{
	struct ring_header *headers =
		(struct ring_header *)((char *)b->memory + payload * b->count);

	for (unsigned int i = 0; i < b->count; i++) {
		struct ring_entry *e = &b->entries[i];

		e->header = &headers[i];
		e->payload = (char *)b->memory + payload * i;
		e->qid = qid;
		e->iov[0] = (struct iovec){e->header, sizeof(*e->header)};
		e->iov[1] = (struct iovec){e->payload, payload};
		e->next = i + 1 < b->count ? e + 1 : NULL;
	}
}

static struct ring_batch *batch_new(const struct rings *r, uint16_t qid, unsigned int count)
{
	struct ring_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->count = count;
	b->entries = calloc(count, sizeof(*b->entries));
	if (b->entries)
		b->memory = map_batch(r->cfg.payload, count, &b->size);
	if (!b->memory) {
		free(b->entries);
		free(b);
		return NULL;
	}
	fill_batch(b, r->cfg.payload, qid);
	return b;
}

struct ring_entry *ring_entries_new(struct rings *r, uint16_t qid, unsigned int count)
{
	struct ring_batch *b = batch_new(r, qid, count);

	if (!b)
		return NULL;
	pthread_mutex_lock(&r->lock);
	b->next = r->batches;
	r->batches = b;
	pthread_mutex_unlock(&r->lock);
	atomic_fetch_add(&r->entries, count);
	return b->entries;
}

void ring_batches_free(struct rings *r)
{
	struct ring_batch *b;

	while ((b = r->batches)) {
		r->batches = b->next;
		munmap(b->memory, b->size);
		free(b->entries);
		free(b);
	}
}

void ring_entry_trim(struct ring_entry *e)
{
	madvise(e->payload, e->touched, MADV_DONTNEED);
	e->touched = 0;
}
