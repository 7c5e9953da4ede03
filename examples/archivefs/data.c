/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Contents of members.
 *
 * What lies in the archive as it is, in a plain tar or an ISO image, is read there.
 *
 * Anything else can be decoded forwards only, and a compressed archive not even be
 * entered in the middle. So the contents of a member go into a temporary file as
 * they are decoded, as far as somebody has read; reading anywhere before that point
 * costs what reading a file costs, and does not wait for who reads further on. The
 * temporary files have no names, and those of members that are not open are given
 * up, oldest first, when there are too many of them or of their bytes.
 */
#include "archivefs.h"

#include <archive.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define AHEAD	   (256 * 1024) /* decoded beyond what was asked for */
#define SAME_BYTES 4096		/* are looked at to find a member in the archive */

struct spool {
	struct spool *next; /* idle ones, the oldest first */
	struct node *node;
	unsigned int users; /* under idle_lock */
	bool idle;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	bool decoding; /* a thread does: the cursor and what is written are its own */
	bool complete; /* all is there, and it is right */
	off_t end;     /* so much is there */
	off_t base;    /* where it lies in the archive; -1: it does not */
	int fd;	       /* of the temporary file, or -1 */
	int error;     /* what reading on gives */
	struct cursor *cursor;
};

static uint64_t limit;
static unsigned int most_idle; /* each is a descriptor */

static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static struct spool *idle_spools, **idle_spools_end = &idle_spools;
static unsigned int idle_count;
static uint64_t idle_bytes;

void data_init(uint64_t cache_limit)
{
	struct rlimit files = {.rlim_cur = 1024, .rlim_max = 1024};

	limit = cache_limit;
	/* Every open file of our callers may need one as well. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	most_idle = files.rlim_cur < 512 ? (unsigned int)files.rlim_cur / 4 : 128;
}

/* ---- spools ---- */

static const char *temporary_directory(void)
{
	return getenv("TMPDIR") ?: "/tmp";
}

static int temporary_file(void)
{
	const char *dir = temporary_directory();
	char name[PATH_MAX];
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
	pthread_cond_destroy(&s->changed);
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
	s->base = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	return s;
}

static uint64_t spool_bytes(const struct spool *s)
{
	return s->fd >= 0 ? (uint64_t)s->end : 0;
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
	idle_bytes -= spool_bytes(s);
	idle_count--;
}

static void add_idle_locked(struct spool *s)
{
	s->idle = true;
	s->next = NULL;
	*idle_spools_end = s;
	idle_spools_end = &s->next;
	idle_bytes += spool_bytes(s);
	idle_count++;
}

int data_open(struct node *n)
{
	int err = 0;

	if (!source_unchanged())
		return -ESTALE;
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
		pthread_mutex_lock(&s->lock);
		cursor = s->cursor;
		s->cursor = NULL;
		/* The next one may try again whether there is room. */
		if (s->error != -EIO)
			s->error = 0;
		add_idle_locked(s);
		pthread_mutex_unlock(&s->lock);
		while (idle_spools && (idle_bytes > limit || idle_count > most_idle)) {
			struct spool *old = idle_spools;

			remove_idle_locked(old);
			old->node->spool = NULL;
			old->next = dropped;
			dropped = old;
		}
	}
	pthread_mutex_unlock(&idle_lock);
	if (cursor)
		cursor_give_back(cursor);
	while (dropped) {
		struct spool *next = dropped->next;

		free_spool(dropped);
		dropped = next;
	}
}

/* ---- decoding: by one thread at a time, without the lock ---- */

/* What a step has done. */
struct progress {
	off_t end;
	off_t base;
	int error;
	bool complete;
};

static struct progress failed(struct spool *s, int error)
{
	if (s->cursor)
		cursor_free(s->cursor);
	s->cursor = NULL;
	return (struct progress){.end = s->end, .base = -1, .error = error};
}

static struct progress completed(struct spool *s, off_t base)
{
	cursor_give_back(s->cursor);
	s->cursor = NULL;
	return (struct progress){.end = s->node->st.st_size, .base = base, .complete = true};
}

static bool is_zero(const char *p, size_t size)
{
	return size == 0 || (p[0] == 0 && !memcmp(p, p + 1, size - 1));
}

/* 0 or -errno. */
static int need_file(struct spool *s)
{
	int err;

	if (s->fd < 0)
		s->fd = temporary_file();
	if (s->fd >= 0)
		return 0;
	err = -errno;
	fuse_log(FUSE_LOG_ERR,
		 "archivefs: cannot make a temporary file in %s: %s; TMPDIR says where\n",
		 temporary_directory(), strerror(-err));
	return err;
}

/* Zeros become a hole. 0 or -errno. */
static int put(struct spool *s, const char *p, size_t size, off_t off)
{
	int err = need_file(s);

	if (err)
		return err;
	if (is_zero(p, size))
		return ftruncate(s->fd, off + (off_t)size) ? -errno : 0;
	while (size) {
		ssize_t n = pwrite(s->fd, p, size, off);

		if (n < 0)
			return -errno;
		p += n;
		off += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Where in the file of the archive the member begins whose first block this is;
 * -1 if it is not there. Such formats consume what they have returned with the
 * next call, so that the position is that of the block. */
static off_t find_stored(struct spool *s, const char *block, size_t size)
{
	off_t at = archive_filter_bytes(s->cursor->archive, -1);
	char same[SAME_BYTES];

	if (size > sizeof(same))
		size = sizeof(same);
	if (source_pread(same, size, at) != (ssize_t)size || memcmp(same, block, size))
		return -1;
	return at;
}

static struct progress cannot_decode(struct spool *s, const char *why)
{
	fuse_log(FUSE_LOG_ERR, "archivefs: %s: member %ld, byte %lld: %s\n", source_path(),
		 s->node->member, (long long)s->end, why ? why : "damaged");
	return failed(s, -EIO);
}

/* A block that the decoder gave. */
static struct progress take_block(struct spool *s, const char *block, size_t size, off_t off)
{
	struct progress p = {.end = s->end, .base = -1};
	int err;

	if (s->node->stored && s->end == 0 && off == 0) {
		p.base = find_stored(s, block, size);
		if (p.base >= 0)
			return completed(s, p.base);
	}
	if (off + (off_t)size > s->node->st.st_size)
		return cannot_decode(s, "more data than the archive says");
	/* If it was begun anew, the beginning is there already. */
	if (off + (off_t)size <= s->end)
		return p;
	err = put(s, block, size, off);
	if (err)
		return failed(s, err);
	p.end = off + (off_t)size;
	return p;
}

/* No more blocks come: the rest is a hole. */
static struct progress finish(struct spool *s)
{
	int err = need_file(s);

	if (!err && ftruncate(s->fd, s->node->st.st_size))
		err = -errno;
	return err ? failed(s, err) : completed(s, -1);
}

static struct progress step(struct spool *s)
{
	const void *block = NULL;
	int64_t off = 0;
	size_t size = 0;

	if (!s->cursor)
		s->cursor = cursor_at(s->node->member);
	if (!s->cursor)
		return failed(s, -EIO);
	switch (archive_read_data_block(s->cursor->archive, &block, &size, &off)) {
	case ARCHIVE_OK:
		return take_block(s, block, size, off);
	case ARCHIVE_EOF:
		return finish(s);
	case ARCHIVE_RETRY:
		return (struct progress){.end = s->end, .base = -1};
	}
	/* Also a warning: so it says that a checksum is wrong. */
	return cannot_decode(s, archive_error_string(s->cursor->archive));
}

/* ---- reading ---- */

/* Whether the first `end` bytes are there. With the last byte goes the checksum:
 * only when that was right, the member is. */
static bool is_there(const struct spool *s, off_t end)
{
	return s->complete || (s->end >= end && end < s->node->st.st_size);
}

static void step_unlocked(struct spool *s)
{
	struct progress p;

	s->decoding = true;
	pthread_mutex_unlock(&s->lock);
	p = step(s);
	pthread_mutex_lock(&s->lock);
	s->decoding = false;
	s->end = p.end;
	s->error = p.error;
	s->complete = p.complete;
	if (p.base >= 0)
		s->base = p.base;
	pthread_cond_broadcast(&s->changed);
}

/* Nobody can wait for a condition and for an interrupt at once. */
static void wait_a_little(struct spool *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 100 * 1000 * 1000;
	if (until.tv_nsec >= 1000 * 1000 * 1000) {
		until.tv_nsec -= 1000 * 1000 * 1000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

/* Until the first `end` bytes are there. 0 or -errno. */
static int fill_locked(struct spool *s, off_t end)
{
	while (!is_there(s, end)) {
		if (s->error)
			return s->error;
		if (fuse_interrupted())
			return -EINTR;
		if (s->decoding)
			wait_a_little(s);
		else
			step_unlocked(s);
	}
	return 0;
}

/* A little more, so that the next read finds it, and a small member is done with. */
static void fill_ahead_locked(struct spool *s, off_t end)
{
	if (end > s->node->st.st_size)
		end = s->node->st.st_size;
	/* The cursor is looked at only while it is nobody's. */
	while (!s->decoding && s->cursor && !s->error && !is_there(s, end))
		step_unlocked(s);
	if (!s->decoding && s->cursor && cursor_many()) {
		cursor_give_back(s->cursor);
		s->cursor = NULL;
	}
}

ssize_t data_read(struct node *n, char *buf, size_t size, off_t off)
{
	struct spool *s = n->spool;
	ssize_t got;
	int err;

	if (off >= n->st.st_size)
		return 0;
	if ((off_t)size > n->st.st_size - off)
		size = (size_t)(n->st.st_size - off);
	pthread_mutex_lock(&s->lock);
	err = fill_locked(s, off + (off_t)size);
	if (!err)
		fill_ahead_locked(s, off + (off_t)size + AHEAD);
	pthread_mutex_unlock(&s->lock);
	/* Never less than was asked for: that would be the end of the file. */
	if (err)
		return err;
	got = s->base >= 0 ? source_pread(buf, size, s->base + off) : pread(s->fd, buf, size, off);
	return got < 0 ? -errno : got;
}
