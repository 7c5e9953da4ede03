/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void print_help(const char *program, const struct example *ex)
{
	printf("usage: %s [options] MOUNTPOINT\n\n", program);
	printf("Options of this filesystem:\n%s\n", ex->help);
	printf("General options:\n");
	fuse_cmdline_help();
	fuse_lowlevel_help();
}

static int loop(struct fuse_session *se, const struct fuse_cmdline_opts *opts)
{
	struct fuse_loop_config *config;
	int ret;

	if (opts->singlethread)
		return fuse_session_loop(se);

	config = fuse_loop_cfg_create();
	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, opts->clone_fd);
	fuse_loop_cfg_set_idle_threads(config, opts->max_idle_threads);
	fuse_loop_cfg_set_max_threads(config, opts->max_threads);
	ret = fuse_session_loop_mt(se, config);
	fuse_loop_cfg_destroy(config);
	return ret;
}

static int mount_and_loop(struct fuse_session *se, const struct fuse_cmdline_opts *opts,
			  const struct example *ex)
{
	int ret = 1;

	if (fuse_set_signal_handlers(se) != 0)
		return 1;
	if (fuse_session_mount(se, opts->mountpoint) == 0) {
		if (ex->mounted)
			ex->mounted(ex->data, opts->mountpoint);
		/* A positive result is the signal that asked us to stop: a clean end. */
		if (fuse_daemonize(opts->foreground) == 0)
			ret = loop(se, opts) < 0;
		fuse_session_unmount(se);
	}
	fuse_remove_signal_handlers(se);
	return ret;
}

static int run(struct fuse_args *args, const struct fuse_cmdline_opts *opts,
	       const struct example *ex)
{
	struct fuse_session *se;
	int ret;

	ret = ex->prepare ? ex->prepare(ex->data) : 0;
	if (ret != 0)
		return ret;
	se = fuse_session_new(args, ex->ops, ex->ops_size, ex->data);
	if (!se)
		return 1;
	ret = mount_and_loop(se, opts, ex);
	fuse_session_destroy(se);
	return ret;
}

int serve(struct fuse_args *args, const struct example *ex)
{
	struct fuse_cmdline_opts opts;
	int ret = 1;

	if (fuse_parse_cmdline(args, &opts) != 0)
		return 1;
	if (opts.show_help) {
		print_help(args->argv[0], ex);
		ret = 0;
	} else if (opts.show_version) {
		fuse_lowlevel_version();
		ret = 0;
	} else if (!opts.mountpoint) {
		fprintf(stderr, "%s: no mountpoint given; try --help\n", args->argv[0]);
	} else {
		ret = run(args, &opts, ex);
	}
	free(opts.mountpoint);
	return ret;
}
