/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unmounting for a user: the top mount at the pinned place, if it is a FUSE
 * mount of the caller's, and never another one. Two facts make that harder
 * than it sounds:
 *
 * - umount2() takes a path. self/fd/N cannot be redirected, but the open
 *   descriptor N makes the mount busy, so it serves only for a lazy unmount.
 * - A name in a directory can be exchanged for another by whoever may write
 *   there, mountpoint or not, from a mount namespace where neither is one.
 *
 * So the mount is taken by name in the pinned directory, and only while who can
 * change that name has no other people's mount to put in its place. A mount that
 * comes into being later is safe too, on top of ours or elsewhere: MNT_EXPIRE
 * unmounts only what an earlier call has marked, and we look again between the
 * two calls. Where the name cannot be trusted, and for a lazy unmount, it goes
 * by descriptor.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define FUSE_MAGIC 0x65735546
#define ANYBODY	   ((uid_t)-1)
#define TRIES	   200

/* Whether e stands on mount `id` directly, or upon the caller's mounts there. */
static bool stands_on(const struct table *t, const struct mount_entry *e, int id)
{
	while (e->parent != id) {
		const struct mount_entry *below = table_find(t, e->parent);

		if (!below || below == e || !below->own)
			return false;
		e = below;
	}
	return true;
}

/* Who may rename entries of the directory: root alone (0), one user, ANYBODY.
 * Who serves a FUSE directory can tell us anything about it. */
static uid_t renamer(int dir)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(dir, &fs) < 0 || (unsigned long)fs.f_type == FUSE_MAGIC ||
	    fstat(dir, &st) < 0 || (st.st_mode & 022))
		return ANYBODY;
	return st.st_uid;
}

static bool may_rename(int dir, uid_t who)
{
	uid_t r = renamer(dir);

	return r == ANYBODY || (r != 0 && (who == ANYBODY || r == who));
}

/* Whether `who` can rename anything on the way to the path, which is cut up. The
 * walk is not a race: until it says yes, it has passed only what `who` cannot
 * change. */
static bool movable(char *path, uid_t who)
{
	CLEANUP_CLOSE int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (!may_rename(dir, who)) {
		const char *name = strsep(&path, "/");
		int next;

		if (!path)
			return false; /* its directory was the last to be looked at */
		if (!*name)
			continue;
		next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		cleanup_close(&dir);
		dir = next;
		if (dir < 0)
			return errno != EACCES; /* not for the caller to see, nor to change */
	}
	return true;
}

/* Whether it is the caller's (or -EINVAL), and no mount of others stands on it,
 * which would go as well, or instead (or -EBUSY). */
static int check(int id, struct table *t, const struct mount_entry **own)
{
	int r = table_read(t);

	*own = r < 0 ? NULL : table_find(t, id);
	if (r == 0 && (!*own || !(*own)->own))
		r = -EINVAL;
	for (size_t i = 0; r == 0 && i < t->n; i++)
		if (!t->at[i].own && stands_on(t, &t->at[i], id))
			r = -EBUSY;
	return r;
}

/*
 * Exact but for what root puts on top of the mount between this check and the
 * system call, microseconds later: the kernel has no lazy unmount that is
 * stricter. If it ought not to be lazy, there may be no mount below, as the
 * kernel would say; that the mount is not in use it cannot tell.
 */
static int detach(int fd, bool lazy)
{
	const struct mount_entry *own;
	struct mount_id id;
	struct table t;
	int r = place_mount_id(fd, "", &id);

	r = r < 0 ? r : check(id.id, &t, &own);
	for (size_t i = 0; r == 0 && !lazy && i < t.n; i++)
		if (t.at[i].parent == id.id)
			r = -EBUSY;
	return r < 0 ? r : priv_detach(fd);
}

struct target {
	int id;
	int under;   /* the mount that it stands on */
	int around;  /* the mount that has its directory: mostly the same */
	uid_t namer; /* who may change names in that directory */
};

/* 0 if the name can lead to mounts of the caller's only, but for what was mounted
 * after this look began; 1 if it can lead elsewhere. */
static int look(struct target *w)
{
	const struct mount_entry *own;
	struct table t;
	int r = check(w->id, &t, &own);

	if (r == 0 && w->under && w->under != own->parent)
		r = -EBUSY;
	w->under = r < 0 ? 0 : own->parent;
	for (size_t i = 0; r == 0 && w->namer != 0 && i < t.n; i++)
		r = !t.at[i].own && t.at[i].id != w->under && stands_on(&t, &t.at[i], w->around) &&
		    movable(t.at[i].path, w->namer);
	return r;
}

static int by_name(const struct pin *pin, struct target *w)
{
	for (int i = 0; i < TRIES; i++) {
		int r = priv_expire(pin->dir, pin->name);

		if (r != -EAGAIN)
			return r;
		r = look(w);
		if (r != 0)
			return r < 0 ? r : -EBUSY;
		if (i > 1) /* unless it was marked just now, somebody often looks at it */
			usleep(1000);
	}
	return -EBUSY;
}

static int take_down(struct pin *pin, uid_t caller, bool lazy)
{
	struct target w = {.namer = renamer(pin->dir)};
	struct mount_id id, around;
	int r = place_mount_id(pin->dir, "", &around);

	r = r < 0 ? r : place_mount_id(pin->at, "", &id);
	if (r < 0)
		return r;
	/* A user namespace can give the caller other people's ids beside their own. */
	if (w.namer != 0 && w.namer != caller)
		w.namer = ANYBODY;
	w.id = id.id;
	w.around = around.id;
	r = look(&w);
	if (r >= 0 && (r || lazy))
		return detach(pin->at, lazy);
	cleanup_close(&pin->at); /* while open, it is busy */
	return r < 0 ? r : by_name(pin, &w);
}

/* -EINVAL is not a mount, or not the caller's: none that could be found. */
static int report(int r, const struct job *j)
{
	if (r == -EINVAL)
		return say("entry for %s not found in /etc/mtab", j->req.mountpoint);
	return r < 0 ? say("failed to unmount %s: %s", j->req.mountpoint, strerror(-r)) : 0;
}

int unmount_pinned(struct job *j)
{
	return report(take_down(&j->pin, j->caller, j->req.given['z']), j);
}

/* For --auto-unmount: the number of the mount at the pinned place. */
int unmount_find(struct job *j)
{
	const struct mount_entry *own;
	struct table t;
	int r = place_mount_id(j->pin.at, "", &j->mount);

	r = r < 0 ? r : check(j->mount.id, &t, &own);
	return r == -EBUSY ? 0 : report(r < 0 ? -EINVAL : 0, j);
}

/*
 * What auto_unmount does, when the daemon's end of the socket has closed. The
 * mount is known by its number, so it may have been moved meanwhile, and another
 * that came into its place is not mistaken for it. Before Linux 6.8 numbers are
 * given away again; there it has to be enough that the filesystem is dead.
 * -EBUSY if it should be tried again, -EAGAIN if the filesystem is not dead.
 */
int unmount_dead(const struct mount_id *mount)
{
	const struct mount_entry *e;
	CLEANUP_CLOSE int fd = -1;
	struct mount_id id;
	struct statfs fs;
	struct table t;
	int r = table_read(&t);

	e = r < 0 ? NULL : table_find(&t, mount->id);
	if (!e || !e->own)
		return r;
	fd = place_open(AT_FDCWD, e->path, O_NOFOLLOW);
	if (fd < 0)
		return fd == -ENOENT ? -EBUSY : fd; /* renamed at this moment */
	r = place_mount_id(fd, "", &id);
	if (r < 0 || id.id != mount->id)
		return r < 0 ? r : -EBUSY; /* covered by another, or moved just now */
	if (id.unique != mount->unique)
		return 0;
	/* Asks for something that no setting lets the kernel answer itself. */
	if (fstatfs(fd, &fs) == 0 || (errno != ENOTCONN && errno != ECONNABORTED))
		return -EAGAIN;
	r = detach(fd, true);
	return r == -EINVAL ? -EBUSY : r; /* another helper was faster; the next look tells */
}
