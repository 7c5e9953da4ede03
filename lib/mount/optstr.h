/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option strings that mount(2) and fusermount3 are given. Pure. */
#ifndef PROFUSE_MOUNT_OPTSTR_H
#define PROFUSE_MOUNT_OPTSTR_H

#include "mount/options.h"
#include "mount/text.h"

/* What only the mounting process knows. */
struct mnt_owner {
	int fd;
	mode_t rootmode; /* file type of the mountpoint, S_IFMT bits */
	uid_t uid;
	gid_t gid;
};

/*
 * The data argument of mount(2). Returns 0, -EINVAL for a value that this
 * string cannot carry (it splits at commas, and only security contexts may be
 * quoted), -E2BIG where the kernel would cut it short: it silently drops what
 * is beyond a page, and "group_id=1000" may become "group_id=1".
 */
PROFUSE_NODISCARD int mnt_kernel_data(const struct mnt_opts *opts, const struct mnt_owner *owner,
				      struct mnt_text *out);

/* The type for mount(2): fuse or fuseblk, with the subtype if with_subtype. */
void mnt_fs_type(const struct mnt_opts *opts, bool with_subtype, struct mnt_text *out);

/*
 * The source: fsname, else subtype, else the device's name. Without the
 * subtype in the type it is put before the fsname here, with a '#'.
 */
void mnt_fs_source(const struct mnt_opts *opts, bool with_subtype, const char *device,
		   struct mnt_text *out);

/* The argument of fusermount3 -o. Words that it has no way to take are left
 * out and named in *left_out, separated by blanks. auto_unmount is left out
 * silently: our own watcher sees to it (watch.h says why). */
void mnt_helper_options(const struct mnt_opts *opts, struct mnt_text *out,
			struct mnt_text *left_out);

/* A value without the quotes that mount(2)'s string needs around commas:
 * *len characters from the returned place. */
const char *mnt_unquoted(const char *value, size_t *len);

#endif
