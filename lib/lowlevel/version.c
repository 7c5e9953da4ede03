/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which library and which protocol this is. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>
#include <profuse.h>

#include <stdio.h>

#include "base/compiler.h"
#include "mount/mount.h"
#include "profuse_config.h"
#include "protocol/wire.h"

PROFUSE_EXPORT int fuse_version(void)
{
	return FUSE_VERSION;
}

PROFUSE_EXPORT const char *fuse_pkgversion(void)
{
	return FUSE_API_VERSION;
}

PROFUSE_EXPORT void fuse_lowlevel_version(void)
{
	printf("using FUSE kernel interface version %d.%d\n", FUSE_KERNEL_VERSION,
	       FUSE_KERNEL_MINOR_VERSION);
	/* The helper writes to the same descriptor, behind us. */
	fflush(stdout);
	mnt_print_helper_version();
}

PROFUSE_EXPORT const char *profuse_version(void)
{
	return PROFUSE_VERSION;
}
