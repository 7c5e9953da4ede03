/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a thread knows about the request that it serves. */
#ifndef PROFUSE_HIGHLEVEL_CONTEXT_H
#define PROFUSE_HIGHLEVEL_CONTEXT_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 319
#endif
#include <fuse.h>
#include <fuse_lowlevel.h>

#include <stdbool.h>

struct hl_context {
	struct fuse_context pub;
	fuse_req_t req;		     /* NULL in init and destroy */
	struct fuse_file_info *file; /* where there is no path, and no argument for it */
	bool known;		     /* this thread has run a callback */
	bool inside;		     /* and is in one */
};

/* The calling thread's, made if need be. */
struct fuse_context *hl_context_make(void);

/* Sets the thread's context to a request, or with NULL to none, and returns the
 * one before: callbacks may serve other filesystems. */
struct hl_context hl_context_enter(struct fuse *f, fuse_req_t req, void *private_data);
void hl_context_leave(const struct hl_context *outer);
/* The open file that stands for the path, until hl_context_leave(). */
void hl_context_file(struct fuse_file_info *file);
/* The request is about to be answered: it can be asked nothing any more. */
void hl_context_answered(void);

#endif
