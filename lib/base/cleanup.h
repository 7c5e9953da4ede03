/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scoped ownership. A variable marked CLEANUP_x is released when it leaves
 * scope; take() moves ownership out so that a transfer is visible:
 *
 *     CLEANUP_FREE char *p = strdup(s);
 *     ...
 *     return take(p);
 */
#ifndef PROFUSE_BASE_CLEANUP_H
#define PROFUSE_BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* errno is preserved, so that a failure path may read it after cleanup. */
static inline void cleanup_free(void *pp)
{
	int saved = errno;

	free(*(void **)pp);
	errno = saved;
}

static inline void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_close)))

#define take(p)                     \
	({                          \
		__typeof__(p) t_ = (p); \
		(p) = NULL;         \
		t_;                 \
	})

static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

#endif
