/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor for each inode, while there are enough; the kernel may know a million inodes, and a
 * process often has a thousand descriptors.
 *
 * Each inode starts with the descriptor (O_PATH) that found it. When there are too many, those that
 * were not used lately are closed, and opened again when they are needed. The
 * way back is, in this order:
 *
 *   - the file handle (name_to_handle_at), which names the inode for good. Opening by handle takes
 *     CAP_DAC_READ_SEARCH and a filesystem that can do it;
 *   - the parent's descriptor and the name under which it was seen last. That can fail: when
 *     somebody else renames or replaces the file below the source. It is then ESTALE.
 *
 * Either way the file found must be the same one. A file that loses its name in our hands
 * keeps its descriptor until it is forgotten.
 *
 * An inode's `users` counts who uses the descriptor; 0 means that it may be closed, which is
 * said by setting it to -1. So using a descriptor that is open takes no lock.
 */
#include "passthrough.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/openat2.h>

struct place {
	/* One of these. */
	struct file_handle *handle;
	struct inode *parent; /* we hold a reference */
	char *name;
};

struct anchor {
	struct anchor *next;
	uint64_t mount;
	int fd;
	unsigned users;
};

enum { CLOSED = -1, EVICT_AT_ONCE = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Inodes with a descriptor, in a ring; the hand goes round and closes what it finds unused twice.
 */
static struct inode *hand;
static size_t nopen;
static size_t budget;
static _Atomic bool tight;
static bool by_handle;

bool fdcache_uses_names(void)
{
	return !by_handle;
}

bool fdcache_is_tight(void)
{
	return atomic_load_explicit(&tight, memory_order_relaxed);
}

void proc_path(char path[PROC_PATH_SIZE], int fd)
{
	snprintf(path, PROC_PATH_SIZE, "/proc/self/fd/%d", fd);
}

int reopen(int path_fd, int flags)
{
	char path[PROC_PATH_SIZE];

	proc_path(path, path_fd);
	return open_with_room(AT_FDCWD, path, (flags & ~O_NOFOLLOW) | O_CLOEXEC, 0);
}

/* --- anchors: handles are opened by way of a readable descriptor on the same mount --- */

static struct anchor *anchors;

static struct anchor *anchor_get_locked(const struct inode *inode)
{
	struct anchor *anchor = anchors;

	while (anchor && anchor->mount != inode->id.mount)
		anchor = anchor->next;
	if (!anchor) {
		/* Of a file that is a mount of its own none can be had: its descriptor stays open.
		 */
		if (!S_ISDIR(inode->type))
			return NULL;
		anchor = calloc(1, sizeof(*anchor));
		if (!anchor)
			return NULL;
		anchor->fd = openat(inode->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (anchor->fd < 0) {
			free(anchor);
			return NULL;
		}
		anchor->mount = inode->id.mount;
		anchor->next = anchors;
		anchors = anchor;
	}
	anchor->users++;
	return anchor;
}

static void anchor_put_locked(struct anchor *anchor)
{
	struct anchor **link = &anchors;

	if (!anchor || --anchor->users > 0)
		return;
	while (*link != anchor)
		link = &(*link)->next;
	*link = anchor->next;
	close(anchor->fd);
	free(anchor);
}

/* --- places --- */

static struct file_handle *handle_of(int fd)
{
	char buf[sizeof(struct file_handle) + MAX_HANDLE_SZ] __attribute__((aligned(8)));
	struct file_handle *handle = (struct file_handle *)buf;
	struct file_handle *copy;
	int mount_id;

	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, "", handle, &mount_id, AT_EMPTY_PATH) < 0)
		return NULL;
	copy = malloc(sizeof(*copy) + handle->handle_bytes);
	if (copy)
		memcpy(copy, handle, sizeof(*copy) + handle->handle_bytes);
	return copy;
}

static struct place *place_by_name(struct inode *parent, const char *name)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	place->name = strdup(name);
	if (!place->name) {
		free(place);
		return NULL;
	}
	inode_ref(parent);
	place->parent = parent;
	return place;
}

/* Not under the lock: it may be the end of the parent. */
static void place_free(struct place *place)
{
	if (!place)
		return;
	if (place->parent)
		inode_unref(place->parent, 1);
	free(place->handle);
	free(place->name);
	free(place);
}

/* Can the inode be found again once its descriptor is closed? */
static bool can_return_locked(struct inode *inode)
{
	struct place *place;

	if (inode->place)
		return true;
	if (!by_handle || !inode->anchor)
		return false;
	place = calloc(1, sizeof(*place));
	if (!place)
		return false;
	place->handle = handle_of(inode->fd);
	if (!place->handle) {
		free(place);
		return false;
	}
	inode->place = place;
	return true;
}

/* --- closing --- */

static void ring_add_locked(struct inode *inode)
{
	if (hand) {
		inode->ring_next = hand;
		inode->ring_prev = hand->ring_prev;
		hand->ring_prev->ring_next = inode;
		hand->ring_prev = inode;
	} else {
		inode->ring_next = inode->ring_prev = inode;
		hand = inode;
	}
	nopen++;
}

static void ring_remove_locked(struct inode *inode)
{
	if (inode->ring_next == inode) {
		hand = NULL;
	} else {
		inode->ring_prev->ring_next = inode->ring_next;
		inode->ring_next->ring_prev = inode->ring_prev;
		if (hand == inode)
			hand = inode->ring_next;
	}
	inode->ring_next = inode->ring_prev = NULL;
	nopen--;
}

static bool close_if_unused_locked(struct inode *inode)
{
	int unused = 0;

	if (inode->keep_open || atomic_exchange(&inode->used_lately, false))
		return false;
	if (!can_return_locked(inode)) {
		inode->keep_open = true;
		return false;
	}
	if (!atomic_compare_exchange_strong(&inode->users, &unused, CLOSED))
		return false;
	ring_remove_locked(inode);
	close(inode->fd);
	inode->fd = -1;
	return true;
}

/* Close some. Goes round at most twice: the first time may only take the marks away. */
static size_t evict_locked(size_t want)
{
	size_t steps = 2 * nopen, closed = 0;

	atomic_store(&tight, true);
	while (hand && steps-- > 0 && closed < want) {
		struct inode *inode = hand;

		hand = inode->ring_next;
		if (close_if_unused_locked(inode))
			closed++;
	}
	return closed;
}

static bool make_room(void)
{
	bool done;

	pthread_mutex_lock(&lock);
	done = evict_locked(EVICT_AT_ONCE) > 0;
	pthread_mutex_unlock(&lock);
	return done;
}

int open_with_room(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	do {
		fd = openat(dirfd, path, flags, mode);
	} while (fd < 0 && errno == EMFILE && make_room());
	return fd;
}

static int open_on_same_mount(int dirfd, const char *name)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_BENEATH,
	};
	int fd;

	do {
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	} while (fd < 0 && errno == EMFILE && make_room());
	return fd;
}

/* Asks the kernel, which knows, and not the filesystem, which may be ourselves. */
static bool is_our_own_mount(int fd)
{
	struct statx stx;

	return fs.own_dev != 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx) == 0 &&
	       makedev(stx.stx_dev_major, stx.stx_dev_minor) == fs.own_dev;
}

int open_place(int dirfd, const char *name)
{
	int fd = open_on_same_mount(dirfd, name);

	if (fd >= 0 || (errno != EXDEV && errno != ENOSYS))
		return fd;
	fd = open_with_room(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd >= 0 && is_our_own_mount(fd)) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	return fd;
}

/* --- opening again --- */

static int open_by_handle(struct inode *inode)
{
	const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	int fd;

	/* Neither the handle nor the anchor changes while the inode lives. */
	do {
		fd = open_by_handle_at(inode->anchor->fd, inode->place->handle, flags);
	} while (fd < 0 && errno == EMFILE && make_room());
	return fd;
}

static int open_by_name(struct inode *inode)
{
	struct inode *parent;
	char name[NAME_MAX + 1];
	int dirfd, fd;

	pthread_mutex_lock(&lock);
	parent = inode->place->parent;
	inode_ref(parent);
	snprintf(name, sizeof(name), "%s", inode->place->name);
	pthread_mutex_unlock(&lock);

	dirfd = fdcache_get(parent);
	fd = dirfd < 0 ? -1 : open_place(dirfd, name);
	if (dirfd >= 0)
		fdcache_put(parent);
	inode_unref(parent, 1);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		errno = ESTALE;
	return fd;
}

/* The same file as ever, or -1 with ESTALE. */
static int open_again(struct inode *inode)
{
	int fd = by_handle ? open_by_handle(inode) : open_by_name(inode);
	struct identity id;
	struct stat st;

	if (fd < 0)
		return -1;
	if (inode_examine(fd, &st, &id) == 0 && memcmp(&id, &inode->id, sizeof(id)) == 0)
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

static int get_closed(struct inode *inode)
{
	int fd = open_again(inode);

	if (fd < 0)
		return -1;
	pthread_mutex_lock(&lock);
	if (atomic_load(&inode->users) == CLOSED) {
		inode->fd = fd;
		fd = -1;
		ring_add_locked(inode);
		atomic_store(&inode->users, 1);
		if (nopen > budget)
			evict_locked(EVICT_AT_ONCE);
	} else {
		/* Another one was faster. Only under the lock is it closed again. */
		atomic_fetch_add(&inode->users, 1);
	}
	pthread_mutex_unlock(&lock);
	if (fd >= 0)
		close(fd);
	return inode->fd;
}

int fdcache_get(struct inode *inode)
{
	int users = atomic_load(&inode->users);

	while (users >= 0) {
		if (!atomic_compare_exchange_weak(&inode->users, &users, users + 1))
			continue;
		if (!atomic_load_explicit(&inode->used_lately, memory_order_relaxed))
			atomic_store_explicit(&inode->used_lately, true, memory_order_relaxed);
		return inode->fd;
	}
	return get_closed(inode);
}

void fdcache_put(struct inode *inode)
{
	atomic_fetch_sub(&inode->users, 1);
}

/* --- coming and going --- */

void fdcache_add(struct inode *inode, struct inode *parent, const char *name)
{
	struct place *place = by_handle ? NULL : place_by_name(parent, name);

	pthread_mutex_lock(&lock);
	inode->place = place;
	if (by_handle)
		inode->anchor = anchor_get_locked(inode);
	ring_add_locked(inode);
	if (nopen > budget)
		evict_locked(EVICT_AT_ONCE);
	pthread_mutex_unlock(&lock);
}

void fdcache_remove(struct inode *inode)
{
	pthread_mutex_lock(&lock);
	if (inode->ring_next)
		ring_remove_locked(inode);
	anchor_put_locked(inode->anchor);
	pthread_mutex_unlock(&lock);
	if (inode->fd >= 0)
		close(inode->fd);
	inode->fd = -1;
	place_free(inode->place);
	inode->place = NULL;
}

void fdcache_keep(struct inode *inode)
{
	if (fdcache_get(inode) < 0)
		return;
	pthread_mutex_lock(&lock);
	inode->keep_open = true;
	pthread_mutex_unlock(&lock);
	fdcache_put(inode);
}

void fdcache_moved(struct inode *inode, struct inode *parent, const char *name)
{
	struct place *place, *old = NULL;

	if (by_handle || inode == &fs.root)
		return;
	place = place_by_name(parent, name);
	if (!place)
		return;
	pthread_mutex_lock(&lock);
	old = inode->place;
	inode->place = place;
	pthread_mutex_unlock(&lock);
	place_free(old);
}

/* --- start --- */

static void raise_limit(void)
{
	struct rlimit limit = {0};

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		const struct rlimit more = {limit.rlim_max, limit.rlim_max};

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			limit = more;
	}
	/* A quarter is for open files; if these need more, they get more: see open_with_room(). */
	budget = limit.rlim_cur - limit.rlim_cur / 4;
}

/* For the source's own mount there is one from the start: below it there may be files only. */
static bool keep_anchor(int root_fd)
{
	struct anchor *anchor = calloc(1, sizeof(*anchor));

	if (!anchor)
		return false;
	*anchor = (struct anchor){.mount = fs.root.id.mount, .users = 1};
	anchor->fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	if (anchor->fd < 0) {
		free(anchor);
		return false;
	}
	anchors = anchor;
	return true;
}

void fdcache_init(int root_fd)
{
	struct file_handle *handle;
	int fd = -1;

	raise_limit();
	handle = handle_of(root_fd);
	if (handle)
		fd = open_by_handle_at(root_fd, handle, O_PATH | O_CLOEXEC);
	by_handle = fd >= 0 && keep_anchor(root_fd);
	if (fd >= 0)
		close(fd);
	free(handle);
}

void fdcache_fini(void)
{
	pthread_mutex_lock(&lock);
	/* The others went with the inodes that used them. */
	anchor_put_locked(anchors);
	pthread_mutex_unlock(&lock);
}
