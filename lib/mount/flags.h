/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The flags of mount(2) in the words of the mount API of Linux 5.2, which tells
 * those of the superblock from those of the mount. */
#ifndef PROFUSE_MOUNT_FLAGS_H
#define PROFUSE_MOUNT_FLAGS_H

#include <stddef.h>
#include <sys/mount.h>

#include "base/compiler.h"
#include "mount/kernel.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

/* For fsmount(2). What is not in the table is not passed. */
static inline unsigned int mnt_attrs_of_flags(unsigned long flags)
{
	static const struct {
		unsigned long flag;
		unsigned int attr;
	} map[] = {
		{MS_RDONLY, MNT_ATTR_RDONLY},	      {MS_NOSUID, MNT_ATTR_NOSUID},
		{MS_NODEV, MNT_ATTR_NODEV},	      {MS_NOEXEC, MNT_ATTR_NOEXEC},
		{MS_NOATIME, MNT_ATTR_NOATIME},	      {MS_STRICTATIME, MNT_ATTR_STRICTATIME},
		{MS_NODIRATIME, MNT_ATTR_NODIRATIME}, {MS_NOSYMFOLLOW, MNT_ATTR_NOSYMFOLLOW},
	};
	unsigned int attrs = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (flags & map[i].flag)
			attrs |= map[i].attr;
	return attrs;
}

/* The nth word for fsconfig(2) that the flags ask for, NULL after the last. */
static inline const char *mnt_sb_word(unsigned long flags, size_t n)
{
	static const struct {
		unsigned long flag;
		const char *word;
	} map[] = {
		{MS_RDONLY, "ro"},
		{MS_SYNCHRONOUS, "sync"},
		{MS_DIRSYNC, "dirsync"},
		{MS_LAZYTIME, "lazytime"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if ((flags & map[i].flag) && n-- == 0)
			return map[i].word;
	return NULL;
}

#endif
