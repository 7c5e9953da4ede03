/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frame around a low-level filesystem, shared by the larger examples. hello_ll spells
 * the same steps out for the reader.
 */
#ifndef EXAMPLE_SERVE_H
#define EXAMPLE_SERVE_H

#define FUSE_USE_VERSION 319

#include <fuse_lowlevel.h>

/* A filesystem as serve() sees it. */
struct example {
	const struct fuse_lowlevel_ops *ops;
	size_t ops_size;
	/* Its own options, for --help; each line indented by four. */
	const char *help;
	/*
	 * Called once the command line is known to be good, before the session exists and before
	 * the process goes to the background, so that its errors reach the terminal. Returns 0,
	 * or an exit status. May be NULL.
	 */
	int (*prepare)(void *data);
	/* Called when the mount is there and before it is served. May be NULL. */
	void (*mounted)(void *data, const char *mountpoint);
	void *data;
};

/*
 * Parse what is left of the command line, mount, serve until unmounted or told to stop by a
 * signal, unmount. Returns the exit status: 0 after an unmount or one of those signals, 1 for
 * anything that went wrong.
 */
int serve(struct fuse_args *args, const struct example *ex);

#endif
