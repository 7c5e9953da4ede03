/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries by path, in a hash table that doubles. */
#include "archivefs.h"

#include <stdlib.h>
#include <string.h>

static struct entry **buckets;
static size_t bucket_count, entry_count;
static ino_t last_ino;

static size_t hash(const char *path, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)path[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 29);
}

static struct entry **place(const char *path, size_t len)
{
	return &buckets[hash(path, len) & (bucket_count - 1)];
}

static void grow(void)
{
	struct entry **old = buckets;
	size_t old_count = bucket_count;

	buckets = calloc(old_count * 2, sizeof(*buckets));
	if (!buckets) {
		buckets = old; /* slower, but right */
		return;
	}
	bucket_count *= 2;
	for (size_t i = 0; i < old_count; i++) {
		while (old[i]) {
			struct entry *e = old[i], **at = place(e->path, strlen(e->path));

			old[i] = e->chain;
			e->chain = *at;
			*at = e;
		}
	}
	free(old);
}

static struct entry *find(const char *path, size_t len)
{
	struct entry *e = *place(path, len);

	while (e && (strncmp(e->path, path, len) || e->path[len]))
		e = e->chain;
	return e;
}

struct entry *tree_find(const char *path)
{
	return find(path, strlen(path));
}

struct node *node_new(mode_t mode)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->member = -1;
	n->st.st_mode = mode;
	n->st.st_ino = ++last_ino;
	return n;
}

static struct entry *add(struct entry *parent, const char *path, size_t len)
{
	struct entry *e = calloc(1, sizeof(*e)), **at;

	if (e)
		e->path = strndup(path, len);
	if (!e || !e->path) {
		free(e);
		return NULL;
	}
	e->name = strrchr(e->path, '/') ? strrchr(e->path, '/') + 1 : e->path;
	e->parent = parent;
	if (parent && parent->last)
		parent->last->next = e;
	else if (parent)
		parent->first = e;
	if (parent)
		parent->last = e;
	if (++entry_count > bucket_count)
		grow();
	at = place(path, len);
	e->chain = *at;
	*at = e;
	return e;
}

/* Of a directory that the archive does not mention, or not yet: as old as the
 * archive, and whose that is. */
static struct node *made_up(void)
{
	const struct stat *archive = source_stat();
	struct node *n = node_new(S_IFDIR | 0755);

	if (!n)
		return NULL;
	n->st.st_nlink = 1;
	n->st.st_uid = archive->st_uid;
	n->st.st_gid = archive->st_gid;
	n->st.st_atim = archive->st_mtim;
	n->st.st_mtim = archive->st_mtim;
	n->st.st_ctim = archive->st_mtim;
	return n;
}

/* A directory that the archive does not mention, or not yet. */
static struct entry *directory(struct entry *parent, const char *path, size_t len)
{
	struct entry *e = find(path, len);

	if (!e)
		e = add(parent, path, len);
	if (e && !e->node)
		e->node = made_up();
	return e && e->node ? e : NULL;
}

struct entry *tree_make(const char *path)
{
	struct entry *parent = find("", 0), *e;
	const char *slash = path;

	while (parent && (slash = strchr(slash, '/'))) {
		parent = directory(parent, path, (size_t)(slash - path));
		/* A file with something below it: the archive says both. */
		if (parent && !S_ISDIR(parent->node->st.st_mode))
			return NULL;
		slash++;
	}
	if (!parent)
		return NULL;
	e = tree_find(path);
	return e ? e : add(parent, path, strlen(path));
}

int tree_init(void)
{
	bucket_count = 1024;
	buckets = calloc(bucket_count, sizeof(*buckets));
	if (!buckets)
		return -1;
	return directory(NULL, "", 0) ? 0 : -1;
}
