/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of -o, as mount(8) and fstab(5) have them, and what becomes of
 * each: passed to the filesystem, translated, or dropped because it is meant
 * for mount(8), for us, or says nothing to a FUSE filesystem. The rows are in
 * lib/mount/options.def; words.c has what is peculiar to this program. Pure.
 */
#ifndef PROFUSE_MOUNT_FUSE3_WORDS_H
#define PROFUSE_MOUNT_FUSE3_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "mount/options.h"

struct word;

/* {0} is empty. */
struct words {
	struct word *list;
	size_t count, room;
	unsigned long flags;   /* MS_* after the last word; nothing set before the first */
	unsigned long granted; /* MS_NOSUID, ... where the last word was suid, ... */

	const char *setuid; /* the user of the last setuid=, or NULL; within list */
	bool drop_privileges;
	bool remount;
	bool allow_root;
	unsigned int service_timeout; /* seconds; 0 where none was given */
};

/*
 * Adds the words of one -o. Commas behind a backslash or between double quotes
 * do not separate; each word keeps its backslashes and quotes. Returns 0 or
 * -ENOMEM.
 */
PROFUSE_NODISCARD int words_add(struct words *w, const char *list);
void words_free(struct words *w);

/*
 * The -o argument for the filesystem, "" if there is nothing to say; to be
 * freed, NULL without memory. may_grant: what mounts has the right to mount
 * without nosuid and nodev, so that fstab's default for these, "suid" and
 * "dev", is said aloud to a library whose default is the opposite.
 */
PROFUSE_NODISCARD char *words_for_filesystem(const struct words *w, bool may_grant);

/* The same for mnt_opts_parse(): everything that describes the mount, also
 * what filesystems do not know, with commas escaped and not quoted. */
PROFUSE_NODISCARD char *words_for_mount(const struct words *w, bool may_grant);

/* The i-th word (i < count) as it was written, with its row in the common table,
 * MNT_OPT_COUNT for the filesystem's own. NULL for what filesystems never see. */
const char *words_text(const struct words *w, size_t i, enum mnt_opt_id *row);

#endif
