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
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "mount/kernel.h"

/* Magic links lead into other processes' views; no mountpoint needs them. */
int place_open(int dir, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | flags,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS)
		fd = openat(dir, name, (int)how.flags);
	return fd < 0 ? -errno : fd;
}

/* pin->dir is below 0 afterwards if it was the directory that failed. */
static int pin_path(const char *path, struct pin *pin)
{
	static char copy[PATH_MAX];
	size_t n = strlen(path);
	char *slash;

	*pin = (struct pin){.dir = -1, .at = -1, .name = copy};
	if (n == 0 || n >= sizeof(copy))
		return n ? -ENAMETOOLONG : -ENOENT;
	memcpy(copy, path, n + 1);
	while (n > 1 && (copy[n - 1] == '/' || (copy[n - 1] == '.' && copy[n - 2] == '/')))
		copy[--n] = '\0';
	slash = strrchr(copy, '/');
	if (slash) {
		*slash = '\0';
		pin->name = slash[1] ? slash + 1 : ".";
	}
	pin->dir = place_open(AT_FDCWD, !slash ? "." : *copy ? copy : "/", O_DIRECTORY);
	if (pin->dir >= 0)
		pin->at = place_open(pin->dir, pin->name, O_NOFOLLOW);
	return pin->dir < 0 ? pin->dir : pin->at < 0 ? pin->at : 0;
}

int place_pin(struct job *j)
{
	int r = pin_path(j->req.mountpoint, &j->pin);

	if (r < 0)
		return say("%s %s: %s",
			   j->req.given['u'] || j->pin.dir < 0 ? "bad mount point"
							       : "failed to access mountpoint",
			   j->req.mountpoint, strerror(-r));
	return chdir("/");
}

int place_facts(const struct pin *pin, struct facts *f)
{
	struct statfs fs;
	struct stat st;
	char link[32];

	snprintf(link, sizeof(link), "self/fd/%d", pin->at);
	if (fstat(pin->at, &st) < 0 || fstatfs(pin->at, &fs) < 0)
		return -errno;
	*f = (struct facts){.caller = getuid(),
			    .mode = st.st_mode,
			    .owner = st.st_uid,
			    .writable = faccessat(proc, link, W_OK, 0) == 0,
			    .fstype = (unsigned long)fs.f_type};
	snprintf(f->fstype_text, sizeof(f->fstype_text), "0x%08lx", (unsigned long)fs.f_type);
	return 0;
}

/* Of what the name leads to in the directory; "" is the descriptor itself. The
 * daemon, who may be dead or not answering, is not asked. */
int place_mount_id(int dir, const char *name, struct mount_id *id)
{
	const int ask = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
	struct file_handle empty = {0};
	struct mnt_statx sx;

	*id = (struct mount_id){0};
	if (mnt_sys_statx(dir, name, ask, 0, &sx) == 0 && (sx.mask & MNT_STATX_ID))
		id->id = (int)sx.mnt_id;
	else /* before 5.8: told on the way to refusing a handle of no size */
		name_to_handle_at(dir, name, &empty, &id->id, AT_EMPTY_PATH);
	if (!id->id)
		return -errno;
	if (mnt_sys_statx(dir, name, ask, MNT_STATX_ID_UNIQUE, &sx) == 0 &&
	    (sx.mask & MNT_STATX_ID_UNIQUE))
		id->unique = sx.mnt_id;
	return 0;
}
