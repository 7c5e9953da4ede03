/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify_inval_entry: a file changes its name, and the kernel is told that the
 * old name is not there any more. Until then the old name would go on working,
 * because the kernel was told to rely on it.
 *
 * Dropping a name takes the lock of the directory. It is done on a thread of its
 * own, never in a callback: the caller whose request is being served may hold
 * that lock. profuse_notify_queue_inval_entry() may be called anywhere.
 */
#include "../common/onefile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void change(char *name, char *text, unsigned int round)
{
	snprintf(name, ONEFILE_ROOM, "name-%u", round);
	strcpy(text, "My name is not what it was.\n");
}

static void notify(struct fuse_session *se, const char *old, const char *name, const char *text)
{
	int err = fuse_lowlevel_notify_inval_entry(se, FUSE_ROOT_ID, old, strlen(old));

	if (err && err != -ENOENT && err != -ENOTCONN)
		fprintf(stderr, "the kernel did not drop the name: %s\n", strerror(-err));
}

int main(int argc, char *argv[])
{
	static const struct onefile example = {
		.what = "A file whose name changes; the old one is invalidated.",
		.change = change,
		.notify = notify,
	};

	return onefile_main(argc, argv, &example);
}
