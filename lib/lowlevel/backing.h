/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backing files, registered with the connection of a session. */
#ifndef PROFUSE_LOWLEVEL_BACKING_H
#define PROFUSE_LOWLEVEL_BACKING_H

struct fuse_session;

/* An id greater than 0, or -errno: -EPERM without the right to it, -ENOTTY if
 * the connection is no mount, -ELOOP if the file is stacked too deep, -EOPNOTSUPP
 * for one with set-user-ID or set-group-ID bits if it is the filesystem that clears
 * them: only by requests it hears for whom. */
int ll_backing_open(struct fuse_session *se, int fd);
/* 0 or -errno. */
int ll_backing_close(struct fuse_session *se, int id);

#endif
