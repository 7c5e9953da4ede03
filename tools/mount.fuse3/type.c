/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "type.h"

#include <string.h>

bool type_is_fuse(const char *type)
{
	size_t len = strcspn(type, ".");

	return (len == 4 && memcmp(type, "fuse", 4) == 0) ||
	       (len == 7 && memcmp(type, "fuseblk", 7) == 0);
}
