/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong in init() of ends_hl.c and ends_ll.c. */
#ifndef TESTS_CLI_ENDS_H
#define TESTS_CLI_ENDS_H

#include <fuse_common.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Leaves a file where the test can see that it is time. */
static void never_return(void)
{
	FILE *f = fopen(getenv("MARKER"), "w");

	if (f)
		fclose(f);
	for (;;)
		pause();
}

static void end_in_init(const char *how, struct fuse_conn_info *conn)
{
	if (strcmp(how, "refuse") == 0)
		conn->want |= 1u << 2; /* which no capability has */
	if (strcmp(how, "exit") == 0)
		_exit(7);
	if (strcmp(how, "crash") == 0)
		abort();
	if (strcmp(how, "hang") == 0)
		never_return();
}

#endif
