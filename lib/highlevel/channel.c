/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mount for another program to serve. */
#include "highlevel/hl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "mount/mount.h"

static int parse(const char *options, struct mnt_opts **opts)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	CLEANUP_FREE char *why = NULL;
	int err = fuse_opt_add_arg(&args, "");

	if (!err && options && *options)
		err = fuse_opt_add_arg(&args, "-o") || fuse_opt_add_arg(&args, options);
	if (!err && mnt_opts_parse(&args, opts, &why)) {
		fuse_log(FUSE_LOG_ERR, "%s\n", why ? why : "fuse: out of memory");
		err = -1;
	}
	if (!err && args.argc > 1) {
		fuse_log(FUSE_LOG_ERR, "fuse: unknown option(s): `%s'\n", args.argv[args.argc - 1]);
		mnt_opts_free(*opts);
		err = -1;
	}
	fuse_opt_free_args(&args);
	return err;
}

PROFUSE_EXPORT int fuse_open_channel(const char *mountpoint, const char *options)
{
	struct mnt_opts *opts;
	struct mnt_result res = {.fd = -1, .keep_fd = -1};
	int err;

	if (parse(options, &opts))
		return -1;
	err = mnt_mount(mountpoint, opts, NULL, &res);
	mnt_opts_free(opts);
	if (res.notes)
		fuse_log(FUSE_LOG_WARNING, "%s", res.notes);
	if (err && res.report)
		fuse_log(FUSE_LOG_ERR, "%s", res.report);
	free(res.notes);
	free(res.report);
	/* What keeps the mount alive stays with this process. */
	return err ? -1 : res.fd;
}
