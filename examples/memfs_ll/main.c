/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"
#include "blocks.h"
#include "../common/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct memfs fs = {
	.rename = PTHREAD_MUTEX_INITIALIZER,
	.timeout = 86400.0,
	.root_mode = 0755,
	.max_inodes = 1ULL << 28,
};

static const char help_text[] =
	"    -o size=N[KMGT%]       space for data (default: half of the memory)\n"
	"    -o nr_inodes=N         number of inodes (default: practically no limit)\n"
	"    -o mode=MODE           permissions of the root directory, octal (default: 755)\n"
	"    -o uid=N, -o gid=N     its owner (default: who mounts)\n"
	"    -o timeout=SECONDS     how long the kernel may remember names and attributes\n"
	"    -o writeback           let the kernel collect writes\n"
	"    -o direct_io           do not keep data in the page cache as well\n"
	"    -o locks=own|kernel    who keeps fcntl and flock locks (default: own)\n"
	"    -o no_acl              no POSIX access control lists\n";

#define OPTION(text, member)                                                                       \
	{                                                                                          \
		text, offsetof(struct memfs, member), 1                                            \
	}

static const struct fuse_opt options[] = {
	OPTION("size=%s", size_text),
	OPTION("nr_inodes=%llu", max_inodes),
	OPTION("mode=%o", root_mode),
	OPTION("uid=%u", root_uid),
	OPTION("gid=%u", root_gid),
	OPTION("timeout=%lf", timeout),
	OPTION("writeback", writeback),
	OPTION("direct_io", direct_io),
	{"locks=own", offsetof(struct memfs, kernel_locks), 0},
	{"locks=kernel", offsetof(struct memfs, kernel_locks), 1},
	OPTION("no_acl", no_acl),
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

static void memfs_init(void *data, struct fuse_conn_info *conn)
{
	/* With lists the umask counts only where no default list does: it becomes our business. */
	fs.acl = !fs.no_acl && fuse_get_feature_flag(conn, FUSE_CAP_POSIX_ACL) &&
		 fuse_get_feature_flag(conn, FUSE_CAP_DONT_MASK);
	want(conn, FUSE_CAP_POSIX_ACL, fs.acl);
	want(conn, FUSE_CAP_DONT_MASK, fs.acl);
	want(conn, FUSE_CAP_WRITEBACK_CACHE, fs.writeback);
	want(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP, fs.direct_io);
	want(conn, FUSE_CAP_EXPORT_SUPPORT, true);
	want(conn, FUSE_CAP_PARALLEL_DIROPS, true);
	want(conn, FUSE_CAP_CACHE_SYMLINKS, true);
	want(conn, FUSE_CAP_POSIX_LOCKS, !fs.kernel_locks);
	want(conn, FUSE_CAP_FLOCK_LOCKS, !fs.kernel_locks);
	/* Only the kernel in front of us changes data: it need not suspect its cache. */
	want(conn, FUSE_CAP_AUTO_INVAL_DATA, false);
	want(conn, FUSE_CAP_EXPLICIT_INVAL_DATA, true);
	/* The kernel knows better than we do who may keep setuid bits: let it clear them. */
	want(conn, FUSE_CAP_HANDLE_KILLPRIV, false);
	want(conn, FUSE_CAP_HANDLE_KILLPRIV_V2, false);
}

static void memfs_destroy(void *data)
{
	inode_free_all();
}

static const struct fuse_lowlevel_ops ops = {
	.init = memfs_init,
	.destroy = memfs_destroy,
	.lookup = memfs_lookup,
	.forget = memfs_forget,
	.forget_multi = memfs_forget_multi,
	.create = memfs_create,
	.tmpfile = memfs_tmpfile,
	.mknod = memfs_mknod,
	.mkdir = memfs_mkdir,
	.symlink = memfs_symlink,
	.link = memfs_link,
	.unlink = memfs_unlink,
	.rmdir = memfs_rmdir,
	.rename = memfs_rename,
	.getattr = memfs_getattr,
	.statx = memfs_statx,
	.setattr = memfs_setattr,
	.readlink = memfs_readlink,
	.statfs = memfs_statfs,
	.open = memfs_open,
	.read = memfs_read,
	.write = memfs_write,
	.flush = memfs_flush,
	.release = memfs_release,
	.fsync = memfs_fsync,
	.fallocate = memfs_fallocate,
	.lseek = memfs_lseek,
	.copy_file_range = memfs_copy_file_range,
	.opendir = memfs_opendir,
	.readdir = memfs_readdir,
	.readdirplus = memfs_readdirplus,
	.releasedir = memfs_releasedir,
	.fsyncdir = memfs_fsync,
	.setxattr = memfs_setxattr,
	.getxattr = memfs_getxattr,
	.listxattr = memfs_listxattr,
	.removexattr = memfs_removexattr,
	.getlk = memfs_getlk,
	.setlk = memfs_setlk,
	.flock = memfs_flock,
};

/* "64M" in bytes, "10%" of the memory; 0 if it makes no sense. */
static uint64_t parse_size(const char *text)
{
	static const char units[] = "KMGT";
	const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	const char *unit;
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text)
		return 0;
	if (strcmp(end, "%") == 0)
		return n <= 100 ? memory / 100 * n : 0;
	if (*end == '\0')
		return n;
	unit = strchr(units, *end & ~0x20);
	if (!unit || end[1] != '\0' || n > UINT64_MAX >> (10 * (unit - units + 1)))
		return 0;
	return n << (10 * (unit - units + 1));
}

/* Everything that can fail for the user's sake happens before we go to the background. */
static int prepare(void *data)
{
	const uint64_t size = parse_size(fs.size_text ? fs.size_text : "50%");

	if (size < BLOCK_SIZE) {
		fprintf(stderr,
			"memfs_ll: size=%s: not a size; use a number with K, M, G, T or %%\n",
			fs.size_text);
		return 1;
	}
	fs.max_blocks = size / BLOCK_SIZE;
	blocks_set_limit(fs.max_blocks);
	fs.root = inode_new(S_IFDIR | (fs.root_mode & 07777),
			    (struct owner){fs.root_uid, fs.root_gid}, 0);
	if (!fs.root) {
		fprintf(stderr, "memfs_ll: cannot make the root directory: %s\n", strerror(errno));
		return 1;
	}
	fs.root->nlink = 2;
	fs.root->dir.parent = fs.root;
	return 0;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	const struct example ex = {
		.ops = &ops,
		.ops_size = sizeof(ops),
		.help = help_text,
		.prepare = prepare,
	};
	int ret = 1;

	fs.root_uid = getuid();
	fs.root_gid = getgid();
	/* Permissions are the kernel's to check; nothing here looks at them. */
	if (fuse_opt_parse(&args, &fs, options, NULL) == 0 &&
	    fuse_opt_add_arg(&args, "-odefault_permissions") == 0)
		ret = serve(&args, &ex);
	free((char *)fs.size_text);
	fuse_opt_free_args(&args);
	return ret;
}
