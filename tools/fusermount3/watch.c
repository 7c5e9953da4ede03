/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers that stay. One that waits for --sync-init goes on when told to; one
 * that watches for auto_unmount takes the mount away when its daemon is dead.
 * The mount is known by its number, so it may have been moved meanwhile, and
 * another that came into its place is not mistaken for it.
 */
#include "fusermount3.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <time.h>

/* ---- how many may stay ---- */

/* Whether process `pid` is a helper of that name started by the caller. Users
 * can give their own processes the name; that costs nobody but them. */
static bool is_helper(int proc, const char *pid, const char *name, uid_t caller)
{
	char path[32], text[512], want[64];
	CLEANUP_CLOSE int fd = -1;
	ssize_t n;

	if ((size_t)snprintf(path, sizeof(path), "%s/status", pid) >= sizeof(path))
		return false;
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	snprintf(want, sizeof(want), "Name:\t%s\n", name);
	if (strncmp(text, want, strlen(want)) != 0)
		return false;
	snprintf(want, sizeof(want), "\nUid:\t%u\t", caller);
	return strstr(text, want) && !strstr(text, "\nState:\tZ");
}

static int64_t count_helpers(const char *name, uid_t caller)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int64_t n = 0;

	if (!proc)
		return -errno;
	while ((e = readdir(proc))) /* "self" is there twice besides */
		n += *e->d_name <= '9' && is_helper(dirfd(proc), e->d_name, name, caller);
	closedir(proc);
	return n;
}

/* Announces itself first and counts then, so that of those that come at once
 * no more than max find room; if it is one too many it makes room for a moment
 * of its own and tries again, so that not all of them give up. */
int watch_enter(const char *name, uid_t caller, int64_t max)
{
	for (long i = 1; i <= 30; i++) {
		struct timespec moment = {.tv_nsec = (getpid() * i) % 37 * 1000000};
		int64_t n;

		prctl(PR_SET_NAME, name, 0, 0, 0);
		n = count_helpers(name, caller);
		if (n < 0 || caller == 0 || max < 0 || n <= max)
			return n < 0 ? (int)n : 0;
		prctl(PR_SET_NAME, "fusermount3", 0, 0, 0);
		nanosleep(&moment, NULL);
	}
	return -EAGAIN;
}

/* ---- auto_unmount ---- */

struct where {
	int id;
	uid_t caller;
	bool found;
	char path[PATH_MAX];
};

static bool find_path(const struct mount_entry *e, void *arg)
{
	struct where *w = arg;

	if (e->id != w->id)
		return true;
	w->found = policy_owns(w->caller, e) && strlen(e->path) < sizeof(w->path);
	if (w->found)
		strcpy(w->path, e->path);
	return false;
}

/* Asks the daemon for something that no setting lets the kernel answer. */
static bool is_dead(int mount_fd)
{
	struct statfs fs;

	return fstatfs(mount_fd, &fs) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* 0 when there is nothing left to do, -EBUSY when it should be tried again. */
int watch_take_away(const struct mount_id *mount, uid_t caller, bool only_dead)
{
	static struct where w;
	struct pin pin;
	struct mount_id id;
	int r;

	w = (struct where){.id = mount->id, .caller = caller};
	r = mounts_each(find_path, &w);
	if (r < 0 || !w.found)
		return r;
	r = pin_mountpoint(w.path, &pin);
	if (r < 0)
		return r == -ENOENT ? -EBUSY : r; /* renamed at this moment */
	r = mount_id_at(pin.at, "", &id);
	if (r == 0 && id.id != mount->id)
		r = -EBUSY; /* covered by another, or moved at this moment */
	else if (r == 0 && mount_id_same(&id, mount) && (!only_dead || is_dead(pin.at)))
		r = unmount_pinned(&pin, caller, true);
	pin_release(&pin);
	return r;
}

static void close_all_but(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i <= STDERR_FILENO; i++)
		if (i != fd && (null < 0 || dup2(null, i) < 0))
			close(i);
	comm_keep_only(fd);
}

int watch_and_unmount(int comm_fd, const struct mount_id *mount, uid_t caller)
{
	struct pollfd table = {.events = POLLPRI};
	int pause = 100, r;

	close_all_but(comm_fd);
	(void)!setsid(); /* a group leader stays where it is */
	comm_wait_for_end(comm_fd);
	table.fd = open(MOUNT_TABLE, O_RDONLY | O_CLOEXEC);
	while ((r = watch_take_away(mount, caller, true)) == -EBUSY && table.fd >= 0)
		poll(&table, 1, pause = pause < 60000 ? 2 * pause : pause);
	return r;
}
