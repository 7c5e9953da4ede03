/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify_inval_inode: the text of a file changes, and the kernel is told to drop
 * what it has cached of it: contents from byte 0 to the end, and attributes. The
 * next read asks again.
 */
#include "../common/onefile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of one length: the kernel would notice another one by itself. */
static void change(char *name, char *text, unsigned int round)
{
	strcpy(name, "counter");
	snprintf(text, ONEFILE_ROOM, "This is change %8u.\n", round);
}

static void notify(struct fuse_session *se, const char *old, const char *name, const char *text)
{
	int err = fuse_lowlevel_notify_inval_inode(se, ONEFILE_INO, 0, 0);

	/* -ENOENT: nobody has looked at it, so there is nothing to drop. */
	if (err && err != -ENOENT && err != -ENOTCONN)
		fprintf(stderr, "the kernel did not drop the contents: %s\n", strerror(-err));
}

int main(int argc, char *argv[])
{
	static const struct onefile example = {
		.what = "A file whose contents change; the cache is invalidated.",
		.change = change,
		.notify = notify,
	};

	return onefile_main(argc, argv, &example);
}
