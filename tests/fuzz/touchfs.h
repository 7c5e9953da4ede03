/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem that reads every byte that it is handed, holds it against what
 * the interface promises, and answers at once: what a hostile peer gets to
 * play with. Ends the program when a callback is entered with an argument that
 * it must never see.
 */
#ifndef PROFUSE_TESTS_FUZZ_TOUCHFS_H
#define PROFUSE_TESTS_FUZZ_TOUCHFS_H

#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <stdint.h>

extern const struct fuse_lowlevel_ops touch_ops;

/* Callbacks entered so far. */
uint64_t touch_count(void);

#endif
