/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "remount.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "mount/ident.h"
#include "mount/mountinfo.h"
#include "say.h"
#include "type.h"

/* Whether FUSE is what is on top at path. -errno if that cannot be known. */
static int is_fuse(const char *path)
{
	struct mnt_info_reader reader;
	struct mnt_info_line line;
	struct mnt_ident top;
	int err;

	err = mnt_ident_of_path(path, &top);
	if (!err)
		err = mnt_info_open(&reader);
	if (err)
		return err;
	while ((err = mnt_info_next(&reader, &line)) > 0) {
		if (line.id != top.id)
			continue;
		err = type_is_fuse(line.type);
		break;
	}
	mnt_info_close(&reader);
	return err;
}

int remount(const struct mount_request *req)
{
	int fuse = is_fuse(req->dir);

	if (fuse < 0) {
		say("cannot remount %s: %s", req->dir, strerror(-fuse));
		return EXIT_FAILED;
	}
	if (!fuse) {
		say("cannot remount %s: no FUSE filesystem is mounted there", req->dir);
		return EXIT_FAILED;
	}
	if (req->fake)
		return EXIT_OK;
	if (mount(NULL, req->dir, NULL, MS_REMOUNT | req->words.flags, NULL) < 0) {
		int err = errno;

		say("cannot remount %s: %s", req->dir, strerror(err));
		if (err == EPERM)
			say_lines("hint: this needs root\n");
		return err == EPERM ? EXIT_USAGE : EXIT_FAILED;
	}
	return EXIT_OK;
}
