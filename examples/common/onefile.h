/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A low-level filesystem with one file that changes by itself, for the examples
 * of notifications. The kernel is told to rely on everything for a day; so what
 * it sees of a change it sees because it was notified.
 *
 *     program [-o interval=SECONDS] [-o no_notify] MOUNTPOINT
 */
#ifndef EXAMPLE_ONEFILE_H
#define EXAMPLE_ONEFILE_H

#define FUSE_USE_VERSION 319

#include <fuse_lowlevel.h>

#include <stdbool.h>

#define ONEFILE_INO  2
#define ONEFILE_ROOM 256

/* What an example adds. The functions are called with the state locked, but for
 * notify. */
struct onefile {
	const char *what; /* for --help */
	/* Changes name or text (both NUL-terminated), each interval. */
	void (*change)(char *name, char *text, unsigned int round);
	/* Tells the kernel. old is the name before. Not called with no_notify. */
	void (*notify)(struct fuse_session *se, const char *old, const char *name,
		       const char *text);
	/* The answer to a retrieval; may be NULL. */
	void (*retrieve_reply)(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset,
			       struct fuse_bufvec *bufv);
};

int onefile_main(int argc, char *argv[], const struct onefile *example);

/* A copy of the file's present text. */
void onefile_text(char text[ONEFILE_ROOM]);

#endif
