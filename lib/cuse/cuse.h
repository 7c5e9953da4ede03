/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character devices on top of a session: what the files of this room share. */
#ifndef PROFUSE_CUSE_CUSE_H
#define PROFUSE_CUSE_CUSE_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 319
#endif
#include <cuse_lowlevel.h>

/* What cuse_lowlevel_new() does, for all its entries. */
struct fuse_session *cuse_new(struct fuse_args *args, const struct cuse_info *ci,
			      const struct cuse_lowlevel_ops *clop, size_t clop_size,
			      void *userdata);

#endif
