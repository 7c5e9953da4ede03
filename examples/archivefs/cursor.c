/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Readers of the archive. Those that nobody uses are kept where they stand: who
 * reads the members in their order decodes the archive once.
 */
#include "archivefs.h"

#include <archive.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A decoder may take tens of megabytes. */
#define IDLE 4
#define MANY 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cursor *idle;
static unsigned int idle_count;
static atomic_uint count;

void cursor_free(struct cursor *c)
{
	archive_read_free(c->archive);
	free(c);
	count--;
}

bool cursor_many(void)
{
	return count > MANY;
}

/* The one that has the shortest way to go. */
static struct cursor *take_idle(long member)
{
	struct cursor **best = NULL, **at, *c = NULL;

	pthread_mutex_lock(&lock);
	for (at = &idle; *at; at = &(*at)->next) {
		if ((*at)->member < member && (!best || (*at)->member > (*best)->member))
			best = at;
	}
	if (best) {
		c = *best;
		*best = c->next;
		idle_count--;
	}
	pthread_mutex_unlock(&lock);
	return c;
}

void cursor_give_back(struct cursor *c)
{
	struct cursor *dropped = NULL;

	pthread_mutex_lock(&lock);
	c->next = idle;
	idle = c;
	if (++idle_count > IDLE) {
		struct cursor **last = &idle;

		while ((*last)->next)
			last = &(*last)->next;
		dropped = *last;
		*last = NULL;
		idle_count--;
	}
	pthread_mutex_unlock(&lock);
	if (dropped)
		cursor_free(dropped);
}

static struct cursor *new_cursor(void)
{
	struct cursor *c = calloc(1, sizeof(*c));
	char message[256] = "out of memory";

	if (c)
		c->archive = source_read(message, sizeof(message));
	if (!c || !c->archive) {
		fuse_log(FUSE_LOG_ERR, "archivefs: %s: %s\n", source_path(), message);
		free(c);
		return NULL;
	}
	count++;
	c->member = -1;
	return c;
}

struct cursor *cursor_at(long member)
{
	struct cursor *c = take_idle(member);
	struct archive_entry *ae;

	if (!c)
		c = new_cursor();
	while (c && c->member < member) {
		int res = archive_read_next_header(c->archive, &ae);

		if (res == ARCHIVE_RETRY)
			continue;
		if (res != ARCHIVE_OK && res != ARCHIVE_WARN) {
			fuse_log(FUSE_LOG_ERR, "archivefs: %s: member %ld: %s\n", source_path(),
				 member, archive_error_string(c->archive) ?: "it ends before");
			cursor_free(c);
			return NULL;
		}
		c->member++;
	}
	return c;
}
