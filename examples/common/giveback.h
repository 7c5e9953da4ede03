/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef EXAMPLE_GIVEBACK_H
#define EXAMPLE_GIVEBACK_H

#include <stdint.h>

/*
 * An object was freed, and so many of its kind are left. The C library keeps freed memory for
 * later; when more has been freed than is in use, it is asked to give that back to the system.
 */
void object_freed(uint64_t left);

#endif
