/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many threads serve a filesystem when nobody says. */
#ifndef PROFUSE_HIGHLEVEL_THREADS_H
#define PROFUSE_HIGHLEVEL_THREADS_H

#include <sys/sysinfo.h>

/* They are started when all others are busy, and callbacks wait more than they
 * work: what there may be is no cost until it is needed. */
static inline unsigned int hl_default_threads(void)
{
	unsigned int n = (unsigned int)get_nprocs() * 4;

	if (n < 32)
		return 32;
	return n < 256 ? n : 256;
}

#endif
