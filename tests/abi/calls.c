/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls every function whose symbol depends on the edition. It is compiled for
 * each edition, and the symbols it then needs are compared with what programs
 * of that edition have always asked for; it is never linked or run.
 */
#include "fuse.h"
#include "fuse_lowlevel.h"
#include "cuse_lowlevel.h"

void *results[16];

void call_all(struct fuse_args *args, struct fuse *f, struct fuse_session *se);
void call_all(struct fuse_args *args, struct fuse *f, struct fuse_session *se)
{
	static const struct fuse_operations op;
	static const struct fuse_lowlevel_ops llop;
	static const struct cuse_lowlevel_ops clop;
	static const struct cuse_info ci;
	static const struct fuse_custom_io io;
	struct fuse_cmdline_opts opts;
	int mt;

	fuse_main(args->argc, args->argv, &op, NULL);
	results[0] = fuse_new(args, &op, sizeof(op), NULL);
	results[1] = fuse_session_new(args, &llop, sizeof(llop), NULL);
	fuse_parse_cmdline(args, &opts);

#if FUSE_USE_VERSION < 32
	fuse_loop_mt(f, 1);
	fuse_session_loop_mt(se, 1);
#else
	fuse_loop_mt(f, NULL);
	fuse_session_loop_mt(se, NULL);
#endif
#if FUSE_USE_VERSION < 317
	fuse_session_custom_io(se, &io, 0);
#else
	fuse_session_custom_io(se, &io, sizeof(io), 0);
#endif

	results[2] = cuse_lowlevel_new(args, &ci, &clop, NULL);
	results[3] = cuse_lowlevel_setup(args->argc, args->argv, &ci, &clop, &mt, NULL);
	cuse_lowlevel_main(args->argc, args->argv, &ci, &clop, NULL);
}
