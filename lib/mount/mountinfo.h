/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/self/mountinfo, a line at a time, async-signal-safe. */
#ifndef PROFUSE_MOUNT_MOUNTINFO_H
#define PROFUSE_MOUNT_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"

struct mnt_info_line {
	int id;
	int parent; /* the mount that it stands on */
	dev_t dev;
	const char *point;	/* unescaped; good until the next call */
	const char *type;	/* e.g. fuse.sshfs */
	const char *sb_options; /* the filesystem's own, user_id= among them; may be NULL */
};

struct mnt_info_reader {
	int fd;
	size_t start, end; /* what of buf is still to be looked at */
	bool eof;
	/* Longer lines, which only extreme overlays have, are skipped. */
	char buf[16384];
};

PROFUSE_NODISCARD int mnt_info_open(struct mnt_info_reader *r);
/* 1 and a line, 0 at the end, -errno. Lines it cannot read are left out. */
PROFUSE_NODISCARD int mnt_info_next(struct mnt_info_reader *r, struct mnt_info_line *line);
void mnt_info_close(struct mnt_info_reader *r);

/* Takes one line apart, in place; false if it is no mountinfo line. */
bool mnt_info_parse(char *text, struct mnt_info_line *line);

#endif
