/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * As ends_hl.c, of the low-level API and in the order in which such programs have
 * always gone into the background: after the mount, before the loop.
 */
#define FUSE_USE_VERSION 31
#include <fuse_lowlevel.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ends.h"

static const char *how = "";

static void e_init(void *userdata, struct fuse_conn_info *conn)
{
	end_in_init(how, conn);
}

static void e_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = {.st_ino = ino, .st_mode = S_IFDIR | 0751, .st_nlink = 2};

	fuse_reply_attr(req, &st, 1);
}

static const struct fuse_lowlevel_ops ops = {.init = e_init, .getattr = e_getattr};

static int serve(struct fuse_session *se, const struct fuse_cmdline_opts *opts)
{
	int res;

	if (fuse_set_signal_handlers(se) != 0)
		return 6;
	if (strcmp(how, "vanish") == 0)
		rmdir(opts->mountpoint);
	if (fuse_session_mount(se, opts->mountpoint) != 0) {
		fuse_remove_signal_handlers(se);
		return 4;
	}
	res = fuse_daemonize(opts->foreground) ? 5 : fuse_session_loop_mt(se, 0) ? 8 : 0;
	fuse_remove_signal_handlers(se);
	fuse_session_unmount(se);
	return res;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	struct fuse_session *se;
	int res = 3;

	if (getenv("HOW"))
		how = getenv("HOW");
	if (fuse_parse_cmdline(&args, &opts) != 0)
		return 1;
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (se) {
		res = serve(se, &opts);
		fuse_session_destroy(se);
	}
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return res;
}
