/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem in memory for tests of the path API: a tree of names without
 * inodes, as the simplest programs have it. */
#ifndef TEST_TREEFS_H
#define TEST_TREEFS_H

#include <fuse.h>

#include <stdatomic.h>
#include <stdbool.h>

/* Callbacks by path; readdir without offsets. */
extern const struct fuse_operations treefs_operations;

void treefs_reset(void);
/* Makes "/a", "/a/b" and so on; a path with a slash at its end is a directory. */
void treefs_make(const char *path);
bool treefs_has(const char *path);
/* Names whose text begins so, anywhere. */
unsigned int treefs_count(const char *prefix);

/* Open files that were not released. */
extern _Atomic int treefs_open_files;
/* Turns readdir into one with offsets. */
extern _Atomic bool treefs_offsets;
/* rename fails with this (and not at all with 0). */
extern _Atomic int treefs_rename_error;

#endif
