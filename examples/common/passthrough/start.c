/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs begin with: the handshake, the source directory, the table of callbacks. */
#include "ops.h"
#include "../serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct passthrough fs = {
	.cache = CACHE_AUTO,
	.timeout = -1,
	.root = {.fd = -1, .keep_open = true, .refs = 1, .type = S_IFDIR},
};

/* Ask for what the kernel can do, or for it not to be done. */
static void want(struct fuse_conn_info *conn, uint64_t cap, bool on)
{
	if (on)
		fuse_set_feature_flag(conn, cap);
	else
		fuse_unset_feature_flag(conn, cap);
}

static void pt_init(void *data, struct fuse_conn_info *conn)
{
	fs.acl = !fs.no_acl && !fs.no_xattr && fuse_get_feature_flag(conn, FUSE_CAP_POSIX_ACL);
	want(conn, FUSE_CAP_POSIX_ACL, fs.acl);
	/* The source's default lists may take the umask's place: see caller.c. */
	want(conn, FUSE_CAP_DONT_MASK, true);
	want(conn, FUSE_CAP_WRITEBACK_CACHE, fs.writeback);
	want(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP, true);
	/* See file_changing(). */
	want(conn, FUSE_CAP_AUTO_INVAL_DATA, false);
	want(conn, FUSE_CAP_EXPLICIT_INVAL_DATA, fs.cache == CACHE_ALWAYS);
	want(conn, FUSE_CAP_PARALLEL_DIROPS, true);
	want(conn, FUSE_CAP_POSIX_LOCKS, fs.host_locks);
	want(conn, FUSE_CAP_FLOCK_LOCKS, fs.host_locks);
	backing_negotiate(conn);
	/*
	 * The kernel knows better than we do who may keep setuid bits: let it clear them. But then
	 * it asks for attributes before each write, which costs more than a write to a backing
	 * file.
	 */
	want(conn, FUSE_CAP_HANDLE_KILLPRIV, false);
	fs.clears_suid = fs.backing && fuse_get_feature_flag(conn, FUSE_CAP_HANDLE_KILLPRIV_V2);
	want(conn, FUSE_CAP_HANDLE_KILLPRIV_V2, fs.clears_suid);
}

static void pt_destroy(void *data)
{
	inode_free_all();
	fdcache_fini();
	close(fs.root.fd);
}

static const struct fuse_lowlevel_ops ops = {
	.init = pt_init,
	.destroy = pt_destroy,
	.lookup = pt_lookup,
	.forget = pt_forget,
	.forget_multi = pt_forget_multi,
	.mknod = pt_mknod,
	.mkdir = pt_mkdir,
	.symlink = pt_symlink,
	.link = pt_link,
	.unlink = pt_unlink,
	.rmdir = pt_rmdir,
	.rename = pt_rename,
	.getattr = pt_getattr,
	.statx = pt_statx,
	.setattr = pt_setattr,
	.readlink = pt_readlink,
	.statfs = pt_statfs,
	.create = pt_create,
	.tmpfile = pt_tmpfile,
	.open = pt_open,
	.read = pt_read,
	.write = pt_write,
	.flush = pt_flush,
	.release = pt_release,
	.fsync = pt_fsync,
	.fallocate = pt_fallocate,
	.lseek = pt_lseek,
	.copy_file_range = pt_copy_file_range,
	.opendir = pt_opendir,
	.readdir = pt_readdir,
	.readdirplus = pt_readdirplus,
	.releasedir = pt_releasedir,
	.fsyncdir = pt_fsyncdir,
	.setxattr = pt_setxattr,
	.getxattr = pt_getxattr,
	.listxattr = pt_listxattr,
	.removexattr = pt_removexattr,
	.getlk = pt_getlk,
	.setlk = pt_setlk,
	.flock = pt_flock,
};

static void choose_timeout(void)
{
	static const double usual[] = {
		[CACHE_NEVER] = 0.0,
		[CACHE_AUTO] = 1.0,
		[CACHE_ALWAYS] = 86400.0,
	};

	if (fs.timeout < 0)
		fs.timeout = usual[fs.cache];
}

/* Everything that can fail for the user's sake happens before we go to the background. */
static int prepare(void *data)
{
	const char *source = fs.source ? fs.source : "/";
	struct stat st;
	int readable;

	choose_timeout();
	fs.root.fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	readable = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs.root.fd < 0 || readable < 0 || inode_examine(fs.root.fd, &st, &fs.root.id) < 0) {
		fprintf(stderr, "%s: cannot use %s as source: %s\n", fs.program, source,
			strerror(errno));
		return 1;
	}
	if (access("/proc/self/fd", R_OK) < 0) {
		fprintf(stderr, "%s: cannot use /proc/self/fd: %s; is /proc mounted?\n", fs.program,
			strerror(errno));
		return 1;
	}
	fdcache_init(readable);
	close(readable);
	caller_init();
	return 0;
}

/* Nobody serves the mount yet, so nothing may be asked of it. */
static void mounted(void *data, const char *mountpoint)
{
	const int fd = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statx stx;

	if (fd < 0)
		return;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx) == 0)
		fs.own_dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	close(fd);
}

int pt_serve(struct fuse_args *args, const char *help)
{
	const struct example ex = {
		.ops = &ops,
		.ops_size = sizeof(ops),
		.help = help,
		.prepare = prepare,
		.mounted = mounted,
	};

	fs.program = args->argv[0];
	/* What a caller may do is the kernel's to decide; nothing here looks at it. */
	if (fuse_opt_add_arg(args, "-odefault_permissions") != 0)
		return 1;
	return serve(args, &ex);
}
