/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"
#include "../common/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct passthrough fs = {
	.cache = CACHE_AUTO,
	.timeout = -1,
	.root = {.fd = -1, .keep_open = true, .refs = 1, .type = S_IFDIR},
};

static const char help_text[] =
	"    -o source=DIR          the directory to show (default: /)\n"
	"    -o cache=MODE          never: every access goes to the source, direct_io\n"
	"                           auto: others may change the source; cached for a second "
	"(default)\n"
	"                           always: nobody else changes it\n"
	"    -o timeout=SECONDS     how long names and attributes may be remembered\n"
	"    -o writeback           let the kernel collect writes\n"
	"    -o passthrough         let the kernel do reads and writes by itself\n"
	"    -o locks=kernel|host   locks among users of the mount, exactly as the kernel does "
	"them\n"
	"                           (default); or shared with users of the source\n"
	"    -o no_xattr            no extended attributes\n"
	"    -o no_acl              no POSIX access control lists\n";

#define OPTION(text, member, value)                                                                \
	{                                                                                          \
		text, offsetof(struct passthrough, member), value                                  \
	}

static const struct fuse_opt options[] = {
	OPTION("source=%s", source, 0),
	OPTION("cache=never", cache, CACHE_NEVER),
	OPTION("cache=auto", cache, CACHE_AUTO),
	OPTION("cache=always", cache, CACHE_ALWAYS),
	OPTION("timeout=%lf", timeout, 0),
	OPTION("writeback", writeback, 1),
	OPTION("passthrough", kernel_passthrough, 1),
	OPTION("locks=kernel", host_locks, 0),
	OPTION("locks=host", host_locks, 1),
	OPTION("no_xattr", no_xattr, 1),
	OPTION("no_acl", no_acl, 1),
	FUSE_OPT_END,
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
	/* The kernel knows better than we do who may keep setuid bits: let it clear them. */
	want(conn, FUSE_CAP_HANDLE_KILLPRIV, false);
	want(conn, FUSE_CAP_HANDLE_KILLPRIV_V2, false);
	fs.backing = fs.kernel_passthrough && !fs.writeback &&
		     fuse_get_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
	want(conn, FUSE_CAP_PASSTHROUGH, fs.backing);
	if (fs.backing)
		conn->max_backing_stack_depth = FUSE_BACKING_STACKED_OVER;
}

static void pt_destroy(void *data)
{
	inode_free_all();
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
		fprintf(stderr, "passthrough_ll: cannot use source=%s: %s\n", source,
			strerror(errno));
		return 1;
	}
	if (access("/proc/self/fd", R_OK) < 0) {
		fprintf(stderr, "passthrough_ll: cannot use /proc/self/fd: %s; is /proc mounted?\n",
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

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	const struct example ex = {
		.ops = &ops,
		.ops_size = sizeof(ops),
		.help = help_text,
		.prepare = prepare,
		.mounted = mounted,
	};
	int ret = 1;

	/* What a caller may do is the kernel's to decide; nothing here looks at it. */
	if (fuse_opt_parse(&args, &fs, options, NULL) == 0 &&
	    fuse_opt_add_arg(&args, "-odefault_permissions") == 0)
		ret = serve(&args, &ex);
	free((char *)fs.source);
	fuse_opt_free_args(&args);
	return ret;
}
