/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "say.h"

int namespace_enter(const char *ns)
{
	CLEANUP_CLOSE int fd = -1;
	char path[64];

	if (*ns && !ns[strspn(ns, "0123456789")]) {
		snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", ns);
		ns = path;
	}
	fd = open(ns, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		say("cannot open the mount namespace %s: %s", ns, strerror(errno));
		return EXIT_USAGE;
	}
	if (setns(fd, CLONE_NEWNS) < 0) {
		say("cannot enter the mount namespace %s: %s", ns, strerror(errno));
		return errno == EPERM ? EXIT_USAGE : EXIT_SYSTEM;
	}
	return -1;
}
