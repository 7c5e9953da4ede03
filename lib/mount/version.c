/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/mount.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>

#include "mount/helper.h"

extern char **environ;

int mnt_print_helper_version(void)
{
	char path[4096];
	const char *argv[] = {"fusermount3", "--version", NULL};
	pid_t pid;
	int err;

	err = mnt_helper_find(path, sizeof(path), NULL);
	if (err)
		return err;
	err = posix_spawn(&pid, path, NULL, NULL, (char *const *)argv, environ);
	if (err)
		return -err;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
