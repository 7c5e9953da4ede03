/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An empty filesystem that goes into the background before it mounts.
 *
 *	early [-f] [-o options] MOUNTPOINT [HOW]
 *
 * HOW it misbehaves: "refuse" asks in init() for what the kernel does not have,
 * "die" ends there without a word, "fail" reports status 42 after the mount.
 */
#define FUSE_USE_VERSION 319
#include <fuse_daemonize.h>
#include <fuse_lowlevel.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *how = "";

static void e_init(void *userdata, struct fuse_conn_info *conn)
{
	if (strcmp(how, "die") == 0)
		_exit(7);
	if (strcmp(how, "refuse") == 0)
		conn->want_ext |= 1ULL << 63;
	fprintf(stderr, "init\n");
	/* Where the mount waits for init this comes too early, and is kept. */
	if (strcmp(how, "fail") != 0)
		fuse_daemonize_early_success();
}

static void e_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = {.st_ino = ino, .st_mode = S_IFDIR | 0751, .st_nlink = 2};

	fuse_reply_attr(req, &st, 1);
}

static const struct fuse_lowlevel_ops ops = {.init = e_init, .getattr = e_getattr};

static int serve(struct fuse_session *se, const char *mountpoint)
{
	int res = 6;

	if (fuse_set_signal_handlers(se) != 0)
		return res;
	res = 4;
	if (fuse_session_mount(se, mountpoint) == 0) {
		if (strcmp(how, "fail") == 0) {
			fuse_daemonize_early_fail(42);
			res = 42;
		} else {
			res = fuse_session_loop_mt(se, NULL) ? 8 : 0;
		}
		fuse_session_unmount(se);
	}
	fuse_remove_signal_handlers(se);
	return res;
}

int main(int argc, char *argv[])
{
	struct fuse_args args;
	struct fuse_cmdline_opts opts;
	struct fuse_session *se;
	int res = 3;

	if (argc > 2 && strchr("rdf", argv[argc - 1][0]))
		how = argv[--argc];
	args = (struct fuse_args)FUSE_ARGS_INIT(argc, argv);
	if (fuse_parse_cmdline(&args, &opts) != 0)
		return 1;
	if (fuse_daemonize_early_start(opts.foreground ? FUSE_DAEMONIZE_NO_BACKGROUND : 0) != 0)
		return 5;
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (se) {
		res = serve(se, opts.mountpoint);
		fuse_session_destroy(se);
	}
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return res;
}
