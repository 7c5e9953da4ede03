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
 * So a lazy unmount goes by descriptor. The other kind goes by name in the
 * pinned directory, and only while there is no mount of other people's that
 * could be put in the name's place; else it is done lazily as well. A mount
 * that comes into being later is safe too: MNT_EXPIRE unmounts only what an
 * earlier call has marked, and we look again between the two calls.
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

/* ---- is it the caller's? ---- */

struct find {
	int id;
	uid_t caller;
	bool owned;
};

static bool find_mount(const struct mount_entry *e, void *arg)
{
	struct find *f = arg;

	if (e->id == f->id)
		f->owned = policy_owns(f->caller, e);
	return e->id != f->id;
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
	if (policy_owns(s->caller, e) && s->n < MAX_IDS) {
		s->ids[s->n++] = e->id;
		s->grown = true;
	} else if (s->any || s->n == MAX_IDS || movable(e->path)) {
		s->found = true;
	}
	return !s->found;
}

/* Whether a mount that is not the caller's stands on mount `id`, directly or
 * upon mounts of the caller's. */
static bool others_below(int id, uid_t caller, bool any)
{
	struct search s = {.caller = caller, .any = any, .ids = {id}, .n = 1};

	do {
		s.grown = false;
		if (mounts_each(look_below, &s) < 0)
			return true;
	} while (s.grown && !s.found);
	return s.found;
}

/* ---- the two ways ---- */

static bool on_top(int dir, const char *name, const struct mount_id *id)
{
	CLEANUP_CLOSE int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct mount_id top;

	return fd >= 0 && mount_id_of(fd, &top) == 0 && mount_id_same(&top, id);
}

/*
 * mount_fd is the root of the mount, dir and name lead to it. Exact but for
 * what root puts on top of it between the last check and the system call,
 * microseconds later: the kernel has no unmount that is stricter.
 */
int unmount_lazily(int mount_fd, int dir, const char *name, uid_t caller)
{
	struct mount_id id;
	int r = mount_id_of(mount_fd, &id);

	if (r < 0)
		return r;
	/* These would be gone as well. */
	if (others_below(id.id, caller, true))
		return -EBUSY;
	return on_top(dir, name, &id) ? priv_detach(mount_fd) : -EBUSY;
}

/* The name may lead to any mount of the caller's, but to no other. */
static int unmount_by_name(const struct pin *pin, int around, uid_t caller)
{
	static const struct timespec moment = {.tv_nsec = 1000000};

	for (int i = 0; i < TRIES; i++) {
		int r = priv_expire(pin->dir, pin->name);

		if (r != -EAGAIN)
			return r;
		if (others_below(around, caller, false))
			return -EBUSY;
		/* Unless it was marked just now, somebody looks at it often. */
		if (i > 1)
			nanosleep(&moment, NULL);
	}
	return -EBUSY;
}

static int unmount_owned(struct pin *pin, uid_t caller, bool lazy)
{
	struct mount_id around;
	int r = mount_id_of(pin->dir, &around);

	if (r < 0)
		return r;
	if (lazy || others_below(around.id, caller, false))
		return unmount_lazily(pin->at, pin->dir, pin->name, caller);
	close(pin->at); /* while open, it is busy */
	pin->at = -1;
	return unmount_by_name(pin, around.id, caller);
}

int unmount_pinned(const char *path, struct pin *pin, uid_t caller, bool lazy)
{
	struct find f = {.caller = caller};
	struct mount_id id;
	int r = mount_id_of(pin->at, &id);

	f.id = id.id;
	if (r == 0)
		r = mounts_each(find_mount, &f);
	if (r == 0)
		r = f.owned ? unmount_owned(pin, caller, lazy) : -EINVAL;
	if (r == -EINVAL) /* not a mount, or not the caller's: none to be found */
		say("entry for %s not found in /etc/mtab", path);
	else if (r < 0)
		say("failed to unmount %s: %s", path, strerror(-r));
	return r;
}
