/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which generation of the interface the library presents. The same objects are
 * linked twice, with another value of this one constant; nothing else in them
 * differs.
 *
 *   4  libfuse3.so.4: structures as of 3.17
 *   3  libfuse3.so.3: structures as of 3.14
 */
#ifndef PROFUSE_BASE_ABI_H
#define PROFUSE_BASE_ABI_H

#include <stdbool.h>

extern const int abi_generation;

static inline bool abi_is_old(void)
{
	return abi_generation < 4;
}

#endif
