/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that every filesystem program has. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>
#include <fuse_service.h>

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/compiler.h"
#include "base/log.h"
#include "cli/cmdline.h"

#define OPT(templ, member, value)                                                                  \
	{                                                                                          \
		templ, offsetof(struct fuse_cmdline_opts, member), value                           \
	}

static const struct fuse_opt options[] = {
	OPT("-h", show_help, 1),
	OPT("--help", show_help, 1),
	OPT("-V", show_version, 1),
	OPT("--version", show_version, 1),
	/* Debugging is also for the layers below, and needs a terminal. */
	OPT("-d", debug, 1),
	OPT("debug", debug, 1),
	OPT("-d", foreground, 1),
	OPT("debug", foreground, 1),
	FUSE_OPT_KEY("-d", FUSE_OPT_KEY_KEEP),
	FUSE_OPT_KEY("debug", FUSE_OPT_KEY_KEEP),
	OPT("-f", foreground, 1),
	OPT("-s", singlethread, 1),
	OPT("fsname=", nodefault_subtype, 1),
	FUSE_OPT_KEY("fsname=", FUSE_OPT_KEY_KEEP),
	OPT("subtype=", nodefault_subtype, 1),
	FUSE_OPT_KEY("subtype=", FUSE_OPT_KEY_KEEP),
	OPT("clone_fd", clone_fd, 1),
	OPT("max_idle_threads=%u", max_idle_threads, 0),
	OPT("max_threads=%u", max_threads, 0),
	FUSE_OPT_END,
};

/* "/dev/fd/N" means that the caller has mounted already and N is the
 * connection. It is a name for us, not a path to be looked up. */
static bool names_connection(const char *mountpoint)
{
	int fd, used = 0;

	return sscanf(mountpoint, "/dev/fd/%d%n", &fd, &used) == 1 && mountpoint[used] == '\0';
}

/* elsewhere: it is not for us to look it up; who mounts does, and knows it by
 * this name. */
static int take_mountpoint(struct fuse_cmdline_opts *opts, const char *arg, bool elsewhere)
{
	if (opts->mountpoint) {
		fuse_log(FUSE_LOG_ERR, "fuse: invalid argument `%s': the mountpoint is `%s'\n", arg,
			 opts->mountpoint);
		return -1;
	}
	/* Made absolute now: the working directory changes before it is used. */
	opts->mountpoint = elsewhere || names_connection(arg) ? strdup(arg) : realpath(arg, NULL);
	if (!opts->mountpoint) {
		fuse_log(FUSE_LOG_ERR, "fuse: bad mount point `%s': %s\n", arg, strerror(errno));
		return -1;
	}
	return 0;
}

static int process(void *data, const char *arg, int key, struct fuse_args *out)
{
	if (key == FUSE_OPT_KEY_NONOPT)
		return take_mountpoint(data, arg, false);
	return 1;
}

static int process_for_service(void *data, const char *arg, int key, struct fuse_args *out)
{
	if (key == FUSE_OPT_KEY_NONOPT)
		return take_mountpoint(data, arg, true);
	return 1;
}

/* A mount that nobody named shows the name of its program in the type. */
static int add_default_subtype(struct fuse_args *args)
{
	CLEANUP_FREE char *option = NULL;
	const char *program = args->argv[0];
	const char *slash = strrchr(program, '/');

	if (slash && slash[1])
		program = slash + 1;
	if (asprintf(&option, "-osubtype=%s", program) < 0) {
		option = NULL;
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return -1;
	}
	return fuse_opt_add_arg(args, option);
}

static int parse_with(struct fuse_args *args, struct fuse_cmdline_opts *opts,
		      unsigned int max_threads, fuse_opt_proc_t take_argument)
{
	memset(opts, 0, sizeof(*opts));
	opts->max_idle_threads = UINT_MAX;
	opts->max_threads = max_threads;

	if (fuse_opt_parse(args, opts, options, take_argument) == 0 &&
	    (opts->nodefault_subtype || add_default_subtype(args) == 0))
		return 0;

	/* Who frees it after a failure, and who does not, finds nothing amiss. */
	free(opts->mountpoint);
	opts->mountpoint = NULL;
	return -1;
}

int cli_parse_cmdline(struct fuse_args *args, struct fuse_cmdline_opts *opts,
		      unsigned int max_threads)
{
	return parse_with(args, opts, max_threads, process);
}

int cli_parse_service_cmdline(struct fuse_args *args, struct fuse_cmdline_opts *opts,
			      unsigned int max_threads)
{
	return parse_with(args, opts, max_threads, process_for_service);
}

PROFUSE_EXPORT int fuse_service_parse_cmdline_opts(struct fuse_args *args,
						   struct fuse_cmdline_opts *opts)
{
	return cli_parse_service_cmdline(args, opts, 10);
}

/* What programs of their own loops get has always been 10. */
static int parse(struct fuse_args *args, struct fuse_cmdline_opts *opts)
{
	return cli_parse_cmdline(args, opts, 10);
}

PROFUSE_EXPORT int fuse_parse_cmdline(struct fuse_args *args, struct fuse_cmdline_opts *opts)
{
	return parse(args, opts);
}

int fuse_parse_cmdline_312(struct fuse_args *args, struct fuse_cmdline_opts *opts);
PROFUSE_EXPORT int fuse_parse_cmdline_312(struct fuse_args *args, struct fuse_cmdline_opts *opts)
{
	return parse(args, opts);
}

/* Programs from before max_threads brought a shorter structure. */
int fuse_parse_cmdline_30(struct fuse_args *args, struct fuse_cmdline_opts *opts);
PROFUSE_EXPORT int fuse_parse_cmdline_30(struct fuse_args *args, struct fuse_cmdline_opts *opts)
{
	struct fuse_cmdline_opts full;
	int res = parse(args, &full);

	memcpy(opts, &full, offsetof(struct fuse_cmdline_opts, max_threads));
	return res;
}
