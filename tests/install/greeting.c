/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem with one file, written against the installed headers only. */
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 17)
#include <fuse_lowlevel.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_INO 2
static const char text[] = "installed and alive\n";

static int fill(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0444;
	st->st_nlink = ino == FUSE_ROOT_ID ? 2 : 1;
	st->st_size = ino == FILE_INO ? (off_t)strlen(text) : 0;
	return ino == FUSE_ROOT_ID || ino == FILE_INO ? 0 : ENOENT;
}

static void g_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = {.ino = FILE_INO, .attr_timeout = 1, .entry_timeout = 1};

	if (parent != FUSE_ROOT_ID || strcmp(name, "greeting") != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill(FILE_INO, &e.attr);
	fuse_reply_entry(req, &e);
}

static void g_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int err = fill(ino, &st);

	(void)fi;
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_attr(req, &st, 1);
}

static void g_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	static const char *const names[] = {".", "..", "greeting"};
	static const fuse_ino_t inos[] = {FUSE_ROOT_ID, FUSE_ROOT_ID, FILE_INO};
	char buf[512];
	size_t used = 0;

	(void)ino;
	(void)fi;
	if (size > sizeof(buf))
		size = sizeof(buf);
	for (; off < 3; off++) {
		struct stat st;
		size_t n;

		fill(inos[off], &st);
		n = fuse_add_direntry(req, buf + used, size - used, names[off], &st, off + 1);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, buf, used);
}

static void g_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	size_t len = strlen(text);

	(void)ino;
	(void)fi;
	if ((size_t)off >= len)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, text + off,
			       size < len - (size_t)off ? size : len - (size_t)off);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = g_lookup,
	.getattr = g_getattr,
	.readdir = g_readdir,
	.read = g_read,
};

static int serve(struct fuse_session *se, const struct fuse_cmdline_opts *opts)
{
	int res = 1;

	if (fuse_set_signal_handlers(se) != 0)
		return res;
	if (fuse_session_mount(se, opts->mountpoint) == 0) {
		if (fuse_daemonize(opts->foreground) == 0)
			res = opts->singlethread ? fuse_session_loop(se)
						 : fuse_session_loop_mt(se, NULL);
		fuse_session_unmount(se);
	}
	fuse_remove_signal_handlers(se);
	return res;
}

static int run(struct fuse_args *args, const struct fuse_cmdline_opts *opts)
{
	struct fuse_session *se;
	int res;

	if (opts->show_version) {
		printf("%s\n", fuse_pkgversion());
		return 0;
	}
	se = fuse_session_new(args, &ops, sizeof(ops), NULL);
	if (!se)
		return 1;
	res = serve(se, opts);
	fuse_session_destroy(se);
	return res;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	int res = 1;

	if (fuse_parse_cmdline(&args, &opts) == 0) {
		res = run(&args, &opts);
		free(opts.mountpoint);
	}
	fuse_opt_free_args(&args);
	return res;
}
