/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the command line of a device's program to its end, and the entries of
 * programs that were built before 3.19. */
#include "cuse/cuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "session/session.h"

#define CUSE_DEVICE "/dev/cuse"

/* A device has no mountpoint, so the usual command line does not fit. */
struct cuse_cmdline {
	int help, version, foreground, single;
};

#define OPT(templ, member)                                                                         \
	{                                                                                          \
		templ, offsetof(struct cuse_cmdline, member), 1                                    \
	}

static const struct fuse_opt options[] = {
	OPT("-h", help),
	OPT("--help", help),
	OPT("-V", version),
	OPT("--version", version),
	OPT("-f", foreground),
	OPT("-s", single),
	OPT("-d", foreground),
	OPT("debug", foreground),
	FUSE_OPT_KEY("-d", FUSE_OPT_KEY_KEEP),
	FUSE_OPT_KEY("debug", FUSE_OPT_KEY_KEEP),
	FUSE_OPT_END,
};

static void print_help(const char *program)
{
	printf("usage: %s [options]\n\n"
	       "    -h   --help            print help\n"
	       "    -V   --version         print version\n"
	       "    -d   -o debug          enable debug output (implies -f)\n"
	       "    -f                     foreground operation\n"
	       "    -s                     disable multi-threaded operation\n",
	       program);
}

static int open_device(struct fuse_session *se)
{
	CLEANUP_CLOSE int fd = -1;
	struct xport *x;
	int err = fd_ensure_stdio();

	if (err)
		return err;
	fd = open(CUSE_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		fuse_log(FUSE_LOG_ERR, "cuse: cannot open " CUSE_DEVICE ": %s%s\n", strerror(-err),
			 err == -ENOENT || err == -ENODEV
				 ? "; the kernel needs CONFIG_CUSE, and perhaps `modprobe cuse'"
			 : err == -EACCES ? "; normally only root may create devices"
					  : "");
		return err;
	}
	err = xport_dev_new(fd, &x);
	if (err)
		return err;
	take_fd(&fd);
	x->takes_rings = false;
	err = sess_attach(se, x);
	if (err)
		xport_free(x);
	return err;
}

static int start(struct fuse_session *se, const struct cuse_cmdline *cmd)
{
	if (open_device(se) || fuse_set_signal_handlers(se))
		return -1;
	if (fuse_daemonize(cmd->foreground)) {
		fuse_remove_signal_handlers(se);
		return -1;
	}
	return 0;
}

/* *done: everything that was asked for is done (help, version). */
static struct fuse_session *setup(int argc, char *argv[], const struct cuse_info *ci,
				  const struct cuse_lowlevel_ops *clop, size_t clop_size,
				  int *multithreaded, void *userdata, bool *done)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct cuse_cmdline cmd = {0};
	struct fuse_session *se = NULL;

	*done = false;
	if (fuse_opt_parse(&args, &cmd, options, NULL) == 0) {
		*multithreaded = !cmd.single;
		*done = cmd.help || cmd.version;
		if (cmd.help)
			print_help(argv[0]);
		else if (cmd.version)
			fuse_lowlevel_version();
		else
			se = cuse_new(&args, ci, clop, clop_size, userdata);
	}
	fuse_opt_free_args(&args);
	if (se && start(se, &cmd)) {
		fuse_session_destroy(se);
		return NULL;
	}
	return se;
}

PROFUSE_EXPORT struct fuse_session *
cuse_lowlevel_setup_319(int argc, char *argv[], const struct cuse_info *ci,
			const struct cuse_lowlevel_ops *clop, size_t clop_size,
			const struct libfuse_version *version, int *multithreaded, void *userdata)
{
	bool done;

	return setup(argc, argv, ci, clop, clop_size, multithreaded, userdata, &done);
}

PROFUSE_EXPORT void cuse_lowlevel_teardown(struct fuse_session *se)
{
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
}

static int run(int argc, char *argv[], const struct cuse_info *ci,
	       const struct cuse_lowlevel_ops *clop, size_t clop_size, void *userdata)
{
	struct sess_loop_params params = sess_loop_params(NULL);
	int multithreaded = 1, res;
	bool done;
	struct fuse_session *se =
		setup(argc, argv, ci, clop, clop_size, &multithreaded, userdata, &done);

	if (!se)
		return done ? 0 : 1;
	res = multithreaded ? sess_loop_mt(se, &params) : sess_loop(se);
	cuse_lowlevel_teardown(se);
	return res < 0 ? 1 : 0;
}

PROFUSE_EXPORT int cuse_lowlevel_main_319(int argc, char *argv[], const struct cuse_info *ci,
					  const struct cuse_lowlevel_ops *clop, size_t clop_size,
					  const struct libfuse_version *version, void *userdata)
{
	return run(argc, argv, ci, clop, clop_size, userdata);
}

/* ---- before 3.19 the table had no size, and always this one ---- */

#undef cuse_lowlevel_new
#undef cuse_lowlevel_setup
#undef cuse_lowlevel_main
struct fuse_session *cuse_lowlevel_new(struct fuse_args *args, const struct cuse_info *ci,
				       const struct cuse_lowlevel_ops *clop, void *userdata);
struct fuse_session *cuse_lowlevel_setup(int argc, char *argv[], const struct cuse_info *ci,
					 const struct cuse_lowlevel_ops *clop, int *multithreaded,
					 void *userdata);
int cuse_lowlevel_main(int argc, char *argv[], const struct cuse_info *ci,
		       const struct cuse_lowlevel_ops *clop, void *userdata);

PROFUSE_EXPORT struct fuse_session *cuse_lowlevel_new(struct fuse_args *args,
						      const struct cuse_info *ci,
						      const struct cuse_lowlevel_ops *clop,
						      void *userdata)
{
	return cuse_new(args, ci, clop, sizeof(*clop), userdata);
}

PROFUSE_EXPORT struct fuse_session *cuse_lowlevel_setup(int argc, char *argv[],
							const struct cuse_info *ci,
							const struct cuse_lowlevel_ops *clop,
							int *multithreaded, void *userdata)
{
	bool done;

	return setup(argc, argv, ci, clop, sizeof(*clop), multithreaded, userdata, &done);
}

PROFUSE_EXPORT int cuse_lowlevel_main(int argc, char *argv[], const struct cuse_info *ci,
				      const struct cuse_lowlevel_ops *clop, void *userdata)
{
	return run(argc, argv, ci, clop, sizeof(*clop), userdata);
}
