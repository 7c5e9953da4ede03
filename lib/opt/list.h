/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking comma separated option lists apart. */
#ifndef PROFUSE_OPT_LIST_H
#define PROFUSE_OPT_LIST_H

#include <fuse_opt.h>

/*
 * The next element of a list, with escapes resolved in place, or NULL after
 * the last one. *cursor starts at the list, which is overwritten. A list of n
 * commas has n + 1 elements; some may be empty.
 */
char *opt_list_next(char **cursor);

#endif
