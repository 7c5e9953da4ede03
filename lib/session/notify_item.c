/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/notify_item.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* ---- subjects ---- */

static uint32_t hash_bytes(uint32_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

/* Subjects: 'i' an inode's data, 'e' a name, 0 none. */
static char subject_kind(enum fuse_notify_code code)
{
	switch (code) {
	case FUSE_NOTIFY_INVAL_INODE:
	case FUSE_NOTIFY_STORE:
		return 'i';
	case FUSE_NOTIFY_INVAL_ENTRY:
	case FUSE_NOTIFY_DELETE:
		return 'e';
	case FUSE_NOTIFY_RESEND:
		return 'r';
	default:
		return 0;
	}
}

bool sess_item_has_subject(const struct sess_item *it)
{
	return subject_kind(it->code) != 0;
}

/* All bodies that have a subject begin with a node id. */
static uint64_t subject_node(const struct sess_item *it)
{
	uint64_t node = 0;

	if (it->len >= sizeof(node))
		memcpy(&node, it->body, sizeof(node));
	return node;
}

static void subject_name(const struct sess_item *it, const unsigned char **name, size_t *len)
{
	size_t skip;

	*name = NULL;
	*len = 0;
	if (subject_kind(it->code) != 'e')
		return;
	skip = it->code == FUSE_NOTIFY_DELETE ? sizeof(struct fuse_notify_delete_out)
					      : sizeof(struct fuse_notify_inval_entry_out);
	*name = it->body + skip;
	*len = it->len - skip;
}

static uint32_t subject_hash(const struct sess_item *it)
{
	uint64_t node = subject_node(it);
	char kind = subject_kind(it->code);
	const unsigned char *name;
	size_t len;
	uint32_t h;

	subject_name(it, &name, &len);
	h = hash_bytes(2166136261u, &kind, 1);
	h = hash_bytes(h, &node, sizeof(node));
	return hash_bytes(h, name, len);
}

bool sess_item_same_subject(const struct sess_item *a, const struct sess_item *b)
{
	const unsigned char *name_a, *name_b;
	size_t len_a, len_b;

	if (a->hash != b->hash || subject_kind(a->code) != subject_kind(b->code) ||
	    subject_node(a) != subject_node(b))
		return false;
	subject_name(a, &name_a, &len_a);
	subject_name(b, &name_b, &len_b);
	return len_a == len_b && (len_a == 0 || memcmp(name_a, name_b, len_a) == 0);
}

/* ---- merging ---- */

/* The last byte of a range, whose length 0 or less means "to the end". */
static int64_t range_last(const struct fuse_notify_inval_inode_out *r)
{
	int64_t last;

	if (r->len <= 0 || __builtin_add_overflow(r->off, r->len - 1, &last))
		return INT64_MAX;
	return last;
}

/* Ranges that touch or overlap become one. Every range includes the
 * attributes; a negative offset means only those. */
static bool merge_ranges(struct fuse_notify_inval_inode_out *waiting,
			 const struct fuse_notify_inval_inode_out *add)
{
	int64_t last_w = range_last(waiting), last_a = range_last(add);
	int64_t first, last;

	if (add->off < 0)
		return true;
	if (waiting->off < 0) {
		*waiting = *add;
		return true;
	}
	if ((last_w < INT64_MAX && add->off > last_w + 1) ||
	    (last_a < INT64_MAX && waiting->off > last_a + 1))
		return false;
	first = waiting->off < add->off ? waiting->off : add->off;
	last = last_w > last_a ? last_w : last_a;
	waiting->off = first;
	waiting->len = last == INT64_MAX ? 0 : last - first + 1;
	return true;
}

/* Does `waiting` stand for both from here on? They have the same subject. */
bool sess_item_merge(struct sess_item *waiting, const struct sess_item *add)
{
	if (waiting->code != add->code)
		return false;
	switch (add->code) {
	case FUSE_NOTIFY_INVAL_INODE:
		return merge_ranges((void *)waiting->body, (const void *)add->body);
	case FUSE_NOTIFY_INVAL_ENTRY: {
		struct fuse_notify_inval_entry_out *w = (void *)waiting->body;
		const struct fuse_notify_inval_entry_out *a = (const void *)add->body;

		/* Dropping includes expiring. */
		w->flags &= a->flags;
		return true;
	}
	case FUSE_NOTIFY_DELETE:
		return ((const struct fuse_notify_delete_out *)waiting->body)->child ==
		       ((const struct fuse_notify_delete_out *)add->body)->child;
	case FUSE_NOTIFY_RESEND:
		return true;
	default:
		return false;
	}
}

struct sess_item *sess_item_new(enum fuse_notify_code code, const struct iovec *iov, int count)
{
	size_t len = 0, size;
	struct sess_item *it;

	for (int i = 1; i < count; i++) {
		if (!size_add(len, iov[i].iov_len, &len))
			return NULL;
	}
	if (!size_add(len, sizeof(*it), &size))
		return NULL;
	it = malloc(size);
	if (!it)
		return NULL;
	*it = (struct sess_item){.code = code};
	for (int i = 1; i < count; i++) {
		if (iov[i].iov_len)
			memcpy(it->body + it->len, iov[i].iov_base, iov[i].iov_len);
		it->len += iov[i].iov_len;
	}
	it->hash = subject_hash(it);
	return it;
}
