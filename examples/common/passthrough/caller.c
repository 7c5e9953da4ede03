/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New files belong to who made them. As root we become the caller for the moment of making, on
 * this thread only: the C library's setresuid() would change all threads, the system calls change
 * one. Our capabilities stay (SECBIT_NO_SETUID_FIXUP), because whether the caller may do it
 * has been decided by the kernel (default_permissions), with knowledge of all his groups, and
 * must not be decided a second time with less.
 *
 * The umask is per process, or rather per "fs" structure, which a thread can have to
 * itself (CLONE_FS). It is set, not applied to the mode, because a default ACL replaces it.
 */
#include "passthrough.h"

#include <errno.h>
#include <fcntl.h>
#include <profuse.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/securebits.h>

static bool may_switch;
static uid_t own_uid;
static gid_t own_gid;

struct thread_state {
	bool ready;
	bool own_umask; /* this thread has a umask to itself */
	mode_t umask;
};

static _Thread_local struct thread_state state;

static bool keep_capabilities(void)
{
	const int bits = prctl(PR_GET_SECUREBITS);

	return bits >= 0 && prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) == 0;
}

static void prepare_thread(void)
{
	state.ready = true;
	state.own_umask = unshare(CLONE_FS) == 0;
	umask(0);
	if (may_switch)
		keep_capabilities();
}

static int become(uid_t uid, gid_t gid)
{
	if (syscall(SYS_setresgid, -1, gid, -1) < 0)
		return errno;
	if (syscall(SYS_setresuid, -1, uid, -1) < 0) {
		int err = errno;

		syscall(SYS_setresgid, -1, own_gid, -1);
		return err;
	}
	return 0;
}

void caller_init(void)
{
	own_uid = geteuid();
	own_gid = getegid();
	umask(0);
	/* Threads that are made later inherit this. */
	may_switch = own_uid == 0 && keep_capabilities();
}

int caller_begin(fuse_req_t req, struct caller *caller)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	int err;

	if (!state.ready)
		prepare_thread();
	if (state.own_umask && state.umask != ctx->umask) {
		umask(ctx->umask);
		state.umask = ctx->umask;
	}
	caller->mask = state.own_umask ? 0 : ctx->umask;
	caller->switched = may_switch && (ctx->uid != own_uid || ctx->gid != own_gid);
	if (!caller->switched)
		return 0;
	err = become(ctx->uid, ctx->gid);
	if (err)
		caller->switched = false;
	return err;
}

void caller_end(const struct caller *caller)
{
	if (caller->switched)
		become(own_uid, own_gid);
}

void caller_give(fuse_req_t req, int dirfd, int fd)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct stat st, dir;
	uid_t uid = -1;
	gid_t gid = -1;

	if (may_switch || fstat(fd, &st) < 0 || fstat(dirfd, &dir) < 0)
		return;
	if (st.st_uid != ctx->uid)
		uid = ctx->uid;
	if (st.st_gid != ctx->gid && !(dir.st_mode & S_ISGID))
		gid = ctx->gid;
	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return;
	/* Without the right to, it stays ours: that is what the README says of such a mount. */
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return;
	/* A new owner takes setuid away, which was asked for. */
	if ((st.st_mode & (S_ISUID | S_ISGID)) && !S_ISLNK(st.st_mode)) {
		char path[PROC_PATH_SIZE];

		proc_path(path, fd);
		chmod(path, st.st_mode & 07777);
	}
}

bool caller_in_group(fuse_req_t req, gid_t gid)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t groups[1024];
	int count;

	if (ctx->uid == 0 || ctx->gid == gid)
		return true;
	count = fuse_req_getgroups(req, 1024, groups);
	for (int i = 0; i < count && i < 1024; i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

void caller_wrote(fuse_req_t req, int fd, struct stat *st)
{
	char path[PROC_PATH_SIZE];
	mode_t mode = st->st_mode;

	if (!S_ISREG(mode) || !(mode & (S_ISUID | S_ISGID)))
		return;
	/* Writes out of the page cache have no caller and look like root's. */
	if (fuse_req_ctx(req)->uid == 0 && !profuse_must_clear_suid(req))
		return;
	mode &= ~(mode_t)S_ISUID;
	if ((mode & S_IXGRP) || !caller_in_group(req, st->st_gid))
		mode &= ~(mode_t)S_ISGID;
	proc_path(path, fd);
	if (mode != st->st_mode && chmod(path, mode & 07777) == 0)
		st->st_mode = mode;
}
