/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory shown somewhere else: see mirror.h. */
#include "mirror.h"

#include <profuse.h>

#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static int source_fd = -1;
static bool is_root;

/* ---- where a path is ---- */

/* Walks down the first directories of a path that is too long for one system
 * call. Links are not followed: the paths of callbacks have none in them. */
static int walk_down(struct mirror_spot *spot)
{
	while (strlen(spot->name) >= PATH_MAX) {
		char part[PATH_MAX];
		const char *end = memrchr(spot->name, '/', PATH_MAX - 1);
		int fd;

		if (!end)
			return -ENAMETOOLONG;
		memcpy(part, spot->name, (size_t)(end - spot->name));
		part[end - spot->name] = '\0';
		fd = openat(spot->dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		mirror_leave(spot);
		spot->dir = fd;
		spot->name = end + 1;
	}
	return 0;
}

int mirror_enter(const char *path, struct mirror_spot *spot)
{
	int err = 0;

	spot->dir = source_fd;
	spot->name = path[1] ? path + 1 : ".";
	if (strlen(spot->name) >= PATH_MAX)
		err = walk_down(spot);
	if (err)
		mirror_leave(spot);
	return err;
}

void mirror_leave(struct mirror_spot *spot)
{
	int saved = errno;

	if (spot->dir != source_fd)
		close(spot->dir);
	spot->dir = source_fd;
	errno = saved;
}

int mirror_open(const char *source)
{
	struct rlimit limit;

	source_fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source_fd < 0) {
		fprintf(stderr, "cannot open the source directory %s: %s\n", source,
			strerror(errno));
		return -1;
	}
	is_root = geteuid() == 0;
	/* Each open file of a caller is one of ours. */
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return 0;
}

/* ---- making files as the caller ---- */

/*
 * As root, we take the caller's user and group for the moment, with the system
 * calls, which change this thread alone. Our capabilities stay: whether the
 * caller may do it was decided by the kernel (default_permissions), which knows
 * all his groups. So does a umask of the thread's own, because a default ACL of
 * the directory takes the place of the umask, and only the source knows it.
 */
static void prepare_thread(void)
{
	static _Thread_local bool ready;

	if (ready)
		return;
	ready = true;
	unshare(CLONE_FS);
	prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS) | SECBIT_NO_SETUID_FIXUP);
}

int mirror_as_caller(void)
{
	const struct fuse_context *ctx = fuse_get_context();

	if (!is_root)
		return 0;
	prepare_thread();
	umask(ctx->umask);
	if (syscall(SYS_setresgid, -1, ctx->gid, -1) < 0)
		return -errno;
	if (syscall(SYS_setresuid, -1, ctx->uid, -1) < 0) {
		int err = -errno;

		mirror_as_self();
		return err;
	}
	return 0;
}

void mirror_as_self(void)
{
	int saved = errno;

	if (is_root) {
		syscall(SYS_setresuid, -1, 0, -1);
		syscall(SYS_setresgid, -1, 0, -1);
		umask(0);
	}
	errno = saved;
}

/* ---- privileges that writing takes away ---- */

static bool in_group(gid_t gid)
{
	gid_t groups[256];
	int n = fuse_getgroups(256, groups);

	if (fuse_get_context()->gid == gid)
		return true;
	for (int i = 0; i < n && i < 256; i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

/* What the source would do, had the caller himself written: we are root, who
 * may write without that. */
void mirror_written(int fd)
{
	const struct fuse_context *ctx = fuse_get_context();
	struct stat st;
	mode_t mode;

	if (ctx->uid == 0 || fstat(fd, &st) || !(st.st_mode & (S_ISUID | S_ISGID)))
		return;
	mode = st.st_mode & 07777 & ~(mode_t)S_ISUID;
	if ((mode & S_IXGRP) || !in_group(st.st_gid))
		mode &= ~(mode_t)S_ISGID;
	if (mode != (st.st_mode & 07777))
		fchmod(fd, mode);
}

/* ---- names ---- */

/* A system call on the place of a path. */
#define AT(path, call)                                                                             \
	({                                                                                         \
		struct mirror_spot at;                                                             \
		int res_ = mirror_enter(path, &at);                                                \
                                                                                                   \
		if (!res_) {                                                                       \
			res_ = mirror_result(call);                                                \
			mirror_leave(&at);                                                         \
		}                                                                                  \
		res_;                                                                              \
	})

/* The same, as the caller: for what is made. */
#define AT_AS_CALLER(path, call)                                                                   \
	({                                                                                         \
		int made_ = mirror_as_caller();                                                    \
                                                                                                   \
		if (!made_) {                                                                      \
			made_ = AT(path, call);                                                    \
			mirror_as_self();                                                          \
		}                                                                                  \
		made_;                                                                             \
	})

static int do_mknod(const char *path, mode_t mode, dev_t rdev)
{
	return AT_AS_CALLER(path, mknodat(at.dir, at.name, mode, rdev));
}

static int do_mkdir(const char *path, mode_t mode)
{
	return AT_AS_CALLER(path, mkdirat(at.dir, at.name, mode));
}

static int do_symlink(const char *target, const char *path)
{
	return AT_AS_CALLER(path, symlinkat(target, at.dir, at.name));
}

static int do_unlink(const char *path)
{
	return AT(path, unlinkat(at.dir, at.name, 0));
}

static int do_rmdir(const char *path)
{
	return AT(path, unlinkat(at.dir, at.name, AT_REMOVEDIR));
}

static int do_rename(const char *from, const char *to, unsigned int flags)
{
	struct mirror_spot old;
	int err = mirror_enter(from, &old);

	if (!err) {
		err = AT(to, renameat2(old.dir, old.name, at.dir, at.name, flags));
		mirror_leave(&old);
	}
	return err;
}

static int do_link(const char *from, const char *to)
{
	struct mirror_spot old;
	int err = mirror_enter(from, &old);

	if (!err) {
		err = AT(to, linkat(old.dir, old.name, at.dir, at.name, 0));
		mirror_leave(&old);
	}
	return err;
}

static int do_readlink(const char *path, char *buf, size_t size)
{
	int n = AT(path, readlinkat(at.dir, at.name, buf, size - 1));

	if (n < 0)
		return n;
	buf[n] = '\0';
	return 0;
}

/* ---- attributes ---- */

static int do_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	return AT(path, fstatat(at.dir, at.name, st, AT_SYMLINK_NOFOLLOW));
}

static int do_statx(const char *path, int flags, int mask, struct statx *stx,
		    struct fuse_file_info *fi)
{
	return AT(path,
		  statx(at.dir, at.name, flags | AT_SYMLINK_NOFOLLOW, (unsigned int)mask, stx));
}

static int do_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return AT(path, fchmodat(at.dir, at.name, mode, 0));
}

static int do_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	return AT(path, fchownat(at.dir, at.name, uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int do_utimens(const char *path, const struct timespec tv[2], struct fuse_file_info *fi)
{
	return AT(path, utimensat(at.dir, at.name, tv, AT_SYMLINK_NOFOLLOW));
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	int fd = AT(path, openat(at.dir, at.name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
	int err;

	if (fd < 0)
		return fd;
	err = mirror_result(ftruncate(fd, size));
	if (!err)
		mirror_written(fd);
	close(fd);
	return err;
}

static int do_statfs(const char *path, struct statvfs *st)
{
	return mirror_result(fstatvfs(source_fd, st));
}

/* ---- extended attributes ---- */

/* There are no *at() forms of these system calls everywhere yet. Through /proc
 * a path leads to the same place, and an open file is a path. */
struct named {
	struct mirror_spot spot;
	char path[64 + PATH_MAX];
	bool follow; /* the path is a link of /proc */
};

static int name_of(const char *path, struct named *n)
{
	int err = 0;

	n->spot.dir = source_fd;
	n->follow = !path;
	if (!path) {
		snprintf(n->path, sizeof(n->path), "/proc/self/fd/%d",
			 (int)profuse_open_file()->fh);
		return 0;
	}
	err = mirror_enter(path, &n->spot);
	if (!err)
		snprintf(n->path, sizeof(n->path), "/proc/self/fd/%d/%s", n->spot.dir,
			 n->spot.name);
	return err;
}

/* An access control list may not give rights by a setgid bit to a group that
 * its author is not in. */
static void acl_changed(const char *path, const char *name)
{
	struct stat st;

	if (strcmp(name, "system.posix_acl_access") || fuse_get_context()->uid == 0 ||
	    stat(path, &st) || !(st.st_mode & S_ISGID) || in_group(st.st_gid))
		return;
	chmod(path, st.st_mode & 07777 & ~(mode_t)S_ISGID);
}

static int do_setxattr(const char *path, const char *name, const char *value, size_t size,
		       int flags)
{
	struct named n;
	int err = name_of(path, &n);

	if (err)
		return err;
	err = mirror_result(n.follow ? setxattr(n.path, name, value, size, flags)
				     : lsetxattr(n.path, name, value, size, flags));
	if (!err)
		acl_changed(n.path, name);
	mirror_leave(&n.spot);
	return err;
}

static int do_getxattr(const char *path, const char *name, char *value, size_t size)
{
	struct named n;
	int err = name_of(path, &n);

	if (err)
		return err;
	err = mirror_result(n.follow ? getxattr(n.path, name, value, size)
				     : lgetxattr(n.path, name, value, size));
	mirror_leave(&n.spot);
	return err;
}

/* Names in trusted.* are root's to see. Returns the new length. */
static int without_trusted(char *list, int len)
{
	int kept = 0, size;

	for (int at = 0; at < len; at += size) {
		size = (int)strlen(list + at) + 1;
		if (!strncmp(list + at, "trusted.", 8))
			continue;
		memmove(list + kept, list + at, (size_t)size);
		kept += size;
	}
	return kept;
}

static int do_listxattr(const char *path, char *list, size_t size)
{
	struct named n;
	int res = name_of(path, &n);

	if (res)
		return res;
	res = mirror_result(n.follow ? listxattr(n.path, list, size)
				     : llistxattr(n.path, list, size));
	if (res > 0 && size && fuse_get_context()->uid)
		res = without_trusted(list, res);
	mirror_leave(&n.spot);
	return res;
}

static int do_removexattr(const char *path, const char *name)
{
	struct named n;
	int err = name_of(path, &n);

	if (err)
		return err;
	err = mirror_result(n.follow ? removexattr(n.path, name) : lremovexattr(n.path, name));
	mirror_leave(&n.spot);
	return err;
}

/* ---- opening ---- */

/* Direct I/O has been done when the data comes to us, in memory that need not be
 * aligned. */
#define NOT_FOR_US O_DIRECT

int mirror_open_file(const char *path, int flags)
{
	int fd;

	flags &= ~NOT_FOR_US;
	fd = AT(path, openat(at.dir, at.name, flags | O_NOFOLLOW | O_CLOEXEC));
	if (fd >= 0 && (flags & O_TRUNC))
		mirror_written(fd);
	return fd;
}

int mirror_make_file(const char *path, int flags, mode_t mode)
{
	flags &= ~NOT_FOR_US;
	return AT_AS_CALLER(
		path, openat(at.dir, at.name, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode));
}

/* ---- start ---- */

void mirror_callbacks(struct fuse_operations *op)
{
	op->getattr = do_getattr;
	op->readlink = do_readlink;
	op->mknod = do_mknod;
	op->mkdir = do_mkdir;
	op->unlink = do_unlink;
	op->rmdir = do_rmdir;
	op->symlink = do_symlink;
	op->rename = do_rename;
	op->link = do_link;
	op->chmod = do_chmod;
	op->chown = do_chown;
	op->truncate = do_truncate;
	op->utimens = do_utimens;
	op->statfs = do_statfs;
	op->statx = do_statx;
	op->setxattr = do_setxattr;
	op->getxattr = do_getxattr;
	op->listxattr = do_listxattr;
	op->removexattr = do_removexattr;
}

void mirror_wishes(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	/* Hard links share an inode number. */
	cfg->use_ino = 1;
	/* Others may change the source behind our back. */
	cfg->entry_timeout = 0;
	cfg->attr_timeout = 0;
	cfg->negative_timeout = 0;
	/* The kernel would take our own writes for changes by others, drop pages that
	 * are being written, and might read them again before the write arrives: then
	 * a reader finds old data. What others wrote is seen when the file is opened. */
	fuse_unset_feature_flag(conn, FUSE_CAP_AUTO_INVAL_DATA);
	fuse_set_feature_flag(conn, FUSE_CAP_DONT_MASK);
	fuse_set_feature_flag(conn, FUSE_CAP_POSIX_ACL);
	umask(0);
}

void mirror_want_backing(struct fuse_conn_info *conn)
{
	/* Then we clear setuid bits ourselves: see profuse_must_clear_suid(). */
	if (profuse_want_backing_files(conn, source_fd))
		fuse_set_feature_flag(conn, FUSE_CAP_HANDLE_KILLPRIV_V2);
}

struct arguments {
	const char *source;
	bool help, version;
};

static int take_source(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct arguments *a = data;

	if (key == FUSE_OPT_KEY_NONOPT && !a->source) {
		a->source = arg;
		return 0;
	}
	if (!strcmp(arg, "-h") || !strcmp(arg, "--help"))
		a->help = true;
	if (!strcmp(arg, "-V") || !strcmp(arg, "--version"))
		a->version = true;
	return 1;
}

int mirror_main_args(struct fuse_args *args, const char *what)
{
	struct arguments a = {0};

	if (fuse_opt_parse(args, &a, NULL, take_source) < 0)
		return 1;
	if (a.help) {
		printf("usage: %s [options] SOURCE MOUNTPOINT\n%s\n\n", args->argv[0], what);
		args->argv[0][0] = '\0';
		return -1;
	}
	if (a.version)
		return -1;
	if (!a.source) {
		fprintf(stderr, "usage: %s [options] SOURCE MOUNTPOINT\n", args->argv[0]);
		return 1;
	}
	return mirror_open(a.source) ? 1 : -1;
}
