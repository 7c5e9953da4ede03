/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/abi.h"

/* Weak: the link of libfuse3.so.3 brings its own. */
__attribute__((weak)) const int abi_generation = 4;
