/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading directories. Positions are those of the filesystem below, whatever they mean there. */
#include "ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 32768 };

/* An open directory, and entries that were read ahead. */
struct open_dir {
	pthread_mutex_t lock; /* two threads may share one open directory */
	int fd;
	off_t position; /* of the entry at `at`; the descriptor itself stands behind the last one */
	size_t at, filled;
	char buf[CHUNK] __attribute__((aligned(8)));
};

static struct open_dir *dir_of(const struct fuse_file_info *fi)
{
	return (struct open_dir *)(uintptr_t)fi->fh;
}

void pt_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	struct open_dir *dir = malloc(sizeof(*dir));
	int path_fd, err;

	if (!dir) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	path_fd = fdcache_get(inode);
	dir->fd = path_fd < 0 ? -1
			      : open_with_room(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	err = errno;
	if (path_fd >= 0)
		fdcache_put(inode);
	if (dir->fd < 0) {
		free(dir);
		fuse_reply_err(req, err);
		return;
	}
	pthread_mutex_init(&dir->lock, NULL);
	dir->position = 0;
	dir->at = dir->filled = 0;
	fi->fh = (uintptr_t)dir;
	fi->cache_readdir = fi->keep_cache = fs.cache == CACHE_ALWAYS;
	if (fuse_reply_open(req, fi) != 0) {
		close(dir->fd);
		free(dir);
	}
}

void pt_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct open_dir *dir = dir_of(fi);

	close(dir->fd);
	pthread_mutex_destroy(&dir->lock);
	free(dir);
	fuse_reply_err(req, 0);
}

void pt_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	const int fd = dir_of(fi)->fd;
	const int ret = datasync ? fdatasync(fd) : fsync(fd);

	fuse_reply_err(req, ret < 0 ? errno : 0);
}

/* Make `at` the entry behind this position. 0 or an errno. */
static int go_to_locked(struct open_dir *dir, off_t position)
{
	if (dir->position == position)
		return 0;
	if (lseek(dir->fd, position, SEEK_SET) < 0)
		return errno;
	dir->position = position;
	dir->at = dir->filled = 0;
	return 0;
}

/* The next entry, which stays the next one until it is taken; NULL at the end or with *err set. */
static struct dirent64 *peek_locked(struct open_dir *dir, int *err)
{
	if (dir->at == dir->filled) {
		ssize_t n = getdents64(dir->fd, dir->buf, sizeof(dir->buf));

		if (n <= 0) {
			*err = n < 0 ? errno : 0;
			return NULL;
		}
		dir->at = 0;
		dir->filled = n;
	}
	return (struct dirent64 *)(dir->buf + dir->at);
}

static void take_locked(struct open_dir *dir, const struct dirent64 *entry)
{
	dir->at += entry->d_reclen;
	dir->position = entry->d_off;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

struct listing {
	fuse_req_t req;
	struct inode *inode;
	int path_fd; /* for lookups; -1 for a plain listing */
	char *buf;
	size_t size, used;
	/* Every entry of a "plus" answer counts as a lookup: those that we counted. */
	fuse_ino_t *counted;
	size_t ncounted;
};

/* The least that an entry of such an answer takes, for the size of `counted`. */
enum { MIN_PLUS_ENTRY = 128 };

static bool find(struct listing *l, const struct dirent64 *d, struct fuse_entry_param *entry)
{
	if (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN &&
	    names_find_known(l->inode, l->path_fd, d->d_name, entry))
		return true;
	return names_find(l->inode, l->path_fd, d->d_name, entry) == 0;
}

/* False if it does not fit. */
static bool add_locked(struct listing *l, const struct dirent64 *d)
{
	char *at = l->buf + l->used;
	const size_t room = l->size - l->used;
	struct fuse_entry_param entry = {
		.attr =
			{
				.st_ino = inode_shown_number(l->inode->id.dev, d->d_ino),
				.st_mode = DTTOIF(d->d_type),
			},
	};
	size_t need;

	if (l->path_fd < 0) {
		need = fuse_add_direntry(l->req, at, room, d->d_name, &entry.attr, d->d_off);
		l->used += need <= room ? need : 0;
		return need <= room;
	}
	need = fuse_add_direntry_plus(l->req, NULL, 0, d->d_name, &entry, d->d_off);
	if (need > room)
		return false;
	if (!is_dot(d->d_name)) {
		struct fuse_entry_param found;

		/* What cannot be looked up is listed by name only. */
		if (find(l, d, &found)) {
			l->counted[l->ncounted++] = found.ino;
			entry = found;
		}
	}
	l->used += fuse_add_direntry_plus(l->req, at, room, d->d_name, &entry, d->d_off);
	return true;
}

static int fill_locked(struct listing *l, struct open_dir *dir, off_t position)
{
	struct dirent64 *entry;
	int err = go_to_locked(dir, position);

	while (!err && (entry = peek_locked(dir, &err)) != NULL) {
		if (!add_locked(l, entry))
			break;
		take_locked(dir, entry);
	}
	/* What fitted before something went wrong is not lost; the error comes again. */
	return l->used > 0 ? 0 : err;
}

static void list(struct listing *l, struct open_dir *dir, off_t position)
{
	int err;

	pthread_mutex_lock(&dir->lock);
	err = fill_locked(l, dir, position);
	pthread_mutex_unlock(&dir->lock);
	if (err) {
		fuse_reply_err(l->req, err);
	} else if (fuse_reply_buf(l->req, l->buf, l->used) != 0) {
		/* It did not arrive, so the kernel does not know of these lookups. */
		while (l->ncounted > 0)
			inode_unref(inode_of(l->counted[--l->ncounted]), 1);
	}
}

void pt_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct listing l = {
		.req = req,
		.inode = inode_of(ino),
		.path_fd = -1,
		.buf = malloc(size),
		.size = size,
	};

	if (l.buf)
		list(&l, dir_of(fi), off);
	else
		fuse_reply_err(req, ENOMEM);
	free(l.buf);
}

void pt_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct listing l = {
		.req = req,
		.inode = inode_of(ino),
		.path_fd = dir_of(fi)->fd,
		.buf = malloc(size),
		.size = size,
		.counted = malloc((size / MIN_PLUS_ENTRY + 1) * sizeof(fuse_ino_t)),
	};

	if (l.buf && l.counted)
		list(&l, dir_of(fi), off);
	else
		fuse_reply_err(req, ENOMEM);
	free(l.counted);
	free(l.buf);
}
