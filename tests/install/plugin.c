/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#define ANSWER "from the plugin\n"
#include "two_files.h"

int plugin_serve(const char *mountpoint, const char **version);

int plugin_serve(const char *mountpoint, const char **version)
{
	*version = fuse_pkgversion();
	return serve(mountpoint);
}
