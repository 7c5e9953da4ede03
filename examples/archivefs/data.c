/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Contents of members.
 *
 * An archive can be read forwards only, and a compressed one not even be entered
 * in the middle. So the contents of a member go into a temporary file as they are
 * decoded, as far as somebody has read; reading anywhere before that point costs
 * what reading a file costs. The temporary files have no names, and those that
 * are not open are given up, oldest first, when there are too many bytes of them.
 *
 * Readers of the archive ("cursors") that stand behind a member are kept: who
 * reads the members in their order decodes the archive once.
 */
#include "archivefs.h"

#include <archive.h>
#include <archive_entry.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CURSORS 4
#define AHEAD	(256 * 1024) /* decoded beyond what was asked for */

/* A reader of the archive, in the hands of one spool or of nobody. */
struct cursor {
	struct cursor *next; /* idle ones, the latest first */
	struct archive *archive;
	long member; /* whose header it has read */
};

struct spool {
	struct spool *next; /* idle ones, the oldest first */
	struct node *node;
	unsigned int users; /* under idle_lock */
	bool idle;

	pthread_mutex_t lock; /* everything below */
	int fd;
	off_t end; /* so much is there */
	struct cursor *cursor;
	int error; /* what reading on would give */
};

static const char *path;
static uint64_t limit;

static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cursor *idle_cursors;
static unsigned int idle_cursor_count;
static struct spool *idle_spools, **idle_spools_end = &idle_spools;
static uint64_t idle_bytes;

void data_init(const char *archive_path, uint64_t cache_limit)
{
	path = archive_path;
	limit = cache_limit;
}

/* ---- cursors ---- */

static void free_cursor(struct cursor *c)
{
	archive_read_free(c->archive);
	free(c);
}

/* The one that has the shortest way to go. */
static struct cursor *take_idle(long member)
{
	struct cursor **best = NULL, **at, *c = NULL;

	pthread_mutex_lock(&idle_lock);
	for (at = &idle_cursors; *at; at = &(*at)->next) {
		if ((*at)->member < member && (!best || (*at)->member > (*best)->member))
			best = at;
	}
	if (best) {
		c = *best;
		*best = c->next;
		idle_cursor_count--;
	}
	pthread_mutex_unlock(&idle_lock);
	return c;
}

static void give_back(struct cursor *c)
{
	struct cursor *dropped = NULL;

	pthread_mutex_lock(&idle_lock);
	c->next = idle_cursors;
	idle_cursors = c;
	if (++idle_cursor_count > CURSORS) {
		struct cursor **last = &idle_cursors;

		while ((*last)->next)
			last = &(*last)->next;
		dropped = *last;
		*last = NULL;
		idle_cursor_count--;
	}
	pthread_mutex_unlock(&idle_lock);
	if (dropped)
		free_cursor(dropped);
}

static struct cursor *new_cursor(void)
{
	struct cursor *c = calloc(1, sizeof(*c));
	char message[256] = "out of memory";

	if (c)
		c->archive = archive_at_start(path, message, sizeof(message));
	if (!c || !c->archive) {
		fuse_log(FUSE_LOG_ERR, "archivefs: %s: %s\n", path, message);
		free(c);
		return NULL;
	}
	c->member = -1;
	return c;
}

/* A cursor that stands at the data of a member; NULL with a line in the log. */
static struct cursor *cursor_at(long member)
{
	struct cursor *c = take_idle(member);
	struct archive_entry *ae;
	int res = ARCHIVE_OK;

	if (!c)
		c = new_cursor();
	while (c && c->member < member) {
		res = archive_read_next_header(c->archive, &ae);
		if (res == ARCHIVE_RETRY)
			continue;
		if (res != ARCHIVE_OK && res != ARCHIVE_WARN) {
			fuse_log(FUSE_LOG_ERR, "archivefs: %s: member %ld: %s\n", path, member,
				 archive_error_string(c->archive) ?: "it ends before");
			free_cursor(c);
			return NULL;
		}
		c->member++;
	}
	return c;
}

/* ---- spools ---- */

static int temporary_file(void)
{
	const char *dir = getenv("TMPDIR") ?: "/tmp";
	char name[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	snprintf(name, sizeof(name), "%s/archivefs-XXXXXX", dir);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

static void free_spool(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct spool *new_spool(struct node *n)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->node = n;
	s->fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void remove_idle_locked(struct spool *s)
{
	struct spool **at = &idle_spools;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (!*at)
		idle_spools_end = at;
	s->idle = false;
	idle_bytes -= (uint64_t)s->end;
}

int data_open(struct node *n)
{
	int err = 0;

	pthread_mutex_lock(&idle_lock);
	if (!n->spool)
		n->spool = new_spool(n);
	if (!n->spool)
		err = -ENOMEM;
	else if (n->spool->users++ == 0 && n->spool->idle)
		remove_idle_locked(n->spool);
	pthread_mutex_unlock(&idle_lock);
	return err;
}

void data_close(struct node *n)
{
	struct spool *dropped = NULL, *s = n->spool;
	struct cursor *cursor = NULL;

	pthread_mutex_lock(&idle_lock);
	if (--s->users == 0) {
		/* A decoder takes much memory; another member may need it. */
		cursor = s->cursor;
		s->cursor = NULL;
		s->idle = true;
		s->next = NULL;
		*idle_spools_end = s;
		idle_spools_end = &s->next;
		idle_bytes += (uint64_t)s->end;
		while (idle_spools && idle_bytes > limit) {
			struct spool *old = idle_spools;

			remove_idle_locked(old);
			old->node->spool = NULL;
			old->next = dropped;
			dropped = old;
		}
	}
	pthread_mutex_unlock(&idle_lock);
	if (cursor)
		give_back(cursor);
	while (dropped) {
		struct spool *next = dropped->next;

		free_spool(dropped);
		dropped = next;
	}
}

/* ---- decoding ---- */

static int begin(struct spool *s)
{
	if (s->fd < 0)
		s->fd = temporary_file();
	if (s->fd < 0) {
		fuse_log(FUSE_LOG_ERR, "archivefs: cannot make a temporary file in $TMPDIR: %s\n",
			 strerror(errno));
		return -errno;
	}
	s->cursor = cursor_at(s->node->member);
	return s->cursor ? 0 : -EIO;
}

/* Nothing more comes: by an error, or because it is all there. */
static void finish(struct spool *s, int error)
{
	s->error = error;
	if (error)
		free_cursor(s->cursor);
	else
		give_back(s->cursor);
	s->cursor = NULL;
}

static int write_all(int fd, const char *p, size_t size, off_t off)
{
	while (size) {
		ssize_t n = pwrite(fd, p, size, off);

		if (n < 0)
			return -errno;
		p += n;
		off += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Decodes one more block. */
static void step(struct spool *s)
{
	const void *block;
	int64_t off;
	size_t size;
	int err, res = archive_read_data_block(s->cursor->archive, &block, &size, &off);

	if (res == ARCHIVE_RETRY)
		return;
	if (res == ARCHIVE_EOF) {
		s->end = s->node->st.st_size; /* the rest is a hole */
		finish(s, ftruncate(s->fd, s->end) ? -errno : 0);
		return;
	}
	if (res != ARCHIVE_OK && res != ARCHIVE_WARN) {
		fuse_log(FUSE_LOG_ERR, "archivefs: %s: member %ld, byte %lld: %s\n", path,
			 s->node->member, (long long)s->end,
			 archive_error_string(s->cursor->archive) ?: "damaged");
		finish(s, -EIO);
		return;
	}
	/* When it was begun anew, the beginning is there already. */
	if (off + (off_t)size <= s->end)
		return;
	err = write_all(s->fd, block, size, off);
	if (err)
		finish(s, err);
	else
		s->end = off + (off_t)size;
}

/* Until `end` bytes are there, or no more come. */
static int fill(struct spool *s, off_t end)
{
	int err = 0;

	if (end > s->node->st.st_size)
		end = s->node->st.st_size;
	if (s->end >= end)
		return 0;
	if (!s->cursor && !s->error)
		err = begin(s);
	while (!err && s->cursor && s->end < end)
		step(s);
	return err ? err : s->error;
}

ssize_t data_read(struct node *n, char *buf, size_t size, off_t off)
{
	struct spool *s = n->spool;
	ssize_t got;
	int err = 0;

	if (off >= n->st.st_size)
		return 0;
	if ((off_t)size > n->st.st_size - off)
		size = (size_t)(n->st.st_size - off);
	pthread_mutex_lock(&s->lock);
	err = fill(s, off + (off_t)size);
	if (!err && s->cursor)
		fill(s, off + (off_t)size + AHEAD);
	/* What came before the damage is good. */
	if (err && s->end > off) {
		size = (size_t)(s->end - off) < size ? (size_t)(s->end - off) : size;
		err = 0;
	}
	pthread_mutex_unlock(&s->lock);
	if (err)
		return err;
	got = pread(s->fd, buf, size, off);
	return got < 0 ? -errno : got;
}
