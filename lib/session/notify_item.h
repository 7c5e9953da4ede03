/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A notification that waits to be sent, what it is about, and whether another
 * one makes it mean both.
 */
#ifndef PROFUSE_SESSION_NOTIFY_ITEM_H
#define PROFUSE_SESSION_NOTIFY_ITEM_H

#include "session/session.h"

struct sess_item {
	struct sess_item *next;	 /* in order of sending */
	struct sess_item *older; /* same bucket, added before */
	uint64_t seq;
	uint32_t hash;
	enum fuse_notify_code code;
	size_t len;
	/* The fixed structure, then what follows it. */
	_Alignas(8) unsigned char body[];
};

/* NULL out of memory. iov as for sess_notify. */
struct sess_item *sess_item_new(enum fuse_notify_code code, const struct iovec *iov, int count);

/* Bytes that it takes. */
static inline size_t sess_item_cost(const struct sess_item *it)
{
	return sizeof(*it) + it->len;
}

/* The subject: an inode's data, a name in a directory, or unanswered requests.
 * Some notifications have none. */
bool sess_item_has_subject(const struct sess_item *it);
bool sess_item_same_subject(const struct sess_item *a, const struct sess_item *b);

/*
 * Makes `waiting` stand for both, if that is possible: they have the same
 * subject and come directly after another in what concerns it. What waits is
 * going to be sent after now, so it also tells what the addition would.
 */
bool sess_item_merge(struct sess_item *waiting, const struct sess_item *add);

#endif
