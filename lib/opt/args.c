/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The argument vector: growing, shrinking, taking ownership. */
#include <fuse_opt.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "base/log.h"

static int no_memory(void)
{
	fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
	return -1;
}

static void free_vector(char **argv, int argc)
{
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	free(argv);
}

/* A vector that came from main() is copied before it is changed: its strings
 * and the array itself belong to somebody else. */
static int own_vector(struct fuse_args *args)
{
	char **copy;

	if (args->allocated || !args->argv)
		return 0;

	copy = calloc((size_t)args->argc + 1, sizeof(*copy));
	if (!copy)
		return -1;
	for (int i = 0; i < args->argc; i++) {
		copy[i] = strdup(args->argv[i]);
		if (!copy[i]) {
			free_vector(copy, i);
			return -1;
		}
	}
	args->argv = copy;
	args->allocated = 1;
	return 0;
}

PROFUSE_EXPORT int fuse_opt_insert_arg(struct fuse_args *args, int pos, const char *arg)
{
	char **grown;
	char *copy;
	size_t bytes;

	if (pos < 0 || pos > args->argc || args->argc > INT_MAX - 2) {
		fuse_log(FUSE_LOG_ERR, "fuse: cannot insert `%s' at position %d of %d arguments\n",
			 arg, pos, args->argc);
		return -1;
	}
	if (own_vector(args) || !size_mul((size_t)args->argc + 2, sizeof(*grown), &bytes))
		return no_memory();

	copy = strdup(arg);
	if (!copy)
		return no_memory();
	grown = realloc(args->argv, bytes);
	if (!grown) {
		free(copy);
		return no_memory();
	}

	memmove(&grown[pos + 1], &grown[pos], (size_t)(args->argc - pos) * sizeof(*grown));
	grown[pos] = copy;
	grown[++args->argc] = NULL;
	args->argv = grown;
	args->allocated = 1;
	return 0;
}

PROFUSE_EXPORT int fuse_opt_add_arg(struct fuse_args *args, const char *arg)
{
	return fuse_opt_insert_arg(args, args->argc, arg);
}

PROFUSE_EXPORT void fuse_opt_free_args(struct fuse_args *args)
{
	if (!args)
		return;
	if (args->allocated && args->argv)
		free_vector(args->argv, args->argc);
	args->argc = 0;
	args->argv = NULL;
	args->allocated = 0;
}
