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
			r = look_at(fd, e->d_name, caller, n);
	closedir(dir);
	r = r < 0 ? r : table_read(&t);
	for (size_t i = 0; r == 0 && i < t.n; i++)
		n->mounts += t.at[i].own;
	return r;
}

/*
 * It counts in a procfs of its own; where none is to be had, the one that is
 * there has to do. If there is no room, it takes its word back for a moment of
 * its own and tries again, so that not all of those that came at once give up.
 */
int crowd_enter(struct job *j)
{
	CLEANUP_CLOSE int own = priv_proc();
	bool unavailable = own == -ENOSYS || own == -EPERM || own == -EACCES;
	const char *why = NULL;

	for (int i = 1; i <= TRIES; i++) {
		struct crowd n;

		prctl(PR_SET_NAME, j->to_mount ? MOUNTING : STAYING, 0, 0, 0);
		if ((own < 0 && !unavailable) || count(own < 0 ? proc : own, j->caller, &n) < 0)
			return say("cannot count the helpers and mounts of this user");
		why = policy_crowd(j->caller, &n, j->to_mount, j->to_stay, &j->conf);
		if (!why)
			return 0;
		if (j->to_mount && n.mounts >= (uint64_t)j->conf.mount_max)
			break;
		prctl(PR_SET_NAME, "fusermount3", 0, 0, 0);
		usleep((useconds_t)(getpid() % 37 * i % 37 * 1000));
	}
	return say("%s", why);
}

void crowd_stay(void)
{
	prctl(PR_SET_NAME, STAYING, 0, 0, 0);
}
