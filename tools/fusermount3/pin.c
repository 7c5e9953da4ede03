/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mountpoint is looked up once, by the caller's rights, and held. All
 * checks and the mount itself use the descriptor: what happens to the path
 * afterwards changes nothing.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

/* Magic links lead into other processes' views; no mountpoint needs them. */
static int open_path(int dir, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | flags,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS)
		fd = openat(dir, name, O_PATH | O_CLOEXEC | (int)flags);
	return fd;
}

/* Cuts "dir/name/" in two, in place. "/" is "." in "/". */
static const char *split(char *path, const char **dir)
{
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	*dir = slash == path ? "/" : slash ? path : ".";
	if (!slash)
		return path;
	*slash = '\0';
	return slash[1] ? slash + 1 : ".";
}

/* -1 in pin->dir afterwards tells that it was the directory that failed. */
int pin_mountpoint(const char *path, struct pin *pin)
{
	static char copy[PATH_MAX];
	size_t n = strlen(path);
	const char *dir;

	*pin = (struct pin){.dir = -1, .at = -1};
	if (n == 0 || n >= sizeof(copy))
		return n ? -ENAMETOOLONG : -ENOENT;
	memcpy(copy, path, n + 1);
	pin->name = split(copy, &dir);
	pin->dir = open_path(AT_FDCWD, dir, O_DIRECTORY);
	if (pin->dir < 0)
		return -errno;
	pin->at = open_path(pin->dir, pin->name, O_NOFOLLOW);
	return pin->at < 0 ? -errno : 0;
}

void pin_release(struct pin *pin)
{
	if (pin->at >= 0)
		close(pin->at);
	if (pin->dir >= 0)
		close(pin->dir);
}

/* Whether the caller could write there. The ids are all the caller's and no
 * capability is effective, so effective and real rights are the same. */
bool pin_may_write(int fd)
{
	int r = (int)syscall(SYS_faccessat2, fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS);

	if (r < 0 && errno == ENOSYS) {
		char link[32];

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		r = access(link, W_OK);
	}
	return r == 0;
}

int pin_facts(const struct pin *pin, struct facts *f)
{
	struct statfs fs;
	struct stat st;

	if (fstat(pin->at, &st) < 0 || fstatfs(pin->at, &fs) < 0)
		return -errno;
	*f = (struct facts){
		.caller = getuid(),
		.mode = st.st_mode,
		.owner = st.st_uid,
		.writable = pin_may_write(pin->at),
		.fstype = (unsigned long)fs.f_type,
	};
	return 0;
}
