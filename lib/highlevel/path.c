/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths, built from the names of the parents, backwards into the end of a
 * buffer. Names and links on the way do not change while the place is
 * published or claimed (publish.c), so one walk suffices.
 */
#include <errno.h>
#include <string.h>

#include "highlevel/table_private.h"

/* Puts "/name" before buf[*at]; false if there is no room. */
static bool prepend(char *buf, size_t *at, const char *name, size_t len)
{
	if (*at <= len)
		return false;
	*at -= len + 1;
	buf[*at] = '/';
	memcpy(buf + *at + 1, name, len);
	return true;
}

int hl_path_build(struct hl_table *t, uint32_t idx, const char *name, size_t len, char *buf,
		  size_t size, char **out)
{
	size_t at = size - 1;

	buf[at] = '\0';
	if (name && !prepend(buf, &at, name, len))
		return -ERANGE;
	while (idx != HL_ROOT_INO) {
		struct hl_node *n = hl_node(t, idx);
		struct hl_name *own = atomic_load_explicit(&n->name, memory_order_acquire);

		idx = atomic_load_explicit(&n->parent, memory_order_acquire);
		if (!own || !idx)
			return -ENOENT;
		if (!prepend(buf, &at, own->text, own->len))
			return -ERANGE;
	}
	if (at == size - 1)
		buf[--at] = '/';
	*out = buf + at;
	return 0;
}

size_t hl_path_size(struct hl_table *t, uint32_t idx, size_t len)
{
	size_t sum = len + sizeof("//");

	while (idx != HL_ROOT_INO) {
		struct hl_node *n = hl_node(t, idx);
		struct hl_name *own = atomic_load_explicit(&n->name, memory_order_acquire);

		idx = atomic_load_explicit(&n->parent, memory_order_acquire);
		if (!own || !idx)
			return 0;
		sum += own->len + 1u;
	}
	return sum;
}
