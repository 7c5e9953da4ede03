/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hello_ll: one directory with one read-only file, through the low-level API.
 *
 * In the low-level API the kernel names things by node id, not by path. It asks
 * "what is called NAME in directory P?" (lookup), and from then on uses the node id
 * of our answer. A callback gets a request and answers it with exactly one
 * fuse_reply_*() call. It may do so later and from another thread; here every answer
 * is at hand, so each callback replies before it returns.
 *
 *     hello_ll MOUNTPOINT      mount, go to the background
 *     hello_ll -f MOUNTPOINT   stay in the foreground
 *     hello_ll -d MOUNTPOINT   the same, and show every request
 *     fusermount3 -u MOUNTPOINT
 */
#define FUSE_USE_VERSION 319

#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The node ids of this filesystem. FUSE_ROOT_ID (1) is always the root. */
enum { NODE_ROOT = FUSE_ROOT_ID, NODE_HELLO = 2 };

static const char hello_name[] = "hello";
static const char hello_text[] = "Hello World!\n";

/*
 * Nothing here ever changes, so the kernel may remember names and attributes for as long as
 * it likes. A filesystem whose content changes behind the kernel's back uses a short time.
 */
static const double forever = 86400.0;

/* The attributes of a node; returns 0, or -1 if there is no such node. */
static int fill_attr(fuse_ino_t node, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = node;
	st->st_uid = getuid();
	st->st_gid = getgid();
	switch (node) {
	case NODE_ROOT:
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		return 0;
	case NODE_HELLO:
		st->st_mode = S_IFREG | 0444;
		st->st_nlink = 1;
		st->st_size = sizeof(hello_text) - 1;
		return 0;
	default:
		return -1;
	}
}

/* Which node has this name in this directory? */
static void hello_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {.attr_timeout = forever, .entry_timeout = forever};

	/* A reply with node id 0 says "there is none", and lets the kernel remember that. */
	if (parent == NODE_ROOT && strcmp(name, hello_name) == 0) {
		entry.ino = NODE_HELLO;
		fill_attr(NODE_HELLO, &entry.attr);
	}
	fuse_reply_entry(req, &entry);
}

/* stat() */
static void hello_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	if (fill_attr(node, &st) < 0)
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_attr(req, &st, forever);
}

/*
 * The next entries of a directory, as many as fit. Each entry carries the position that
 * follows it, and the kernel continues from there: position 0 is the start, so the first entry
 * carries 1. An empty answer is the end.
 */
static void hello_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
			  struct fuse_file_info *fi)
{
	static const struct {
		const char *name;
		fuse_ino_t node;
	} list[] = {{".", NODE_ROOT}, {"..", NODE_ROOT}, {hello_name, NODE_HELLO}};
	const off_t count = sizeof(list) / sizeof(list[0]);
	char *buf;
	size_t used = 0;

	(void)fi;
	if (node != NODE_ROOT) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	buf = malloc(size);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (off_t i = offset; i < count; i++) {
		struct stat st;
		size_t need;

		fill_attr(list[i].node, &st);
		need = fuse_add_direntry(req, buf + used, size - used, list[i].name, &st, i + 1);
		if (need > size - used)
			break; /* does not fit, and nothing was written */
		used += need;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

/* open(): the only place where we can say that the file is read-only to everybody. */
static void hello_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	if (node != NODE_HELLO) {
		fuse_reply_err(req, EISDIR);
	} else if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EACCES);
	} else {
		fi->keep_cache = 1; /* the text never changes: keep what is cached */
		fuse_reply_open(req, fi);
	}
}

/* read() and pread(). Less than asked for means end of file. */
static void hello_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	const off_t length = sizeof(hello_text) - 1;

	(void)node;
	(void)fi;
	if (offset >= length) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	if (size > (size_t)(length - offset))
		size = length - offset;
	fuse_reply_buf(req, hello_text + offset, size);
}

/* What is not in this table is answered by the library: mostly "not implemented". */
static const struct fuse_lowlevel_ops hello_ops = {
	.lookup = hello_lookup,
	.getattr = hello_getattr,
	.readdir = hello_readdir,
	.open = hello_open,
	.read = hello_read,
};

static void print_help(const char *program)
{
	printf("usage: %s [options] MOUNTPOINT\n\n", program);
	fuse_cmdline_help();
	fuse_lowlevel_help();
}

/* Serve a mounted session until it is unmounted or a signal ends it. */
static int serve(struct fuse_session *se, const struct fuse_cmdline_opts *opts)
{
	struct fuse_loop_config *config;
	int ret;

	if (opts->singlethread)
		return fuse_session_loop(se);

	config = fuse_loop_cfg_create();
	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, opts->clone_fd);
	fuse_loop_cfg_set_max_threads(config, opts->max_threads);
	ret = fuse_session_loop_mt(se, config);
	fuse_loop_cfg_destroy(config);
	return ret;
}

/* Returns the exit status. Everything that was set up is taken down again, in reverse. */
static int run(struct fuse_args *args, const struct fuse_cmdline_opts *opts)
{
	struct fuse_session *se;
	int ret = 1;

	se = fuse_session_new(args, &hello_ops, sizeof(hello_ops), NULL);
	if (!se)
		return 1;
	if (fuse_set_signal_handlers(se) == 0) {
		if (fuse_session_mount(se, opts->mountpoint) == 0) {
			if (fuse_daemonize(opts->foreground) == 0)
				ret = serve(se, opts) ? 1 : 0;
			fuse_session_unmount(se);
		}
		fuse_remove_signal_handlers(se);
	}
	fuse_session_destroy(se);
	return ret;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	int ret = 1;

	if (fuse_parse_cmdline(&args, &opts) != 0)
		return 1;
	if (opts.show_help) {
		print_help(argv[0]);
		ret = 0;
	} else if (opts.show_version) {
		fuse_lowlevel_version();
		ret = 0;
	} else if (!opts.mountpoint) {
		fprintf(stderr, "%s: no mountpoint given; try --help\n", argv[0]);
	} else {
		ret = run(&args, &opts);
	}
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return ret;
}
