/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options of this layer, what init() makes of them, and their help.
 */
#include "highlevel/hl.h"

#include <profuse.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/abi.h"

/* What the kernel would choose, 12, is from a time of slower disks. */
#define DEFAULT_MAX_BACKGROUND 128

#define CFG(templ, member, value)                                                                  \
	{                                                                                          \
		templ, offsetof(struct fuse, cfg.member), value                                    \
	}
#define OPT(templ, member, value)                                                                  \
	{                                                                                          \
		templ, offsetof(struct fuse, opts.member), value                                   \
	}

enum { KEY_INODE_CACHE };

/* nullpath_ok is not among them: it is a promise that only a program can make. */
static const struct fuse_opt options[] = {
	CFG("-h", show_help, 1),
	CFG("--help", show_help, 1),
	CFG("debug", debug, 1),
	CFG("-d", debug, 1),
	FUSE_OPT_KEY("debug", FUSE_OPT_KEY_KEEP), /* the layer below has it too */
	FUSE_OPT_KEY("-d", FUSE_OPT_KEY_KEEP),
	CFG("kernel_cache", kernel_cache, 1),
	CFG("auto_cache", auto_cache, 1),
	CFG("noauto_cache", auto_cache, 0),
	CFG("no_rofd_flush", no_rofd_flush, 1),
	CFG("direct_io", direct_io, 1),
	CFG("hard_remove", hard_remove, 1),
	CFG("use_ino", use_ino, 1),
	CFG("readdir_ino", readdir_ino, 1),
	CFG("umask=", set_mode, 1),
	CFG("umask=%o", umask, 0),
	CFG("fmask=", set_mode, 1),
	CFG("fmask=%o", fmask, 0),
	CFG("dmask=", set_mode, 1),
	CFG("dmask=%o", dmask, 0),
	CFG("uid=", set_uid, 1),
	CFG("uid=%u", uid, 0),
	CFG("gid=", set_gid, 1),
	CFG("gid=%u", gid, 0),
	CFG("entry_timeout=%lf", entry_timeout, 0),
	OPT("entry_timeout=", entry_given, 1),
	CFG("attr_timeout=%lf", attr_timeout, 0),
	OPT("attr_timeout=", attr_given, 1),
	CFG("ac_attr_timeout=%lf", ac_attr_timeout, 0),
	CFG("ac_attr_timeout=", ac_attr_timeout_set, 1),
	CFG("negative_timeout=%lf", negative_timeout, 0),
	OPT("negative_timeout=", negative_given, 1),
	CFG("noforget", remember, -1),
	CFG("remember=%u", remember, 0),
	CFG("intr", intr, 1),
	CFG("intr_signal=%d", intr_signal, 0),
	CFG("modules=%s", modules, 0),
	CFG("parallel_direct_write=%d", parallel_direct_writes, 0),
	CFG("parallel_direct_writes", parallel_direct_writes, 1), /* as the member is called */
	OPT("max_background=%u", max_background, 0),
	OPT("congestion_threshold=%u", congestion_threshold, 0),
	OPT("max_threads=%u", max_threads, 0),
	OPT("max_idle_threads=%u", max_idle_threads, 0),
	OPT("max_idle_threads=", idle_given, 1),
	OPT("clone_fd", clone_fd, 1),
	FUSE_OPT_KEY("inode_cache=", KEY_INODE_CACHE),
	FUSE_OPT_END,
};

/* "64M", "500000", "1G". 0 if it is nothing of the kind. */
static uint64_t parse_size(const char *text)
{
	unsigned int shift = 0;
	uint64_t n;
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	}
	if (errno || end[shift ? 1 : 0] || n > UINT64_MAX >> shift)
		return 0;
	return n << shift;
}

static int process(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct fuse *f = data;

	if (key != KEY_INODE_CACHE)
		return 1;
	f->opts.inode_cache = parse_size(strchr(arg, '=') + 1);
	if (f->opts.inode_cache)
		return 0;
	fuse_log(FUSE_LOG_ERR, "fuse: bad size in `%s': expected a number, with K, M or G\n", arg);
	return -1;
}

int hl_config_parse(struct fuse *f, struct fuse_args *args)
{
	f->cfg.entry_timeout = 1.0;
	f->cfg.attr_timeout = 1.0;
	f->cfg.negative_timeout = 0.0;
	f->cfg.intr_signal = SIGUSR1;
	if (fuse_opt_parse(args, f, options, process) < 0)
		return -1;
	if (!f->cfg.ac_attr_timeout_set)
		f->cfg.ac_attr_timeout = f->cfg.attr_timeout;
	return 0;
}

/* ---- init ---- */

/* struct fuse_config as libfuse 3.11 to 3.14 had it. */
struct old_config {
	int set_gid;
	unsigned int gid;
	int set_uid;
	unsigned int uid;
	int set_mode;
	unsigned int umask;
	double entry_timeout, negative_timeout, attr_timeout;
	int intr, intr_signal, remember, hard_remove, use_ino, readdir_ino, direct_io;
	int kernel_cache, auto_cache, no_rofd_flush, ac_attr_timeout_set;
	double ac_attr_timeout;
	int nullpath_ok, show_help;
	char *modules;
	int debug;
};
_Static_assert(offsetof(struct old_config, nullpath_ok) == 104 &&
		       offsetof(struct old_config, debug) == 120 &&
		       sizeof(struct old_config) == 128,
	       "layout of libfuse 3.14");

#define FOR_OLD_MEMBERS(X)                                                                         \
	X(set_gid)                                                                                 \
	X(gid)                                                                                     \
	X(set_uid)                                                                                 \
	X(uid)                                                                                     \
	X(set_mode)                                                                                \
	X(umask) X(entry_timeout) X(negative_timeout) X(attr_timeout) X(intr) X(intr_signal)       \
		X(remember) X(hard_remove) X(use_ino) X(readdir_ino) X(direct_io) X(kernel_cache)  \
			X(auto_cache) X(no_rofd_flush) X(ac_attr_timeout_set) X(ac_attr_timeout)   \
				X(nullpath_ok) X(show_help) X(modules) X(debug)

static void call_init_old(struct fuse *f, struct fuse_conn_info *conn)
{
	struct old_config old;

#define TO_OLD(m)   old.m = f->cfg.m;
#define FROM_OLD(m) f->cfg.m = old.m;
	FOR_OLD_MEMBERS(TO_OLD)
	fuse_fs_init(f->fs, conn, (struct fuse_config *)&old);
	FOR_OLD_MEMBERS(FROM_OLD)
}

/* While init() runs on this thread. */
static _Thread_local bool null_paths_accepted;

PROFUSE_EXPORT void profuse_accept_null_paths(struct fuse_config *cfg)
{
	null_paths_accepted = true;
}

static enum hl_memory memory_of(const struct fuse_config *cfg)
{
	if (cfg->remember > 0)
		return HL_REMEMBER_SECONDS;
	return cfg->remember < 0 ? HL_REMEMBER_ALWAYS : HL_FORGET_AT_ONCE;
}

/* What was said on the command line about the connection stands above what the
 * program says. */
static void insist(const struct hl_options *opts, struct fuse_conn_info *conn)
{
	if (opts->max_background)
		conn->max_background = opts->max_background;
	if (opts->congestion_threshold)
		conn->congestion_threshold = opts->congestion_threshold;
}

void hl_config_init(struct fuse *f, struct fuse_conn_info *conn)
{
	conn->max_background = DEFAULT_MAX_BACKGROUND;
	insist(&f->opts, conn);
	fuse_set_feature_flag(conn, FUSE_CAP_EXPORT_SUPPORT);
	null_paths_accepted = false;
	if (abi_is_old())
		call_init_old(f, conn);
	else
		fuse_fs_init(f->fs, conn, &f->cfg);
	f->null_paths = f->cfg.nullpath_ok && null_paths_accepted;
	insist(&f->opts, conn);
	hl_table_remember(f->table, memory_of(&f->cfg), (unsigned int)f->cfg.remember);
	if (f->cfg.auto_cache && hl_attrs_new(&f->attrs)) {
		fuse_log(FUSE_LOG_ERR, "fuse: no memory for auto_cache; it is off\n");
		f->cfg.auto_cache = 0;
	}
	if ((conn->want_ext & FUSE_CAP_PASSTHROUGH) && hl_backing_new(&f->backing)) {
		fuse_log(FUSE_LOG_ERR, "fuse: no memory for backing files; there are none\n");
		fuse_unset_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
	}
	if (f->cfg.intr && hl_intr_install(f))
		f->cfg.intr = 0;
}

/* ---- help ---- */

static const char help[] =
	"    -o kernel_cache        files change through this mount only: keep their cache\n"
	"    -o [no]auto_cache      keep the cache of a file while its mtime and size stay\n"
	"    -o direct_io           read and write without the page cache\n"
	"    -o parallel_direct_write=1\n"
	"                           several such writes to one file at a time\n"
	"    -o no_rofd_flush       no flush on closing what was opened read-only\n"
	"    -o umask=M             set the permissions of all to 0777 less M (octal)\n"
	"    -o fmask=M             the same for files\n"
	"    -o dmask=M             the same for directories\n"
	"    -o uid=N               set the owner of all\n"
	"    -o gid=N               set the group of all\n"
	"    -o entry_timeout=T     rely on names for T seconds (1.0)\n"
	"    -o negative_timeout=T  rely on names not being there (0.0)\n"
	"    -o attr_timeout=T      rely on attributes (1.0)\n"
	"    -o ac_attr_timeout=T   the same for auto_cache (attr_timeout)\n"
	"    -o use_ino             show the filesystem's own inode numbers\n"
	"    -o readdir_ino         show known inode numbers in listings\n"
	"    -o hard_remove         remove open files at once instead of hiding them\n"
	"    -o intr                interrupt callbacks when their caller gives up\n"
	"    -o intr_signal=N       with this signal (SIGUSR1)\n"
	"    -o noforget            never forget inodes\n"
	"    -o remember=T          remember inodes for T seconds after the kernel\n"
	"    -o inode_cache=SIZE    at most SIZE bytes (K, M, G) for remembering them\n"
	"    -o max_background=N    requests in the background at a time (128)\n"
	"    -o congestion_threshold=N\n"
	"                           slow down above N of them (3/4 of that)\n"
	"    -o modules=M1[:M2...]  put modules on top of the filesystem\n";

PROFUSE_EXPORT void fuse_lib_help(struct fuse_args *args)
{
	fputs(help, stdout);
	hl_modules_help(args);
}
