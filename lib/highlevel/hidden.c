/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that were removed while they are open. A filesystem without inodes can
 * serve them no longer once their name is gone, so instead of being removed
 * they get a name of ours in the same directory, and are removed when the last
 * open file is closed, or the filesystem ends.
 *
 * No need for it where the filesystem says that it works on open files without
 * paths (nullpath_ok) and has given each of them a handle, nor with hard_remove.
 */
#include "highlevel/hl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX ".fuse_hidden"
#define DIGITS 16
#define TRIES  10

_Static_assert(sizeof(PREFIX) + DIGITS == HL_HIDDEN_NAME_SIZE, "they fit");
typedef char hidden_name[HL_HIDDEN_NAME_SIZE];

/* One hidden name. */
struct hl_hidden {
	struct hl_hidden *next;
	fuse_ino_t ino;
	ino_t st_ino; /* the filesystem's */
};

void hl_new_hidden_name(struct fuse *f, uint32_t node, char name[HL_HIDDEN_NAME_SIZE])
{
	snprintf(name, HL_HIDDEN_NAME_SIZE, PREFIX "%08x%08x", node,
		 atomic_fetch_add(&f->hidden_counter, 1) + 1);
}

/* ---- how many there are ---- */

/* Without memory users see one link too many. */
void hl_note_hidden(struct fuse *f, fuse_ino_t ino, const struct stat *st)
{
	struct hl_hidden *h = malloc(sizeof(*h));

	if (!h)
		return;
	pthread_mutex_lock(&f->hidden_lock);
	*h = (struct hl_hidden){f->hidden, ino, st->st_ino};
	f->hidden = h;
	atomic_fetch_add(&f->hidden_count, 1);
	pthread_mutex_unlock(&f->hidden_lock);
}

static void drop_note(struct fuse *f, fuse_ino_t ino)
{
	struct hl_hidden **at, *h = NULL;

	pthread_mutex_lock(&f->hidden_lock);
	for (at = &f->hidden; *at; at = &(*at)->next) {
		if ((*at)->ino == ino) {
			h = *at;
			*at = h->next;
			atomic_fetch_sub(&f->hidden_count, 1);
			break;
		}
	}
	pthread_mutex_unlock(&f->hidden_lock);
	free(h);
}

/* Other names of the file are other nodes; only the filesystem's own numbers
 * tell that they are the same. */
unsigned int hl_hidden_links(struct fuse *f, fuse_ino_t ino, ino_t st_ino)
{
	unsigned int n = 0;

	if (likely(!atomic_load_explicit(&f->hidden_count, memory_order_relaxed)))
		return 0;
	pthread_mutex_lock(&f->hidden_lock);
	for (struct hl_hidden *h = f->hidden; h; h = h->next)
		n += f->cfg.use_ino ? h->st_ino == st_ino : h->ino == ino;
	pthread_mutex_unlock(&f->hidden_lock);
	return n;
}

/* ---- hiding ---- */

bool hl_must_hide(struct fuse *f, const struct hl_call *c, unsigned int which)
{
	uint32_t node = c->op.node[which];

	if (f->cfg.hard_remove || !node || !hl_open_count(f->table, node))
		return false;
	/* Directories are not removed with their contents, and nothing is
	 * removed when something gets the name that it has. */
	if ((hl_flags(f->table, node) & HL_DIR) || (which == 1 && node == c->op.node[0]))
		return false;
	return !(f->cfg.nullpath_ok && hl_handles_suffice(&f->handles, node));
}

/* The path of `name` beside path. */
static char *sibling(const char *path, const char *name)
{
	size_t dir = (size_t)(strrchr(path, '/') - path) + 1;
	char *p = malloc(dir + strlen(name) + 1);

	if (p) {
		memcpy(p, path, dir);
		strcpy(p + dir, name);
	}
	return p;
}

/* A name that nobody uses: 0, or -errno. */
static int find_name(struct fuse *f, uint32_t node, const char *path, hidden_name name, char **full)
{
	for (int i = 0; i < TRIES; i++) {
		struct stat st = {0};

		hl_new_hidden_name(f, node, name);
		*full = sibling(path, name);
		if (!*full)
			return -ENOMEM;
		if (fuse_fs_getattr(f->fs, *full, &st, NULL) == -ENOENT)
			return 0;
		free(*full);
		*full = NULL;
	}
	return -EBUSY;
}

int hl_hide(struct hl_call *c, unsigned int which, uint64_t *ino)
{
	struct fuse *f = c->f;
	uint32_t node = c->op.node[which];
	const char *path = c->op.path[which];
	struct stat st = {0};
	char *full = NULL;
	hidden_name name;
	int err = find_name(f, node, path, name, &full);

	if (!err)
		err = hl_checked(f, "getattr", fuse_fs_getattr(f->fs, path, &st, NULL));
	if (!err)
		err = hl_checked(f, "rename", fuse_fs_rename(f->fs, path, full, 0));
	if (!err) {
		*ino = node;
		err = hl_set_aside(&c->op, which, name);
		if (!err)
			hl_note_hidden(f, node, &st);
		else /* it must keep the name that we know */
			fuse_fs_rename(f->fs, full, path, 0);
	}
	free(full);
	return err;
}

void hl_unhide(struct hl_call *c, unsigned int which, uint64_t ino)
{
	struct fuse *f = c->f;
	uint64_t parent;
	hidden_name name;
	char *full;

	if (!hl_name_of(f->table, ino, &parent, name, sizeof(name)))
		return;
	full = sibling(c->op.path[which], name);
	if (full && !fuse_fs_rename(f->fs, full, c->op.path[which], 0)) {
		hl_put_back(&c->op, which, ino);
		drop_note(f, ino);
	}
	free(full);
}

/* ---- directories with nothing else in them ---- */

/* A hidden file in the directory `dir`: 0 if there is none. */
static fuse_ino_t hidden_in(struct fuse *f, fuse_ino_t dir, hidden_name name)
{
	fuse_ino_t found = 0;

	pthread_mutex_lock(&f->hidden_lock);
	for (struct hl_hidden *h = f->hidden; h && !found; h = h->next) {
		uint64_t parent;

		if (hl_name_of(f->table, h->ino, &parent, name, sizeof(hidden_name)) &&
		    parent == dir)
			found = h->ino;
	}
	pthread_mutex_unlock(&f->hidden_lock);
	return found;
}

static int move_out(struct hl_call *c, unsigned int which, fuse_ino_t ino, const char *name)
{
	const char *dir = c->op.path[which];
	char *from = NULL, *to = NULL;
	hidden_name fresh;
	int err = find_name(c->f, (uint32_t)ino, dir, fresh, &to);

	if (!err && asprintf(&from, "%s/%s", dir, name) < 0)
		err = -ENOMEM;
	if (!err)
		err = fuse_fs_rename(c->f->fs, from, to, 0);
	if (!err && (err = hl_move_out(&c->op, which, ino, fresh)))
		fuse_fs_rename(c->f->fs, to, from, 0);
	free(from);
	free(to);
	return err;
}

bool hl_clear_of_hidden(struct hl_call *c, unsigned int which)
{
	fuse_ino_t dir = c->op.node[which], ino;
	bool any = false;
	hidden_name name;

	while (dir && (ino = hidden_in(c->f, dir, name))) {
		if (move_out(c, which, ino, name))
			return false;
		any = true;
	}
	return any;
}

bool hl_is_hidden_name(struct fuse *f, fuse_ino_t dir, const char *name)
{
	uint64_t ino;

	if (likely(name[0] != '.') || strncmp(name, PREFIX, strlen(PREFIX)))
		return false;
	name += strlen(PREFIX);
	if (strlen(name) != DIGITS || strspn(name, "0123456789abcdef") != DIGITS)
		return false;
	/* What a daemon that died left behind is there to be seen, and removed. */
	ino = hl_find(f->table, dir, name - strlen(PREFIX));
	return ino && hl_flags(f->table, ino) & HL_HIDDEN;
}

/* Removes it under the name it has now. False if that was no more its name when
 * the path could be claimed. */
static bool remove_by_name(struct fuse *f, fuse_ino_t ino, bool closed_only)
{
	struct hl_where w;
	struct hl_op op;
	hidden_name name;
	bool there;
	int err;

	if (!hl_name_of(f->table, ino, &w.ino, name, sizeof(name)))
		return false;
	w.name = name;
	if (hl_begin_write(f->table, &op, "unlink", &w, 1))
		return false;
	there = op.node[0] == ino;
	/* It may have been opened again, through /proc. */
	if (there && (!closed_only || !hl_open_count(f->table, ino))) {
		err = fuse_fs_unlink(f->fs, op.path[0]);
		if (err)
			hl_fault(f, "cannot remove %s, which was removed while it was open: %s",
				 op.path[0], strerror(-err));
		hl_removed(&op);
		drop_note(f, ino);
	}
	hl_end(&op);
	return there;
}

/* Its directory may be renamed, or it moved out of it, at any time. */
static void remove_node(struct fuse *f, fuse_ino_t ino, bool closed_only)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (!(hl_flags(f->table, ino) & HL_HIDDEN) ||
		    remove_by_name(f, ino, closed_only))
			return;
	}
}

void hl_remove_hidden(struct fuse *f, fuse_ino_t ino)
{
	remove_node(f, ino, true);
}

static void remove_at_end(void *data, uint64_t ino)
{
	remove_node(data, ino, false);
}

void hl_remove_all_hidden(struct fuse *f)
{
	hl_table_each(f->table, HL_HIDDEN, remove_at_end, f);
}
