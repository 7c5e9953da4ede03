/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of going into the background, late and early. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>
#include <fuse_daemonize.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/background.h"
#include "base/compiler.h"
#include "base/log.h"

PROFUSE_EXPORT int fuse_daemonize(int foreground)
{
	int res;

	/* After an early start this process is in the background already; the
	 * program says that as far as it is concerned all is well. */
	if (bg_active()) {
		bg_note(BG_WANTED);
		return 0;
	}

	if (foreground)
		res = chdir("/") < 0 ? -errno : 0;
	else
		res = bg_fork_and_leave();
	if (res == 0)
		return 0;
	fuse_log(FUSE_LOG_ERR, "fuse: cannot go into the background: %s\n", strerror(-res));
	return -1;
}

PROFUSE_EXPORT int fuse_daemonize_early_start(unsigned int flags)
{
	unsigned int bg = 0;

	if (flags & ~(unsigned int)(FUSE_DAEMONIZE_NO_CHDIR | FUSE_DAEMONIZE_NO_BACKGROUND))
		return -EINVAL;
	if (!(flags & FUSE_DAEMONIZE_NO_CHDIR))
		bg |= BG_CHDIR;
	if (flags & FUSE_DAEMONIZE_NO_BACKGROUND)
		bg |= BG_STAY;
	return bg_start(bg);
}

PROFUSE_EXPORT void fuse_daemonize_early_success(void)
{
	bg_note(BG_WANTED);
}

PROFUSE_EXPORT void fuse_daemonize_early_fail(int err)
{
	bg_fail(err);
}

PROFUSE_EXPORT bool fuse_daemonize_early_is_active(void)
{
	return bg_active();
}
