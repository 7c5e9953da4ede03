/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that grows: the report, and strings of options. */
#ifndef PROFUSE_MOUNT_TEXT_H
#define PROFUSE_MOUNT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/* {0} is empty. After a failed allocation adding does nothing and `failed`
 * stays set, so it needs checking once, at the end. */
struct mnt_text {
	char *str; /* NUL-terminated, or NULL while nothing was added */
	size_t len;
	bool failed;
};

void mnt_text_add(struct mnt_text *t, const char *fmt, ...) PROFUSE_PRINTF(2, 3);

/* Adds s with a backslash before each comma and backslash. */
void mnt_text_add_escaped(struct mnt_text *t, const char *s);

/* Gives up the string to the caller; NULL when empty or failed. */
char *mnt_text_take(struct mnt_text *t);
void mnt_text_free(struct mnt_text *t);

#define CLEANUP_TEXT __attribute__((cleanup(mnt_text_free)))

#endif
