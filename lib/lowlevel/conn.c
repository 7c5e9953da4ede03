/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library notes for itself in the reserved end of fuse_conn_info, so
 * that a copy of the structure carries it along. */
#include "lowlevel/ll.h"

#define NOTES	  30 /* the last element of `reserved` */
#define SYNC_INIT (1u << 0)

static_assert(sizeof(((struct fuse_conn_info *)0)->reserved) ==
		      (NOTES + 1) * sizeof(((struct fuse_conn_info *)0)->reserved[0]),
	      "the notes are the last element");

void ll_conn_set_sync_init(struct fuse_conn_info *conn)
{
	conn->reserved[NOTES] |= SYNC_INIT;
}

PROFUSE_EXPORT bool fuse_conn_is_sync_init(const struct fuse_conn_info *conn)
{
	return conn->reserved[NOTES] & SYNC_INIT;
}
