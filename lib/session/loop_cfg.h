/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parameters of the multi-threaded loops, whatever form the program gave them. */
#ifndef PROFUSE_SESSION_LOOP_CFG_H
#define PROFUSE_SESSION_LOOP_CFG_H

#include <stdbool.h>

struct fuse_loop_config;
struct fuse_loop_config_v1;

struct sess_loop_params {
	bool clone_fd;
	unsigned int max_idle_threads; /* UINT_MAX: idle threads stay */
	unsigned int max_threads;      /* at least 1 */
};

/* For the loops of edition 312 and newer. NULL gives the defaults. A structure
 * of the older form that was passed by mistake is recognised and honoured. */
struct sess_loop_params sess_loop_params(const struct fuse_loop_config *config);

/* For the loops of editions 32 to 311. NULL gives the defaults. */
struct sess_loop_params sess_loop_params_v1(const struct fuse_loop_config_v1 *config);

#endif
