/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "servers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "mount/kernel.h"

/* What fdinfo says of a descriptor. */
#define NOT_FUSE   ((dev_t)-1)
#define NO_NUMBER  ((dev_t)-2) /* of FUSE; the kernel does not say more */
#define ANY_NUMBER ((dev_t)-3) /* to look for, whichever it is */

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}
#define CLEANUP_DIR __attribute__((cleanup(close_dir)))

static DIR *open_dir_at(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static ssize_t read_at(int at, const char *path, char *buf, size_t size)
{
	CLEANUP_CLOSE int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return -1;
	buf[n] = '\0';
	return n;
}

/* Reading the link asks no filesystem. stat(2) would, and might never return for
 * a file on a mount that hangs; and fdinfo of other devices asks their drivers. */
static bool looks_like_fuse(int proc, const char *fd)
{
	char path[48], link[256], *name;
	ssize_t n;

	snprintf(path, sizeof(path), "fd/%.20s", fd);
	n = readlinkat(proc, path, link, sizeof(link) - 1);
	if (n < 0)
		return false;
	link[n] = '\0';
	name = strrchr(link, '/');
	return name && strstr(name, "fuse");
}

/* Which connection the descriptor belongs to. */
static dev_t connection_of(int proc, const char *fd)
{
	static const char key[] = "fuse_connection:";
	char path[48], info[1024], *line;
	unsigned long number;

	if (!looks_like_fuse(proc, fd))
		return NOT_FUSE;
	snprintf(path, sizeof(path), "fdinfo/%.20s", fd);
	if (read_at(proc, path, info, sizeof(info)) < 0)
		return NOT_FUSE;
	line = strstr(info, key);
	if (!line)
		return NO_NUMBER;
	/* The kernel's own form of a device number: 20 bits of minor. */
	number = strtoul(line + sizeof(key) - 1, NULL, 10);
	return makedev((unsigned int)(number >> 20), (unsigned int)(number & 0xfffff));
}

static bool is_wanted(dev_t its, dev_t wanted)
{
	return wanted == ANY_NUMBER ? its != NOT_FUSE : its == wanted;
}

/* Field 4 of /proc/PID/stat is the parent, field 3 the state. The name before
 * them may contain anything, but ends with the last parenthesis. */
static bool read_stat(pid_t pid, char *state, pid_t *parent)
{
	char path[40], text[512], *rest;
	int ppid;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1, " %c %d", state, &ppid) != 2)
		return false;
	*parent = ppid;
	return true;
}

static bool is_ancestor(pid_t pid)
{
	pid_t p = getpid();
	char state;

	/* Chains are short; a bound keeps a lying /proc from holding us. */
	for (int i = 0; i < 1000 && p > 1; i++) {
		if (p == pid)
			return true;
		if (!read_stat(p, &state, &p))
			return false;
	}
	return p == pid;
}

static int add_server(struct servers *s, const struct server *one)
{
	struct server *list;
	size_t bytes;

	if (!size_mul(s->count + 1, sizeof(*list), &bytes))
		return -ENOMEM;
	list = realloc(s->list, bytes);
	if (!list)
		return -ENOMEM;
	s->list = list;
	s->list[s->count++] = *one;
	return 0;
}

/* Takes hold of a process that has been seen with the descriptor. */
static int hold(struct servers *s, struct server *one, int proc, dev_t dev)
{
	char fd[16];

	one->pidfd = mnt_sys_pidfd_open(one->pid);
	if (one->pidfd < 0)
		return 0;
	/* The number may have become another process's in between; then this
	 * one does not have the connection. */
	snprintf(fd, sizeof(fd), "%d", one->fd);
	if (!is_wanted(connection_of(proc, fd), dev)) {
		close(one->pidfd);
		return 0;
	}
	/* pidfd_getfd(2) */
	one->copy = (int)syscall(MNT_NR(438), one->pidfd, one->fd, 0U);
	if (read_at(proc, "comm", one->name, sizeof(one->name)) > 0)
		one->name[strcspn(one->name, "\n")] = '\0';
	one->stays |= one->pid == 1;
	one->ancestor = is_ancestor(one->pid);
	if (add_server(s, one) < 0) {
		close(one->pidfd);
		if (one->copy >= 0)
			close(one->copy);
		return -ENOMEM;
	}
	return 0;
}

static int look_at_process(struct servers *s, int procs, const char *name, dev_t dev, bool *numbers)
{
	CLEANUP_CLOSE int proc = openat(procs, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *fds = proc < 0 ? NULL : open_dir_at(proc, "fd");
	struct server one = {.pid = atoi(name), .pidfd = -1, .fd = -1, .copy = -1};
	struct dirent *entry;

	/* Those of others cannot be looked into. */
	while (fds && (entry = readdir(fds))) {
		dev_t its;

		if (entry->d_name[0] == '.')
			continue;
		its = connection_of(proc, entry->d_name);
		if (its == NOT_FUSE)
			continue;
		*numbers |= its != NO_NUMBER;
		if (!is_wanted(its, dev))
			one.stays |= its != NO_NUMBER;
		else if (one.fd < 0)
			one.fd = atoi(entry->d_name);
	}
	return one.fd < 0 ? 0 : hold(s, &one, proc, dev);
}

static int look_around(struct servers *out, dev_t dev, bool *numbers)
{
	CLEANUP_DIR DIR *procs = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	while (procs && !err && (entry = readdir(procs))) {
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
		    atoi(entry->d_name) != getpid())
			err = look_at_process(out, dirfd(procs), entry->d_name, dev, numbers);
	}
	return err;
}

static void drop(struct servers *s, size_t i)
{
	close(s->list[i].pidfd);
	if (s->list[i].copy >= 0)
		close(s->list[i].copy);
	memmove(&s->list[i], &s->list[i + 1], (s->count - i - 1) * sizeof(s->list[0]));
	s->count--;
}

/* True once nothing is mounted on the connection any more. */
static bool is_dead(int fd)
{
	struct pollfd pfd = {.fd = fd};

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLERR);
}

int servers_find_all(struct servers *out)
{
	bool numbers = false;
	int err;

	*out = (struct servers){0};
	err = look_around(out, ANY_NUMBER, &numbers);
	for (size_t i = out->count; i-- > 0;) {
		/* Not mounted, dead already, or not to be told from those. */
		if (out->list[i].copy < 0 || is_dead(out->list[i].copy))
			drop(out, i);
	}
	return err;
}

/* Whoever keeps the descriptor of a filesystem that has ended keeps its number
 * with it, and the kernel has given that to another filesystem since. */
static void drop_dead(struct servers *s)
{
	for (size_t i = s->count; i-- > 0;) {
		if (s->list[i].copy >= 0 && is_dead(s->list[i].copy))
			drop(s, i);
	}
}

int servers_find(dev_t dev, struct servers *out)
{
	bool numbers = false;
	int err;

	*out = (struct servers){0};
	err = look_around(out, dev, &numbers);
	if (!err && !out->count && !numbers) {
		servers_free(out);
		return servers_find_all(out);
	}
	drop_dead(out);
	return err;
}

enum servers_state servers_settle(struct servers *s)
{
	bool any_dead = false, any_live = false;

	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].copy < 0)
			continue;
		if (is_dead(s->list[i].copy))
			any_dead = true;
		else
			any_live = true;
	}
	for (size_t i = s->count; i-- > 0;) {
		int copy = s->list[i].copy;

		if (any_dead && copy >= 0 && !is_dead(copy)) {
			drop(s, i);
			continue;
		}
		if (copy >= 0)
			close(copy);
		s->list[i].copy = -1;
	}
	if (any_dead)
		return SERVERS_ENDED;
	return any_live ? SERVERS_LIVE : SERVERS_UNKNOWN;
}

bool server_holds(const struct server *s, dev_t dev)
{
	char path[40], fd[16];
	CLEANUP_CLOSE int proc = -1;
	dev_t its;

	snprintf(path, sizeof(path), "/proc/%d", s->pid);
	snprintf(fd, sizeof(fd), "%d", s->fd);
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return false;
	its = connection_of(proc, fd);
	return its == dev || its == NO_NUMBER;
}

char server_run_state(const struct server *s)
{
	char state;
	pid_t parent;

	return read_stat(s->pid, &state, &parent) ? state : '?';
}

void servers_free(struct servers *s)
{
	while (s->count)
		drop(s, s->count - 1);
	free(s->list);
	*s = (struct servers){0};
}
