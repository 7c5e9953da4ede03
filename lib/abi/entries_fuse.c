/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Older versions of names of the high-level API. */
#define FUSE_USE_VERSION 319
#include <fuse.h>

#include "abi/entry.h"

/* The first edition printed the help itself; neither tells its version. */
ABI_ENTRY(struct fuse *, "fuse_new@FUSE_3.0", fuse_new_30,
	  (struct fuse_args * args, const struct fuse_operations *op, size_t op_size,
	   void *user_data),
	  (args, op, op_size, user_data));
ABI_ENTRY(struct fuse *, ABI_DEFAULT_IN_3("fuse_new", "FUSE_3.1"), fuse_new_31,
	  (struct fuse_args * args, const struct fuse_operations *op, size_t op_size,
	   void *user_data),
	  (args, op, op_size, user_data));

/* The second argument was a number, then a public structure. */
ABI_ENTRY(int, "fuse_loop_mt@FUSE_3.0", fuse_loop_mt_31, (struct fuse * f, int clone_fd),
	  (f, clone_fd));
ABI_ENTRY(int, "fuse_loop_mt@FUSE_3.2", fuse_loop_mt_32,
	  (struct fuse * f, struct fuse_loop_config_v1 *config), (f, config));
