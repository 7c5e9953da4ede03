/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A module that does nothing but change paths, for modules to begin with. */
#ifndef PROFUSE_HIGHLEVEL_MODULES_FORWARD_H
#define PROFUSE_HIGHLEVEL_MODULES_FORWARD_H

#include "highlevel/fs_stack.h"

/* The first member of such a module's data. */
struct hl_forward {
	struct fuse_fs *next;
	bool running; /* init() was called, so destroy() must be */

	/* *out becomes a malloc()ed path, or NULL for NULL; 0 or -errno. */
	int (*map)(struct hl_forward *f, const char *path, char **out);
};

/* The data of the module that is being called. */
struct hl_forward *hl_forward_data(void);

/* Sets every operation to one that maps its paths and calls the layer below;
 * a module may replace some before it drops those that are missing there. */
void hl_forward_all(struct fuse_operations *op);

/* What a module's destroy() does before it frees its data. */
void hl_forward_destroy(struct hl_forward *f);

#endif
