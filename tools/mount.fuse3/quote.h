/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines as text. */
#ifndef PROFUSE_MOUNT_FUSE3_QUOTE_H
#define PROFUSE_MOUNT_FUSE3_QUOTE_H

#include "mount/text.h"

/* Adds s as one word that a shell reads back as s. */
void quote_word(struct mnt_text *out, const char *s);

/* Adds the words of argv, separated by blanks. */
void quote_command(struct mnt_text *out, char *const argv[]);

#endif
