/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inodes and the table of node ids.
 *
 * A node id is an index into the table plus one. The kernel only uses ids that it holds a lookup
 * of, so an id leads to its inode by two loads, without a lock. When an inode goes, its id is
 * used again, with the next generation number: a file handle that somebody kept of the old one
 * (NFS, open_by_handle_at) then does not match the new one.
 */
#include "memfs.h"
#include "blocks.h"
#include "../common/giveback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SHIFT = 12, CHUNK_SLOTS = 1 << CHUNK_SHIFT, MAX_CHUNKS = 1 << 16 };

struct slot {
	_Atomic(struct inode *) inode;
	uint32_t generation;
	uint32_t next_free; /* index + 1 of the next free slot */
};

/* Chunks are never moved or freed while the session lives. */
static _Atomic(struct slot *) chunks[MAX_CHUNKS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t slots_used; /* slots that were ever handed out */
static uint32_t first_free; /* index + 1, or 0 */
static _Atomic uint64_t live;

static struct slot *slot_at(uint64_t index)
{
	struct slot *chunk;

	if (index >> CHUNK_SHIFT >= MAX_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&chunks[index >> CHUNK_SHIFT], memory_order_acquire);
	return chunk ? &chunk[index & (CHUNK_SLOTS - 1)] : NULL;
}

static struct slot *take_slot_locked(uint64_t *index)
{
	struct slot *slot;

	if (first_free) {
		*index = first_free - 1;
		slot = slot_at(*index);
		first_free = slot->next_free;
		return slot;
	}
	*index = slots_used;
	if (*index >> CHUNK_SHIFT >= MAX_CHUNKS)
		return NULL;
	if ((*index & (CHUNK_SLOTS - 1)) == 0) {
		struct slot *chunk = calloc(CHUNK_SLOTS, sizeof(*chunk));

		if (!chunk)
			return NULL;
		atomic_store_explicit(&chunks[*index >> CHUNK_SHIFT], chunk, memory_order_release);
	}
	slots_used++;
	return slot_at(*index);
}

static int table_insert(struct inode *inode)
{
	struct slot *slot;
	uint64_t index;

	pthread_mutex_lock(&table_lock);
	slot = take_slot_locked(&index);
	if (slot) {
		inode->id = index + FUSE_ROOT_ID;
		inode->generation = ++slot->generation;
		atomic_store_explicit(&slot->inode, inode, memory_order_release);
	}
	pthread_mutex_unlock(&table_lock);
	return slot ? 0 : -ENOMEM;
}

static void table_remove(struct inode *inode)
{
	const uint64_t index = inode->id - FUSE_ROOT_ID;
	struct slot *slot = slot_at(index);

	pthread_mutex_lock(&table_lock);
	atomic_store_explicit(&slot->inode, NULL, memory_order_relaxed);
	slot->next_free = first_free;
	first_free = index + 1;
	pthread_mutex_unlock(&table_lock);
}

struct inode *inode_of(fuse_ino_t id)
{
	return atomic_load_explicit(&slot_at(id - FUSE_ROOT_ID)->inode, memory_order_acquire);
}

struct inode *inode_get_by_id(fuse_ino_t id)
{
	struct slot *slot = slot_at(id - FUSE_ROOT_ID);
	struct inode *inode;

	if (!slot)
		return NULL;
	/* Under the lock an inode whose count is falling to 0 is still there to be looked at. */
	pthread_mutex_lock(&table_lock);
	inode = atomic_load_explicit(&slot->inode, memory_order_relaxed);
	if (inode) {
		uint64_t refs = atomic_load(&inode->refs);

		while (refs > 0 && !atomic_compare_exchange_weak(&inode->refs, &refs, refs + 1))
			;
		if (refs == 0)
			inode = NULL;
	}
	pthread_mutex_unlock(&table_lock);
	return inode;
}

static int init_lock(struct inode *inode)
{
	pthread_rwlockattr_t attr;
	int ret;

	/* A stream of readers must not keep a writer out for ever. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	ret = pthread_rwlock_init(&inode->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return ret;
}

struct inode *inode_new(mode_t mode, struct owner owner, dev_t rdev)
{
	struct inode *inode;

	if (atomic_fetch_add(&live, 1) >= fs.max_inodes) {
		atomic_fetch_sub(&live, 1);
		errno = ENOSPC;
		return NULL;
	}
	inode = calloc(1, sizeof(*inode));
	if (!inode || init_lock(inode) != 0)
		goto fail;
	inode->refs = 1;
	inode->type = mode & S_IFMT;
	inode->perm = mode & 07777;
	inode->rdev = rdev;
	inode->uid = owner.uid;
	inode->gid = owner.gid;
	inode->btime = time_now();
	inode->atime = inode->mtime = inode->ctime = inode->btime;
	if (table_insert(inode) == 0)
		return inode;
	pthread_rwlock_destroy(&inode->lock);
fail:
	free(inode);
	atomic_fetch_sub(&live, 1);
	errno = ENOMEM;
	return NULL;
}

static void inode_free(struct inode *inode)
{
	table_remove(inode);
	if (S_ISREG(inode->type))
		data_free(inode);
	else if (S_ISDIR(inode->type))
		dir_free(&inode->dir);
	else if (S_ISLNK(inode->type))
		free(inode->target);
	xattr_free_all(inode);
	locktable_free(inode->locks);
	pthread_rwlock_destroy(&inode->lock);
	free(inode);
	object_freed(atomic_fetch_sub(&live, 1) - 1);
}

void inode_ref(struct inode *inode, uint64_t count)
{
	atomic_fetch_add_explicit(&inode->refs, count, memory_order_relaxed);
}

void inode_unref(struct inode *inode, uint64_t count)
{
	if (atomic_fetch_sub_explicit(&inode->refs, count, memory_order_acq_rel) == count)
		inode_free(inode);
}

void inode_free_all(void)
{
	for (uint64_t index = 0; index < slots_used; index++) {
		struct inode *inode = slot_at(index)->inode;

		if (inode)
			inode_free(inode);
	}
	for (uint64_t i = 0; i < MAX_CHUNKS && chunks[i]; i++) {
		free(chunks[i]);
		chunks[i] = NULL;
	}
	slots_used = 0;
	first_free = 0;
}

uint64_t inode_count(void)
{
	return atomic_load(&live);
}

void inode_add_link_locked(struct inode *inode)
{
	if (inode->nlink++ == 0)
		inode_ref(inode, 1);
}

bool inode_drop_link_locked(struct inode *inode)
{
	return --inode->nlink == 0;
}

void inode_lock_read(struct inode *inode)
{
	pthread_rwlock_rdlock(&inode->lock);
}

void inode_lock_write(struct inode *inode)
{
	pthread_rwlock_wrlock(&inode->lock);
}

void inode_unlock(struct inode *inode)
{
	pthread_rwlock_unlock(&inode->lock);
}

void inode_lock_pair(struct inode *a, struct inode *b)
{
	if ((uintptr_t)a > (uintptr_t)b) {
		struct inode *t = a;

		a = b;
		b = t;
	}
	inode_lock_write(a);
	if (a != b)
		inode_lock_write(b);
}

void inode_unlock_pair(struct inode *a, struct inode *b)
{
	inode_unlock(a);
	if (a != b)
		inode_unlock(b);
}

void inode_stat_locked(const struct inode *inode, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = inode->id;
	st->st_mode = inode->type | inode->perm;
	st->st_nlink = inode->nlink;
	st->st_uid = inode->uid;
	st->st_gid = inode->gid;
	st->st_rdev = inode->rdev;
	st->st_size = inode->size;
	st->st_blksize = BLOCK_SIZE;
	st->st_atim = inode->atime;
	st->st_mtim = inode->mtime;
	st->st_ctim = inode->ctime;
	if (S_ISREG(inode->type))
		st->st_blocks = inode->data.blocks * (BLOCK_SIZE / 512);
	else if (S_ISDIR(inode->type))
		st->st_size = BLOCK_SIZE;
}

void inode_stat(struct inode *inode, struct stat *st)
{
	inode_lock_read(inode);
	inode_stat_locked(inode, st);
	inode_unlock(inode);
}

struct timespec time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

void inode_changed_locked(struct inode *inode)
{
	inode->ctime = time_now();
}

void inode_modified_locked(struct inode *inode)
{
	inode->mtime = inode->ctime = time_now();
}

static bool not_after(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec);
}

static bool access_is_due(const struct inode *inode, struct timespec now)
{
	return not_after(inode->atime, inode->mtime) || not_after(inode->atime, inode->ctime) ||
	       now.tv_sec - inode->atime.tv_sec >= 24 * 60 * 60;
}

void inode_accessed(struct inode *inode)
{
	const struct timespec now = time_now();
	bool due;

	inode_lock_read(inode);
	due = access_is_due(inode, now);
	inode_unlock(inode);
	if (!due)
		return;
	/* Between the locks others may have done the same; the later time is as good. */
	inode_lock_write(inode);
	inode->atime = now;
	inode_unlock(inode);
}
