/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuse_main(): a whole filesystem program. */
#define FUSE_USE_VERSION 319
#define fuse_main_real	 fuse_main_real_inline
#include <fuse.h>
#undef fuse_main_real
#include <fuse_lowlevel.h>
#include <fuse_daemonize.h>
#include <fuse_service.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/background.h"
#include "base/compiler.h"
#include "base/log.h"
#include "cli/cmdline.h"
#include "highlevel/threads.h"
#include "session/session.h"

/* What fuse_main() returns. */
enum outcome {
	ALL_WELL,
	BAD_COMMAND_LINE,
	NO_MOUNTPOINT,
	NO_FILESYSTEM,
	NO_MOUNT,
	NO_BACKGROUND,
	NO_SIGNALS,
	NO_MEMORY,
	LOOP_FAILED,
};

struct program {
	struct fuse_args args;
	struct fuse_cmdline_opts opts;
	const struct fuse_operations *op;
	size_t op_size;
	void *user_data;

	/* What an ordinary program does otherwise than a service. */
	int (*parse)(struct fuse_args *args, struct fuse_cmdline_opts *opts, unsigned int threads);
	enum outcome (*mount_and_serve)(struct program *p);
	struct fuse_service *service;
};

static void print_version(void)
{
	printf("FUSE library version %s\n", fuse_pkgversion());
	fuse_lowlevel_version();
}

static void print_help(struct program *p)
{
	if (p->args.argv[0][0] != '\0')
		printf("usage: %s [options] <mountpoint>\n\n", p->args.argv[0]);
	printf("FUSE options:\n");
	fuse_cmdline_help();
	fuse_lowlevel_help();
	fuse_lib_help(&p->args);
}

static enum outcome serve(struct program *p, struct fuse *f)
{
	struct fuse_loop_config *config;
	int res;

	if (p->opts.singlethread)
		return fuse_loop(f) ? LOOP_FAILED : ALL_WELL;
	config = fuse_loop_cfg_create();
	if (!config)
		return NO_MEMORY;
	fuse_loop_cfg_set_clone_fd(config, (unsigned int)p->opts.clone_fd);
	if (p->opts.max_idle_threads != UINT_MAX)
		fuse_loop_cfg_set_idle_threads(config, p->opts.max_idle_threads);
	fuse_loop_cfg_set_max_threads(config, p->opts.max_threads);
	res = fuse_loop_mt(f, config);
	fuse_loop_cfg_destroy(config);
	return res ? LOOP_FAILED : ALL_WELL;
}

static enum outcome serve_mounted(struct program *p, struct fuse *f)
{
	struct fuse_session *se = fuse_get_session(f);
	enum outcome result;

	if (fuse_set_signal_handlers(se))
		return NO_SIGNALS;
	result = serve(p, f);
	fuse_remove_signal_handlers(se);
	return result;
}

/* In the foreground too, no program keeps a directory busy. */
static bool leave_directory(const struct program *p)
{
	return !p->opts.foreground || fuse_daemonize(1) == 0;
}

/*
 * init() is called in here, on a thread of its own, if the kernel is new enough, and
 * otherwise by the loop; its failure is the same to who sees the status. With -s
 * in the foreground it is left to the loop, because interpreters that know one
 * thread only are run that way.
 */
static enum outcome mount_it(struct program *p, struct fuse *f)
{
	int res;

	if (!leave_directory(p))
		return NO_BACKGROUND;
	bg_loop_will_follow(!p->opts.foreground || !p->opts.singlethread);
	res = fuse_mount(f, p->opts.mountpoint);
	bg_loop_will_follow(false);
	if (!res)
		return ALL_WELL;
	return atomic_load(&fuse_get_session(f)->init_called) ? LOOP_FAILED : NO_MOUNT;
}

static enum outcome mount_and_serve(struct program *p)
{
	struct fuse *f;
	enum outcome result;

	f = fuse_new(&p->args, p->op, p->op_size, p->user_data);
	if (!f)
		return NO_FILESYSTEM;
	/* Not sooner, because a child has all pages to fault in again. */
	if (!p->opts.foreground && fuse_daemonize_early_start(0))
		result = NO_BACKGROUND;
	else
		result = mount_it(p, f);
	if (result == ALL_WELL) {
		result = serve_mounted(p, f);
		fuse_unmount(f);
	}
	fuse_destroy(f);
	return result;
}

/* Who mounts leaves when the mount is there, and takes it away if we fail. */
static enum outcome serve_as_service(struct program *p)
{
	struct fuse *f = fuse_new(&p->args, p->op, p->op_size, p->user_data);
	enum outcome result = NO_MOUNT;

	if (!f)
		return NO_FILESYSTEM;
	bg_loop_will_follow(true);
	if (!leave_directory(p)) {
		result = NO_BACKGROUND;
	} else if (!fuse_service_session_mount(p->service, fuse_get_session(f), 0, &p->opts)) {
		fuse_service_send_goodbye(p->service, 0);
		result = serve_mounted(p, f);
		fuse_unmount(f);
	}
	fuse_destroy(f);
	return result;
}

static enum outcome run(struct program *p)
{
	enum outcome result;

	if (p->parse(&p->args, &p->opts, hl_default_threads()))
		return BAD_COMMAND_LINE;
	if (p->opts.show_version) {
		print_version();
		return ALL_WELL;
	}
	if (p->opts.show_help) {
		print_help(p);
		return ALL_WELL;
	}
	if (!p->opts.mountpoint) {
		fuse_log(FUSE_LOG_ERR,
			 "error: no mountpoint specified; `%s --help' shows how to call it\n",
			 p->args.argv[0]);
		return NO_MOUNTPOINT;
	}
	result = p->mount_and_serve(p);
	/* To the parent, if it is still waiting. */
	if (result != ALL_WELL)
		fuse_daemonize_early_fail(result);
	return result;
}

static int fuse_program(struct program *p)
{
	enum outcome result = run(p);

	free(p->opts.mountpoint);
	fuse_opt_free_args(&p->args);
	return result;
}

static int ordinary_program(int argc, char *argv[], const struct fuse_operations *op,
			    size_t op_size, void *user_data)
{
	struct program p = {
		.args = FUSE_ARGS_INIT(argc, argv),
		.op = op,
		.op_size = op_size,
		.user_data = user_data,
		.parse = cli_parse_cmdline,
		.mount_and_serve = mount_and_serve,
	};

	return fuse_program(&p);
}

PROFUSE_EXPORT int fuse_service_main_real_versioned(struct fuse_service *service,
						    struct fuse_args *args,
						    const struct fuse_operations *op,
						    size_t op_size, struct libfuse_version *version,
						    void *user_data)
{
	struct program p = {
		/* Parsing makes copies: the caller's stay the caller's. */
		.args = FUSE_ARGS_INIT(args->argc, args->argv),
		.op = op,
		.op_size = op_size,
		.user_data = user_data,
		.parse = cli_parse_service_cmdline,
		.mount_and_serve = serve_as_service,
		.service = service,
	};

	return fuse_program(&p);
}

PROFUSE_EXPORT int fuse_main_real_versioned(int argc, char *argv[],
					    const struct fuse_operations *op, size_t op_size,
					    struct libfuse_version *version, void *user_data)
{
	return ordinary_program(argc, argv, op, op_size, user_data);
}

/* What programs built before 3.17 call. */
int fuse_main_real(int argc, char *argv[], const struct fuse_operations *op, size_t op_size,
		   void *user_data);
PROFUSE_EXPORT int fuse_main_real(int argc, char *argv[], const struct fuse_operations *op,
				  size_t op_size, void *user_data)
{
	return ordinary_program(argc, argv, op, op_size, user_data);
}
