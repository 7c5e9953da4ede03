/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caller has mounted already and passes the descriptor as /dev/fd/N. */
#include "mount/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mount/plan.h"

int mnt_tier_fd(struct mnt_attempt *a)
{
	const char *digits = a->mountpoint + strlen(MNT_FD_PREFIX);
	char *end;
	long fd;
	struct stat st;

	errno = 0;
	fd = strtol(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno || fd > INT_MAX)
		return mnt_attempt_failed(a, MNT_STAGE_START, -EINVAL, "no descriptor number");
	if (fstat((int)fd, &st) < 0)
		return mnt_attempt_failed(a, MNT_STAGE_START, -EBADF, "descriptor %ld is not open",
					  fd);
	if (!S_ISCHR(st.st_mode))
		return mnt_attempt_failed(a, MNT_STAGE_START, -EINVAL,
					  "descriptor %ld is not a FUSE device", fd);
	fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	a->res->fd = (int)fd;
	a->res->ident.dev = mnt_dev_of_connection((int)fd);
	return 0;
}
