/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes the library that it is linked into libfuse3.so.3. */
#include "base/abi.h"

const int abi_generation = 3;
