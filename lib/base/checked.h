/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arithmetic for sizes that come from outside. Each returns false and leaves
 * *out untouched when the result does not fit.
 */
#ifndef PROFUSE_BASE_CHECKED_H
#define PROFUSE_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

PROFUSE_NODISCARD static inline bool size_add(size_t a, size_t b, size_t *out)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

PROFUSE_NODISCARD static inline bool size_mul(size_t a, size_t b, size_t *out)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

/* a rounded up to a multiple of the power of two `to`. */
PROFUSE_NODISCARD static inline bool size_round_up(size_t a, size_t to, size_t *out)
{
	size_t r;

	if (!size_add(a, to - 1, &r))
		return false;
	*out = r & ~(to - 1);
	return true;
}

#endif
