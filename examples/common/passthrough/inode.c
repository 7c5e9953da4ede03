/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of inodes that the kernel knows, in shards so that lookups seldom meet. */
#include "passthrough.h"
#include "../giveback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { SHARDS = 32, MIN_BUCKETS = 16 };

struct shard {
	pthread_mutex_t lock;
	struct inode **buckets;
	size_t nbuckets, count;
} __attribute__((aligned(64)));

static struct shard shards[SHARDS] = {
	[0 ... SHARDS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER},
};

static _Atomic uint64_t next_generation = 1;
static _Atomic uint64_t live;

struct inode *inode_of(fuse_ino_t id)
{
	return id == FUSE_ROOT_ID ? &fs.root : (struct inode *)(uintptr_t)id;
}

fuse_ino_t inode_id(const struct inode *inode)
{
	return inode == &fs.root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)inode;
}

static uint64_t hash(const struct identity *id)
{
	uint64_t h = id->ino * 0x9e3779b97f4a7c15ULL;

	h ^= (id->dev << 32 | id->mount) * 0xc2b2ae3d27d4eb4fULL;
	return h ^ h >> 29;
}

static bool same(const struct identity *a, const struct identity *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->mount == b->mount &&
	       a->birth_sec == b->birth_sec && a->birth_nsec == b->birth_nsec;
}

static struct shard *shard_of(const struct identity *id)
{
	return &shards[hash(id) % SHARDS];
}

static struct inode **bucket_of(struct shard *shard, const struct identity *id)
{
	return &shard->buckets[hash(id) / SHARDS & (shard->nbuckets - 1)];
}

/* More room is a favour, not a need: without memory the chains get longer. */
static int resize_locked(struct shard *shard, size_t want)
{
	struct inode **old = shard->buckets;
	struct inode **buckets = calloc(want, sizeof(*buckets));
	const size_t nold = shard->nbuckets;

	if (!buckets)
		return old ? 0 : -ENOMEM;
	shard->buckets = buckets;
	shard->nbuckets = want;
	for (size_t i = 0; i < nold; i++) {
		while (old[i]) {
			struct inode *inode = old[i];
			struct inode **bucket = bucket_of(shard, &inode->id);

			old[i] = inode->chain;
			inode->chain = *bucket;
			*bucket = inode;
		}
	}
	free(old);
	return 0;
}

static struct inode *find_locked(struct shard *shard, const struct identity *id)
{
	struct inode *inode;

	if (shard->count == 0)
		return NULL;
	inode = *bucket_of(shard, id);
	while (inode && !same(&inode->id, id))
		inode = inode->chain;
	return inode;
}

static struct inode *insert_locked(struct shard *shard, const struct identity *id, mode_t type,
				   int fd)
{
	struct inode *inode;
	struct inode **bucket;

	if (shard->count >= shard->nbuckets &&
	    resize_locked(shard, shard->nbuckets ? shard->nbuckets * 2 : MIN_BUCKETS) < 0)
		return NULL;
	inode = calloc(1, sizeof(*inode));
	if (!inode)
		return NULL;
	atomic_fetch_add(&live, 1);
	inode->id = *id;
	inode->type = type;
	inode->fd = fd;
	inode->generation = atomic_fetch_add(&next_generation, 1);
	pthread_mutex_init(&inode->lock, NULL);
	bucket = bucket_of(shard, id);
	inode->chain = *bucket;
	*bucket = inode;
	shard->count++;
	return inode;
}

struct inode *inode_find(const struct identity *id)
{
	struct shard *shard = shard_of(id);
	struct inode *inode;

	pthread_mutex_lock(&shard->lock);
	inode = find_locked(shard, id);
	if (inode)
		inode->refs++;
	pthread_mutex_unlock(&shard->lock);
	return inode;
}

struct inode *inode_get(int fd, const struct stat *st, const struct identity *id,
			struct inode *parent, const char *name)
{
	struct shard *shard = shard_of(id);
	struct inode *inode;
	bool known;

	if (same(id, &fs.root.id)) {
		close(fd);
		return &fs.root;
	}
	pthread_mutex_lock(&shard->lock);
	inode = find_locked(shard, id);
	known = inode != NULL;
	if (!known)
		inode = insert_locked(shard, id, st->st_mode & S_IFMT, fd);
	if (inode)
		inode->refs++;
	pthread_mutex_unlock(&shard->lock);
	if (inode && !known) {
		fdcache_add(inode, parent, name);
		return inode;
	}
	close(fd);
	if (!inode)
		errno = ENOMEM;
	return inode;
}

void inode_ref(struct inode *inode)
{
	struct shard *shard = shard_of(&inode->id);

	if (inode == &fs.root)
		return;
	pthread_mutex_lock(&shard->lock);
	inode->refs++;
	pthread_mutex_unlock(&shard->lock);
}

static void inode_free(struct inode *inode)
{
	fdcache_remove(inode);
	pthread_mutex_destroy(&inode->lock);
	free(inode);
	object_freed(atomic_fetch_sub(&live, 1) - 1);
}

void inode_unref(struct inode *inode, uint64_t count)
{
	struct shard *shard = shard_of(&inode->id);
	struct inode **link;

	/* The root is never forgotten, whatever is said. */
	if (inode == &fs.root)
		return;
	pthread_mutex_lock(&shard->lock);
	inode->refs -= count;
	if (inode->refs > 0) {
		pthread_mutex_unlock(&shard->lock);
		return;
	}
	link = bucket_of(shard, &inode->id);
	while (*link != inode)
		link = &(*link)->chain;
	*link = inode->chain;
	shard->count--;
	if (shard->nbuckets > MIN_BUCKETS && shard->count < shard->nbuckets / 4)
		resize_locked(shard, shard->nbuckets / 2);
	pthread_mutex_unlock(&shard->lock);
	inode_free(inode);
}

static void collect_all(struct inode **list)
{
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &shards[i];

		for (size_t b = 0; b < shard->nbuckets; b++) {
			struct inode *inode = shard->buckets[b];

			while (inode) {
				struct inode *next = inode->chain;

				inode->chain = *list;
				*list = inode;
				inode = next;
			}
		}
		free(shard->buckets);
		*shard = (struct shard){.lock = PTHREAD_MUTEX_INITIALIZER};
	}
}

void inode_free_all(void)
{
	struct inode *list = NULL;

	collect_all(&list);
	/* The references that children hold of their parents go first: inode_unref() must not free.
	 */
	for (struct inode *inode = list; inode; inode = inode->chain)
		fdcache_remove(inode);
	while (list) {
		struct inode *inode = list;

		list = inode->chain;
		pthread_mutex_destroy(&inode->lock);
		free(inode);
	}
}

/* --- inode numbers --- */

/*
 * Users see one device number for the whole mount, so two files on different filesystems below
 * the source must not have the same inode number: those of the second, third ... get a
 * mark in the upper bits.
 */
enum { MAX_DEVICES = 65536, MARK_SHIFT = 48 };

static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *devices;
static size_t ndevices;

ino_t inode_shown_number(uint64_t dev, uint64_t ino)
{
	size_t i;

	if (dev == fs.root.id.dev)
		return ino;
	pthread_mutex_lock(&devices_lock);
	for (i = 0; i < ndevices && devices[i] != dev; i++)
		;
	if (i == ndevices && i < MAX_DEVICES - 1) {
		uint64_t *more = realloc(devices, (ndevices + 1) * sizeof(*devices));

		if (more) {
			devices = more;
			devices[ndevices++] = dev;
		}
	}
	pthread_mutex_unlock(&devices_lock);
	return ino ^ (uint64_t)(i + 1) << MARK_SHIFT;
}

static struct timespec time_of(struct statx_timestamp ts)
{
	return (struct timespec){.tv_sec = ts.tv_sec, .tv_nsec = ts.tv_nsec};
}

int inode_examine(int fd, struct stat *st, struct identity *id)
{
	return inode_examine_at(fd, "", st, id);
}

int inode_examine_at(int dirfd, const char *name, struct stat *st, struct identity *id)
{
	struct statx stx;

	if (statx(dirfd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &stx) < 0)
		return -1;
	*id = (struct identity){
		.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
		.ino = stx.stx_ino,
		.mount = stx.stx_mask & STATX_MNT_ID ? stx.stx_mnt_id : 0,
	};
	if (stx.stx_mask & STATX_BTIME) {
		id->birth_sec = stx.stx_btime.tv_sec;
		id->birth_nsec = stx.stx_btime.tv_nsec;
	}
	*st = (struct stat){
		.st_ino = inode_shown_number(id->dev, id->ino),
		.st_mode = stx.stx_mode,
		.st_nlink = stx.stx_nlink,
		.st_uid = stx.stx_uid,
		.st_gid = stx.stx_gid,
		.st_rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor),
		.st_size = stx.stx_size,
		.st_blksize = stx.stx_blksize,
		.st_blocks = stx.stx_blocks,
		.st_atim = time_of(stx.stx_atime),
		.st_mtim = time_of(stx.stx_mtime),
		.st_ctim = time_of(stx.stx_ctime),
	};
	return 0;
}
