/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits on what one user has. A helper says what it is about to do, then looks
 * how many others have said so and how many mounts there are, and only then
 * does it. Of any that come at once at most as many go on as there is room for;
 * killing a helper at any moment leaves it counted, or nothing done.
 *
 * It says so in its name, which nobody else can change. A user can give other
 * processes of theirs such a name; that costs nobody but them.
 */
#include "fusermount3.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define MOUNTING "fusermount3-m"
#define STAYING	 "fusermount3-w"
#define TRIES	 30

/* A process that has ended, or may not be looked at, is none; but what cannot be
 * looked at for want of a descriptor must not be taken for nothing. */
static int look_at(int processes, const char *pid, uid_t caller, struct crowd *n)
{
	char path[32], text[512] = "", uid[32];
	CLEANUP_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "%.16s/status", pid);
	fd = openat(processes, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return errno == ENOENT || errno == ESRCH || errno == EACCES ? 0 : -errno;
	snprintf(uid, sizeof(uid), "\nUid:\t%u\t", caller);
	if (!strstr(text, uid) || strstr(text, "\nState:\tZ"))
		return 0;
	n->mounting += strncmp(text, "Name:\t" MOUNTING "\n", 6 + sizeof(MOUNTING)) == 0;
	n->staying += strncmp(text, "Name:\t" STAYING "\n", 6 + sizeof(STAYING)) == 0;
	return 0;
}

/* Processes first: one that has mounted meanwhile is then found in the table. */
static int count(int processes, uid_t caller, struct crowd *n)
{
	int fd = openat(processes, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct table t;
	int r = 0;

	*n = (struct crowd){0};
	if (!dir)
		return -errno;
	while (r == 0 && (e = readdir(dir)))
		if (*e->d_name >= '1' && *e->d_name <= '9')
			r = look_at(dirfd(dir), e->d_name, caller, n);
	closedir(dir);
	r = r < 0 ? r : table_read(&t);
	for (size_t i = 0; r == 0 && i < t.n; i++)
		n->mounts += policy_owns(caller, &t.at[i]);
	return r;
}

/* If there is no room, it takes its word back for a moment of its own and tries
 * again, so that not all of those that came at once give up. */
enum verdict crowd_enter(int processes, bool to_mount, bool to_stay, uid_t caller,
			 const struct conf *c)
{
	enum verdict v = V_ALLOW;

	for (long i = 1; i <= TRIES; i++) {
		struct timespec moment = {.tv_nsec = (getpid() * i) % 37 * 1000000};
		struct crowd n;

		prctl(PR_SET_NAME, to_mount ? MOUNTING : STAYING, 0, 0, 0);
		if (count(processes, caller, &n) < 0)
			return V_CANNOT_COUNT;
		v = policy_crowd(caller, &n, to_mount, to_stay, c);
		if (v == V_ALLOW || (v == V_TOO_MANY_MOUNTS && n.mounts >= (uint64_t)c->mount_max))
			return v;
		prctl(PR_SET_NAME, "fusermount3", 0, 0, 0);
		nanosleep(&moment, NULL);
	}
	return v;
}

void crowd_stay(void)
{
	prctl(PR_SET_NAME, STAYING, 0, 0, 0);
}
