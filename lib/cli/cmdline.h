/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line, for the files of this room. */
#ifndef PROFUSE_CLI_CMDLINE_H
#define PROFUSE_CLI_CMDLINE_H

struct fuse_args;
struct fuse_cmdline_opts;

/* fuse_parse_cmdline() with another number of threads where none is given. */
int cli_parse_cmdline(struct fuse_args *args, struct fuse_cmdline_opts *opts,
		      unsigned int max_threads);

/* fuse_service_parse_cmdline_opts() likewise. */
int cli_parse_service_cmdline(struct fuse_args *args, struct fuse_cmdline_opts *opts,
			      unsigned int max_threads);

#endif
