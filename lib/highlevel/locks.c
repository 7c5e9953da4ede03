/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Record locks that were granted, by node. */
#include "highlevel/hl.h"

#include <stdlib.h>

#define HEADS 256

struct held {
	struct held *next;
	fuse_ino_t ino;
	uint64_t owner;
	off_t start, end; /* inclusive */
	short type;
	pid_t pid;
};

struct hl_locks {
	pthread_mutex_t lock;
	struct held *heads[HEADS];
};

int hl_locks_new(struct hl_locks **out)
{
	struct hl_locks *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	*out = l;
	return 0;
}

void hl_locks_free(struct hl_locks *l)
{
	if (!l)
		return;
	for (int i = 0; i < HEADS; i++) {
		while (l->heads[i]) {
			struct held *h = l->heads[i];

			l->heads[i] = h->next;
			free(h);
		}
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static off_t end_of(const struct flock *fl)
{
	return fl->l_len ? fl->l_start + fl->l_len - 1 : INT64_MAX;
}

bool hl_locks_conflict(struct hl_locks *l, fuse_ino_t ino, uint64_t owner, const struct flock *want,
		       struct flock *out)
{
	struct held *h;

	pthread_mutex_lock(&l->lock);
	for (h = l->heads[ino % HEADS]; h; h = h->next) {
		if (h->ino == ino && h->owner != owner && h->start <= end_of(want) &&
		    want->l_start <= h->end && (h->type == F_WRLCK || want->l_type == F_WRLCK))
			break;
	}
	if (h)
		*out = (struct flock){
			.l_type = h->type,
			.l_whence = SEEK_SET,
			.l_start = h->start,
			.l_len = h->end == INT64_MAX ? 0 : h->end - h->start + 1,
			.l_pid = h->pid,
		};
	pthread_mutex_unlock(&l->lock);
	return h;
}

/* Cuts [start, end] out of *at, which is the same owner's. Returns the link to
 * go on with. `tail` is for the rest if *at is cut in two; it may be NULL, and
 * then the rest is forgotten. */
static struct held **cut_out(struct held **at, off_t start, off_t end, struct held **tail)
{
	struct held *h = *at;

	if (h->end < start || h->start > end)
		return &h->next;
	if (h->start < start && h->end > end) {
		struct held *rest = *tail;

		if (rest) {
			*tail = NULL;
			*rest = *h;
			rest->start = end + 1;
			h->next = rest;
		}
		h->end = start - 1;
		return rest ? &rest->next : &h->next;
	}
	if (h->start >= start && h->end <= end) {
		*at = h->next;
		free(h);
		return at;
	}
	if (h->start < start)
		h->end = start - 1;
	else
		h->start = end + 1;
	return &h->next;
}

/* Without memory a lock goes unnoted: then the filesystem's answer is all that
 * others hear. */
void hl_locks_set(struct hl_locks *l, fuse_ino_t ino, uint64_t owner, const struct flock *lock)
{
	struct held *fresh = NULL, *tail = NULL, **at;
	off_t start = lock->l_start, end = end_of(lock);

	if (lock->l_type != F_UNLCK)
		fresh = malloc(sizeof(*fresh));
	tail = malloc(sizeof(*tail));
	pthread_mutex_lock(&l->lock);
	at = &l->heads[ino % HEADS];
	while (*at) {
		if ((*at)->ino == ino && (*at)->owner == owner)
			at = cut_out(at, start, end, &tail);
		else
			at = &(*at)->next;
	}
	if (fresh) {
		*fresh = (struct held){l->heads[ino % HEADS], ino,	  owner, start, end,
				       lock->l_type,	      lock->l_pid};
		l->heads[ino % HEADS] = fresh;
	}
	pthread_mutex_unlock(&l->lock);
	free(tail);
}
