/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open files and directories: see handles.h. */
#include "highlevel/handles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/tsan.h"

#define CHUNK_TABLE_BYTES (HL_HANDLE_CHUNKS * sizeof(_Atomic(struct hl_handle *)))

int hl_handles_init(struct hl_handles *h)
{
	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->returned, NULL);
	h->fresh = 1;
	h->chunks = mmap(NULL, CHUNK_TABLE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->chunks != MAP_FAILED)
		return 0;
	h->chunks = NULL;
	return -ENOMEM;
}

void hl_handles_fini(struct hl_handles *h)
{
	if (!h->chunks)
		return;
	for (uint32_t i = 0; i < HL_HANDLE_CHUNKS; i++) {
		struct hl_handle *c = atomic_load_explicit(&h->chunks[i], memory_order_relaxed);

		if (!c)
			break;
		free(c);
	}
	munmap(h->chunks, CHUNK_TABLE_BYTES);
	pthread_cond_destroy(&h->returned);
	pthread_mutex_destroy(&h->lock);
	h->chunks = NULL;
}

static struct hl_handle *by_number(struct hl_handles *h, uint32_t n)
{
	struct hl_handle *c;

	if (n / HL_HANDLE_CHUNK >= HL_HANDLE_CHUNKS)
		return NULL;
	c = atomic_load_explicit(&h->chunks[n / HL_HANDLE_CHUNK], memory_order_acquire);
	return c ? &c[n % HL_HANDLE_CHUNK] : NULL;
}

static struct hl_handle *take_locked(struct hl_handles *h)
{
	uint32_t n = h->free ? h->free : h->fresh;
	struct hl_handle *handle;

	if (n / HL_HANDLE_CHUNK >= HL_HANDLE_CHUNKS)
		return NULL;
	if (!by_number(h, n)) {
		struct hl_handle *c = calloc(HL_HANDLE_CHUNK, sizeof(*c));

		if (!c)
			return NULL;
		atomic_store_explicit(&h->chunks[n / HL_HANDLE_CHUNK], c, memory_order_release);
	}
	handle = by_number(h, n);
	handle->self = n;
	if (h->free)
		h->free = handle->next;
	else
		h->fresh++;
	return handle;
}

static uint32_t *head_of(struct hl_handles *h, uint64_t ino)
{
	return &h->heads[ino % HL_HANDLE_HEADS];
}

static void link_locked(struct hl_handles *h, struct hl_handle *handle)
{
	uint32_t *head = head_of(h, handle->ino);

	handle->prev = 0;
	handle->next = *head;
	if (*head)
		by_number(h, *head)->prev = handle->self;
	*head = handle->self;
}

static void unlink_locked(struct hl_handles *h, struct hl_handle *handle)
{
	if (handle->prev)
		by_number(h, handle->prev)->next = handle->next;
	else
		*head_of(h, handle->ino) = handle->next;
	if (handle->next)
		by_number(h, handle->next)->prev = handle->prev;
}

uint64_t hl_handle_new(struct hl_handles *h, uint64_t ino, uint64_t fh, struct hl_listing *listing)
{
	struct hl_handle *handle;
	uint64_t wire = 0;
	uint32_t uses;

	pthread_mutex_lock(&h->lock);
	handle = take_locked(h);
	if (handle) {
		handle->ino = ino;
		atomic_store_explicit(&handle->fh, fh, memory_order_relaxed);
		handle->listing = listing;
		if (!listing)
			link_locked(h, handle);
		uses = atomic_load_explicit(&handle->uses, memory_order_relaxed) + 1;
		wire = (uint64_t)uses << 32 | handle->self;
		atomic_store_explicit(&handle->uses, uses, memory_order_release);
	}
	pthread_mutex_unlock(&h->lock);
	return wire;
}

static struct hl_handle *get(struct hl_handles *h, uint64_t wire)
{
	struct hl_handle *handle = by_number(h, (uint32_t)wire);
	uint32_t uses = (uint32_t)(wire >> 32);

	if (!handle || !(uses & 1) ||
	    atomic_load_explicit(&handle->uses, memory_order_acquire) != uses)
		return NULL;
	return handle;
}

bool hl_handle_fh(struct hl_handles *h, uint64_t wire, uint64_t *fh)
{
	struct hl_handle *handle = get(h, wire);

	if (handle)
		*fh = atomic_load_explicit(&handle->fh, memory_order_relaxed);
	return handle;
}

bool hl_handle_listing(struct hl_handles *h, uint64_t wire, uint64_t *fh,
		       struct hl_listing **listing)
{
	struct hl_handle *handle;

	pthread_mutex_lock(&h->lock);
	handle = get(h, wire);
	if (handle && handle->listing) {
		*fh = atomic_load_explicit(&handle->fh, memory_order_relaxed);
		*listing = handle->listing;
		hl_listing_hold(handle->listing);
	} else {
		handle = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	return handle;
}

void hl_handle_used(struct hl_handles *h, uint64_t wire)
{
	struct hl_handle *handle = by_number(h, (uint32_t)wire);

	if (handle)
		happens_before(handle);
}

bool hl_handle_close(struct hl_handles *h, uint64_t wire, struct hl_closed_handle *out)
{
	struct hl_handle *handle;

	pthread_mutex_lock(&h->lock);
	handle = get(h, wire);
	if (handle) {
		happens_after(handle);
		out->fh = atomic_load_explicit(&handle->fh, memory_order_relaxed);
		out->ino = handle->ino;
		out->listing = handle->listing;
		if (!handle->listing)
			unlink_locked(h, handle);
		atomic_fetch_add_explicit(&handle->uses, 1, memory_order_release);
		/* Nobody finds it any more, so this comes to an end. */
		while (handle->borrowed)
			pthread_cond_wait(&h->returned, &h->lock);
		handle->next = h->free;
		h->free = handle->self;
	}
	pthread_mutex_unlock(&h->lock);
	return handle;
}

static struct hl_handle *next_of_node_locked(struct hl_handles *h, uint64_t ino, uint32_t n)
{
	struct hl_handle *handle = NULL;

	for (; n; n = handle->next) {
		handle = by_number(h, n);
		if (handle->ino == ino)
			return handle;
	}
	return NULL;
}

uint32_t hl_handle_borrow(struct hl_handles *h, uint64_t ino, uint64_t *fh)
{
	struct hl_handle *handle;
	uint32_t number = 0;

	pthread_mutex_lock(&h->lock);
	handle = next_of_node_locked(h, ino, *head_of(h, ino));
	if (handle) {
		*fh = atomic_load_explicit(&handle->fh, memory_order_relaxed);
		handle->borrowed++;
		number = handle->self;
	}
	pthread_mutex_unlock(&h->lock);
	return number;
}

void hl_handle_return(struct hl_handles *h, uint32_t number)
{
	pthread_mutex_lock(&h->lock);
	if (--by_number(h, number)->borrowed == 0)
		pthread_cond_broadcast(&h->returned);
	pthread_mutex_unlock(&h->lock);
}

bool hl_handles_suffice(struct hl_handles *h, uint64_t ino)
{
	struct hl_handle *handle;
	bool any = false, all = true;

	pthread_mutex_lock(&h->lock);
	handle = next_of_node_locked(h, ino, *head_of(h, ino));
	while (handle) {
		any = true;
		all = all && atomic_load_explicit(&handle->fh, memory_order_relaxed);
		handle = next_of_node_locked(h, ino, handle->next);
	}
	pthread_mutex_unlock(&h->lock);
	return any && all;
}
