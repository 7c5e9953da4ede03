/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories that were removed while somebody stands in them. The filesystem
 * has nothing to say about them any more, but stat(2) works on them, and so
 * must the check whether one may leave them. Their last attributes are kept,
 * for a limited number of them, until the kernel forgets the node.
 */
#include "highlevel/hl.h"

#include <stdlib.h>

#define GHOSTS 256

struct ghost {
	fuse_ino_t ino; /* 0: free */
	uint64_t generation;
	struct stat st;
};

struct hl_ghosts {
	pthread_mutex_t lock;
	unsigned int next; /* the oldest */
	struct ghost ghost[GHOSTS];
};

int hl_ghosts_new(struct hl_ghosts **out)
{
	struct hl_ghosts *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	pthread_mutex_init(&g->lock, NULL);
	*out = g;
	return 0;
}

void hl_ghosts_free(struct hl_ghosts *g)
{
	if (!g)
		return;
	pthread_mutex_destroy(&g->lock);
	free(g);
}

void hl_ghosts_keep(struct fuse *f, fuse_ino_t ino, const struct stat *st)
{
	struct hl_ghosts *g = f->ghosts;
	struct ghost *ghost;

	pthread_mutex_lock(&g->lock);
	ghost = &g->ghost[g->next++ % GHOSTS];
	ghost->ino = ino;
	ghost->generation = hl_generation(f->table, ino);
	ghost->st = *st;
	ghost->st.st_nlink = 0;
	pthread_mutex_unlock(&g->lock);
}

static struct ghost *find_locked(struct fuse *f, fuse_ino_t ino)
{
	struct hl_ghosts *g = f->ghosts;

	if (!(hl_flags(f->table, ino) & HL_UNLINKED))
		return NULL;
	for (int i = 0; i < GHOSTS; i++) {
		if (g->ghost[i].ino == ino &&
		    g->ghost[i].generation == hl_generation(f->table, ino))
			return &g->ghost[i];
	}
	return NULL;
}

bool hl_ghosts_find(struct fuse *f, fuse_ino_t ino, struct stat *st)
{
	struct ghost *ghost;

	pthread_mutex_lock(&f->ghosts->lock);
	ghost = find_locked(f, ino);
	if (ghost)
		*st = ghost->st;
	pthread_mutex_unlock(&f->ghosts->lock);
	return ghost;
}

static void change_time(struct timespec *ts, int set, int now, struct timespec to)
{
	if (now)
		clock_gettime(CLOCK_REALTIME, ts);
	else if (set)
		*ts = to;
}

bool hl_ghosts_change(struct fuse *f, fuse_ino_t ino, const struct stat *attr, int to_set,
		      struct stat *st)
{
	struct ghost *ghost;

	pthread_mutex_lock(&f->ghosts->lock);
	ghost = find_locked(f, ino);
	if (ghost) {
		struct stat *g = &ghost->st;

		if (to_set & FUSE_SET_ATTR_MODE)
			g->st_mode = (g->st_mode & S_IFMT) | (attr->st_mode & 07777);
		if (to_set & FUSE_SET_ATTR_UID)
			g->st_uid = attr->st_uid;
		if (to_set & FUSE_SET_ATTR_GID)
			g->st_gid = attr->st_gid;
		change_time(&g->st_atim, to_set & FUSE_SET_ATTR_ATIME,
			    to_set & FUSE_SET_ATTR_ATIME_NOW, attr->st_atim);
		change_time(&g->st_mtim, to_set & FUSE_SET_ATTR_MTIME,
			    to_set & FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim);
		clock_gettime(CLOCK_REALTIME, &g->st_ctim);
		*st = *g;
	}
	pthread_mutex_unlock(&f->ghosts->lock);
	return ghost;
}
