/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unmounting for a user: the top mount at the pinned place, if it is a FUSE
 * mount of the caller's, and never another one. Two facts make that harder
 * than it sounds:
 *
 * - umount2() takes a path. /proc/self/fd/N cannot be redirected, but the open
 *   descriptor N makes the mount busy, so it serves only for a lazy unmount.
 * - A name in a directory can be exchanged for another by whoever may write
 *   there, mountpoint or not, from a mount namespace where neither is one.
 *
 * So the mount is taken by name in the pinned directory, and only while there
 * is no mount of other people's that could be put in the name's place. A mount
 * that comes into being later is safe too, on top of ours or elsewhere:
 * MNT_EXPIRE unmounts only what an earlier call has marked, and we look again
 * between the two calls. Where names cannot be trusted, and for a lazy unmount
 * of what is busy, it goes by descriptor.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

#define FUSE_SUPER_MAGIC 0x65735546
#define MAX_IDS		 256
#define TRIES		 200

/* What is to be unmounted, and how it was found. */
struct target {
	uid_t caller;
	struct mount_id id;
	int parent; /* the mount that it stands on */
	int around; /* the mount that has its directory: mostly the same */
	bool loose; /* names in its directory may change */
};

/* ---- is it the caller's? ---- */

struct find {
	int id;
	uid_t caller;
	bool owned;
	int parent;
};

static bool find_mount(const struct mount_entry *e, void *arg)
{
	struct find *f = arg;

	if (e->id != f->id)
		return true;
	f->owned = policy_owns(f->caller, e);
	f->parent = e->parent;
	return false;
}

static int find_owned(struct find *f)
{
	int r = mounts_each(find_mount, f);

	return r < 0 ? r : f->owned ? 0 : -EINVAL;
}

/* 0 and the number of the mount that fd is on, or -EINVAL: not the caller's. */
int unmount_may(int fd, uid_t caller, struct mount_id *id)
{
	struct find f = {.caller = caller};
	int r = mount_id_at(fd, "", id);

	f.id = id->id;
	return r < 0 ? r : find_owned(&f);
}

/* ---- other people's mounts ---- */

/* Whether entries of the directory can be renamed by somebody who is not
 * root; who serves a FUSE directory can tell us anything about it. */
static bool loose(int dir)
{
	struct statfs fs;
	struct statx stx;

	return fstatfs(dir, &fs) < 0 || (unsigned long)fs.f_type == FUSE_SUPER_MAGIC ||
	       statx(dir, "", AT_EMPTY_PATH, STATX_UID | STATX_MODE, &stx) < 0 ||
	       stx.stx_uid != 0 || (stx.stx_mode & 022);
}

/* Whether anything on the way to the path can be renamed. The walk is not a
 * race: until it says yes, it has passed only what root alone can change. */
static bool movable(const char *path)
{
	int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool r = loose(dir);

	while (!r) {
		size_t n = strcspn(path += strspn(path, "/"), "/");
		char name[NAME_MAX + 1];
		int next;

		if (!path[n])
			break; /* its directory was the last to be looked at */
		if (n > NAME_MAX) {
			r = true;
			break;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		path += n;
		next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0) {
			r = errno != EACCES; /* root's, and closed to the caller */
			break;
		}
		close(dir);
		dir = next;
		r = loose(dir);
	}
	close(dir);
	return r;
}

struct search {
	uid_t caller;
	bool any; /* else only what could be moved counts */
	const struct target *except;
	bool found;
	bool grown;
	size_t n;
	int ids[MAX_IDS]; /* where it began, and the caller's mounts below */
};

static bool contains(const struct search *s, int id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->ids[i] == id)
			return true;
	return false;
}

static bool look_below(const struct mount_entry *e, void *arg)
{
	struct search *s = arg;

	if (e->id == s->ids[0] && e->fuse && !s->any)
		s->any = s->grown = true;
	if (!contains(s, e->parent) || contains(s, e->id))
		return true;
	/* Not below the mount itself, and what it covers it protects. */
	if (s->except && (e->id == s->except->id.id || e->id == s->except->parent))
		return true;
	if (policy_owns(s->caller, e) && s->n < MAX_IDS) {
		s->ids[s->n++] = e->id;
		s->grown = true;
	} else if (s->any || s->n == MAX_IDS || movable(e->path)) {
		s->found = true;
	}
	return !s->found;
}

static bool search(struct search *s)
{
	s->n = 1;
	do {
		s->grown = false;
		if (mounts_each(look_below, s) < 0)
			return true;
	} while (s->grown && !s->found);
	return s->found;
}

/* Whether a mount that is not the caller's stands on mount `id`, directly or
 * upon mounts of the caller's. It would go as well, or instead. */
static bool others_on(int id, uid_t caller)
{
	struct search s = {.caller = caller, .any = true, .ids = {id}};

	return search(&s);
}

/* Whether one stands elsewhere, where somebody could put it in the place. */
static bool others_around(const struct target *t)
{
	struct search s = {.caller = t->caller, .except = t, .ids = {t->around}};

	return search(&s);
}

/* ---- the two ways ---- */

/* Whether the name can lead to mounts of the caller's only, but for what was
 * mounted after this look began. */
static bool name_is_safe(const struct target *t)
{
	struct find f = {.caller = t->caller, .id = t->id.id};

	return find_owned(&f) == 0 && f.parent == t->parent && !others_on(t->id.id, t->caller) &&
	       !(t->loose && others_around(t));
}

static int unmount_by_name(const struct pin *pin, const struct target *t)
{
	static const struct timespec moment = {.tv_nsec = 1000000};

	for (int i = 0; i < TRIES; i++) {
		int r = priv_expire(pin->dir, pin->name);

		if (r != -EAGAIN)
			return r;
		if (!name_is_safe(t))
			return -EBUSY;
		/* Unless it was marked just now, somebody looks at it often. */
		if (i > 1)
			nanosleep(&moment, NULL);
	}
	return -EBUSY;
}

/*
 * Exact but for what root puts on top of the mount between the last check and
 * the system call, microseconds later: the kernel has no lazy unmount that is
 * stricter.
 */
static int unmount_by_descriptor(const struct pin *pin, uid_t caller, bool lazy)
{
	struct mount_id id, top;
	int r = unmount_may(pin->at, caller, &id);

	if (r < 0)
		return r;
	/* What the kernel would say to a plain one, as far as can be seen: for
	 * nobody, every mount is another's. */
	if (others_on(id.id, lazy ? caller : (uid_t)-1))
		return -EBUSY;
	if (mount_id_at(pin->dir, pin->name, &top) < 0 || !mount_id_same(&id, &top))
		return -EBUSY;
	return priv_detach(pin->at);
}

int unmount_pinned(struct pin *pin, uid_t caller, bool lazy)
{
	struct target t = {.caller = caller, .loose = loose(pin->dir)};
	struct find f = {.caller = caller};
	struct mount_id around;
	int r = mount_id_at(pin->dir, "", &around);

	if (r == 0)
		r = mount_id_at(pin->at, "", &t.id);
	f.id = t.id.id;
	if (r == 0)
		r = find_owned(&f);
	if (r < 0)
		return r;
	t.around = around.id;
	t.parent = f.parent;
	if (others_on(t.id.id, caller))
		return -EBUSY;
	if (!t.loose || !others_around(&t)) {
		close(pin->at); /* while open, it is busy */
		pin->at = -1;
		r = unmount_by_name(pin, &t);
		if (r != -EBUSY || !lazy)
			return r;
		pin->at = openat(pin->dir, pin->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (pin->at < 0)
			return -errno;
	}
	return unmount_by_descriptor(pin, caller, lazy);
}
