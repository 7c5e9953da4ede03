/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "giveback.h"

#include <malloc.h>
#include <stdatomic.h>

/* Not worth the walk through all arenas for less. */
enum { AT_LEAST = 4096 };

static _Atomic uint64_t freed;

void object_freed(uint64_t left)
{
	uint64_t now = atomic_fetch_add_explicit(&freed, 1, memory_order_relaxed) + 1;

	if (now < AT_LEAST || now < left)
		return;
	/* One thread does it. Removing everything takes only as many walks as halvings. */
	if (atomic_compare_exchange_strong(&freed, &now, 0))
		malloc_trim(0);
}
