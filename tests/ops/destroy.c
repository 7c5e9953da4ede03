/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/mount.h>

static void on_mock(struct ops *t)
{
	check_eq(fs_destroys(t->fs), 0);
	check_eq(mock_destroy(t->m), 0);
	check_eq(fs_destroys(t->fs), 1);
	/* It is the last request; what comes all the same gets an error. */
	check_eq(mock_access(t->m, 1, 0), -EIO);
	check_eq(fs_count(t->fs, PROTO_ACCESS), 0);
}

/* The unmount of a block device's filesystem waits for the answer. From outside
 * the loop gives it; when the filesystem unmounts itself there is no loop any
 * more, and nobody may wait. */
static void on_mount(struct ops *t)
{
	fuse_session_exit(t->se);
	pthread_join(t->loop, NULL);
	fuse_session_unmount(t->se);
	fuse_session_destroy(t->se);
	check_eq(fs_destroys(t->fs), fs_inits(t->fs));
	ops_cover(t);
	fs_free(t->fs);

	ops_mount_begin(t);
	struct stat st;

	check_eq(stat(t->mnt, &st), 0);
	ops_check_transport(t); /* afterwards it is over */
	check_eq(fs_destroys(t->fs), 0);
	check_eq(umount2(t->mnt, 0), 0);
	check_eq(fs_destroys(t->fs), 1);
	check(fs_seen_op(t->fs, PROTO_DESTROY));
}

OPS_TEST(.op = PROTO_DESTROY, .mock = on_mock, .mount = on_mount, .block = true, .special = true)
