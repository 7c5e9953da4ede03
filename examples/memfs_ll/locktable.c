/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "locktable.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

struct record {
	struct record *next;
	struct lock lock;
};

struct locktable {
	pthread_mutex_t lock;
	struct record *held[LOCK_KINDS];
	struct lock_waiter *waiting[LOCK_KINDS]; /* oldest first */
};

/*
 * Who waits for whom, over all files: every queued fcntl waiter, with the owner that it waits for.
 * Its mutex is taken inside a table's.
 */
static pthread_mutex_t graph_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lock_waiter *graph;

struct locktable *locktable_new(void)
{
	struct locktable *table = calloc(1, sizeof(*table));

	if (table)
		pthread_mutex_init(&table->lock, NULL);
	return table;
}

void locktable_free(struct locktable *table)
{
	if (!table)
		return;
	for (int kind = 0; kind < LOCK_KINDS; kind++) {
		while (table->held[kind]) {
			struct record *record = table->held[kind];

			table->held[kind] = record->next;
			free(record);
		}
	}
	pthread_mutex_destroy(&table->lock);
	free(table);
}

static bool overlap(const struct lock *a, const struct lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* Overlapping, or with nothing in between. */
static bool touch(const struct lock *a, const struct lock *b)
{
	return (a->start <= b->end || a->start - 1 == b->end) &&
	       (b->start <= a->end || b->start - 1 == a->end);
}

/* Of all locks in the way, the one that starts first; NULL if none is. */
static const struct lock *find_conflict_locked(const struct locktable *table,
					       const struct lock *want)
{
	const struct lock *first = NULL;

	if (want->type == F_UNLCK)
		return NULL;
	for (struct record *r = table->held[want->kind]; r; r = r->next) {
		if (r->lock.owner == want->owner || !overlap(&r->lock, want))
			continue;
		if (r->lock.type != F_WRLCK && want->type != F_WRLCK)
			continue;
		if (!first || r->lock.start < first->start)
			first = &r->lock;
	}
	return first;
}

static void push_record(struct record **list, struct record *record, const struct lock *lock)
{
	record->lock = *lock;
	record->next = *list;
	*list = record;
}

/*
 * Take the owner's other locks out of the way of a new one: those of the same type that it
 * touches become part of it, the others lose the range. A lock that is cut in two needs
 * a second record, *spare, which is then set to NULL.
 */
static void make_way_locked(struct record **list, const struct lock *want, struct lock *merged,
			    struct record **spare)
{
	struct record **link = list;

	while (*link) {
		struct record *r = *link;
		bool gone = false;

		if (r->lock.owner != want->owner) {
			/* not ours */
		} else if (r->lock.type == want->type) {
			gone = touch(&r->lock, want);
			if (gone && r->lock.start < merged->start)
				merged->start = r->lock.start;
			if (gone && r->lock.end > merged->end)
				merged->end = r->lock.end;
		} else if (overlap(&r->lock, want)) {
			const bool left = r->lock.start < want->start;
			const bool right = r->lock.end > want->end;

			if (left && right) {
				struct lock rest = r->lock;

				rest.start = want->end + 1;
				push_record(list, *spare, &rest);
				*spare = NULL;
				/* If r was the head, link still names it wrongly. */
				if (link == list)
					link = &(*list)->next;
			}
			if (left)
				r->lock.end = want->start - 1;
			else if (right)
				r->lock.start = want->end + 1;
			gone = !left && !right;
		}
		if (gone) {
			*link = r->next;
			free(r);
		} else {
			link = &r->next;
		}
	}
}

/* Set a lock that nothing stands in the way of. */
static int apply_locked(struct locktable *table, const struct lock *want)
{
	struct record *record = malloc(sizeof(*record));
	struct record *spare = malloc(sizeof(*spare));
	struct lock merged = *want;

	if (!record || !spare) {
		free(record);
		free(spare);
		return -ENOLCK;
	}
	make_way_locked(&table->held[want->kind], want, &merged, &spare);
	if (want->type != F_UNLCK) {
		push_record(&table->held[want->kind], record, &merged);
		record = NULL;
	}
	free(record);
	free(spare);
	return 0;
}

/* An owner that waits (directly or through others) for the waiter would wait for ever. */
static bool would_deadlock_locked(const struct lock_waiter *waiter, uint64_t blocker)
{
	/* Threads of one process are one owner and may wait at several places: bounded. */
	for (int steps = 0; steps < 64; steps++) {
		const struct lock_waiter *w = graph;

		if (blocker == waiter->want.owner)
			return true;
		while (w && w->want.owner != blocker)
			w = w->graph_next;
		if (!w)
			return false;
		blocker = w->blocker;
	}
	return false;
}

static void graph_remove_locked(struct lock_waiter *waiter)
{
	if (waiter->graph_prev)
		waiter->graph_prev->graph_next = waiter->graph_next;
	else
		graph = waiter->graph_next;
	if (waiter->graph_next)
		waiter->graph_next->graph_prev = waiter->graph_prev;
}

static void graph_remove(struct lock_waiter *waiter)
{
	if (waiter->want.kind != LOCK_KIND_POSIX)
		return;
	pthread_mutex_lock(&graph_lock);
	graph_remove_locked(waiter);
	pthread_mutex_unlock(&graph_lock);
}

/* Note whom a waiter waits for. 0 or -EDEADLK. A new waiter enters the graph. */
static int graph_set_blocker(struct lock_waiter *waiter, uint64_t blocker, bool is_new)
{
	int ret = 0;

	if (waiter->want.kind != LOCK_KIND_POSIX)
		return 0;
	pthread_mutex_lock(&graph_lock);
	if (would_deadlock_locked(waiter, blocker)) {
		ret = -EDEADLK;
	} else {
		waiter->blocker = blocker;
		if (is_new) {
			waiter->graph_prev = NULL;
			waiter->graph_next = graph;
			if (graph)
				graph->graph_prev = waiter;
			graph = waiter;
		}
	}
	pthread_mutex_unlock(&graph_lock);
	return ret;
}

struct finished {
	struct lock_waiter *waiter;
	int err;
};

/* The oldest waiter that need not wait any longer, taken out of the queue. */
static bool take_finished_locked(struct locktable *table, enum lock_kind kind, struct finished *out)
{
	struct lock_waiter **link = &table->waiting[kind];

	for (; *link; link = &(*link)->next) {
		struct lock_waiter *w = *link;
		const struct lock *conflict = find_conflict_locked(table, &w->want);

		if (conflict && conflict->owner == w->blocker)
			continue;
		out->err = conflict ? graph_set_blocker(w, conflict->owner, false)
				    : apply_locked(table, &w->want);
		if (conflict && out->err == 0)
			continue;
		*link = w->next;
		graph_remove(w);
		out->waiter = w;
		return true;
	}
	return false;
}

/* Something was unlocked: let those go on who can. */
static void wake(struct locktable *table, enum lock_kind kind)
{
	struct finished f;
	bool found;

	do {
		pthread_mutex_lock(&table->lock);
		found = take_finished_locked(table, kind, &f);
		pthread_mutex_unlock(&table->lock);
		if (found)
			f.waiter->done(f.waiter, f.err);
	} while (found);
}

/*
 * flock() changes a lock by giving up the old one first. Returns true if the lock is
 * there already, as wanted.
 */
static bool drop_for_change_locked(struct locktable *table, const struct lock *want)
{
	struct record **link = &table->held[LOCK_KIND_FLOCK];

	if (want->kind != LOCK_KIND_FLOCK)
		return false;
	for (; *link; link = &(*link)->next) {
		struct record *r = *link;

		if (r->lock.owner != want->owner)
			continue;
		if (r->lock.type == want->type)
			return true;
		*link = r->next;
		free(r);
		return false;
	}
	return false;
}

bool locktable_test(struct locktable *table, const struct lock *want, struct lock *conflict)
{
	const struct lock *found;

	pthread_mutex_lock(&table->lock);
	found = find_conflict_locked(table, want);
	if (found)
		*conflict = *found;
	pthread_mutex_unlock(&table->lock);
	return found != NULL;
}

int locktable_set(struct locktable *table, const struct lock *want)
{
	int ret = 0;

	pthread_mutex_lock(&table->lock);
	if (!drop_for_change_locked(table, want)) {
		if (find_conflict_locked(table, want))
			ret = -EAGAIN;
		else
			ret = apply_locked(table, want);
	}
	pthread_mutex_unlock(&table->lock);
	/* A write lock may have become a read lock, or nothing. */
	wake(table, want->kind);
	return ret;
}

int locktable_wait(struct locktable *table, struct lock_waiter *waiter)
{
	const enum lock_kind kind = waiter->want.kind;
	struct lock_waiter **link = &table->waiting[kind];
	const struct lock *conflict;
	int ret = 0;

	pthread_mutex_lock(&table->lock);
	if (waiter->cancelled) {
		ret = -EINTR;
		goto out;
	}
	if (drop_for_change_locked(table, &waiter->want))
		goto out;
	conflict = find_conflict_locked(table, &waiter->want);
	if (!conflict) {
		ret = apply_locked(table, &waiter->want);
		goto out;
	}
	ret = graph_set_blocker(waiter, conflict->owner, true);
	if (ret < 0)
		goto out;
	waiter->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = waiter;
	ret = 1;
out:
	pthread_mutex_unlock(&table->lock);
	/* Changing a flock gave one up. From here on the waiter may be finished and gone. */
	wake(table, kind);
	return ret;
}

bool locktable_cancel(struct locktable *table, struct lock_waiter *waiter)
{
	struct lock_waiter **link = &table->waiting[waiter->want.kind];
	bool found;

	pthread_mutex_lock(&table->lock);
	while (*link && *link != waiter)
		link = &(*link)->next;
	found = *link != NULL;
	if (found) {
		*link = waiter->next;
		graph_remove(waiter);
	} else {
		waiter->cancelled = true;
	}
	pthread_mutex_unlock(&table->lock);
	return found;
}

void locktable_drop_handle(struct locktable *table, uint64_t handle)
{
	for (int kind = 0; kind < LOCK_KINDS; kind++) {
		struct record **link = &table->held[kind];
		bool dropped = false;

		pthread_mutex_lock(&table->lock);
		while (*link) {
			struct record *r = *link;

			if (r->lock.handle != handle) {
				link = &r->next;
				continue;
			}
			*link = r->next;
			free(r);
			dropped = true;
		}
		pthread_mutex_unlock(&table->lock);
		if (dropped)
			wake(table, kind);
	}
}
