/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: both_libraries LIBFUSE3.SO.3 LIBFUSE3.SO.4
 *
 * Both in one process, as two plugins would load them, in either order and also
 * with their names visible to all: each goes on reading the structures of its own
 * generation and calling its own functions.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

struct library {
	size_t (*buf_size)(const void *vector);
	void (*set_log_func)(fuse_log_func_t func);
	int (*parse_cmdline)(struct fuse_args *args, struct fuse_cmdline_opts *opts);
};

static int messages[2];

static void log_of_3(enum fuse_log_level level, const char *fmt, va_list ap)
{
	messages[0]++;
}

static void log_of_4(enum fuse_log_level level, const char *fmt, va_list ap)
{
	messages[1]++;
}

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void open_library(const char *path, int flags, struct library *lib)
{
	void *handle = dlopen(path, RTLD_NOW | flags);

	check(handle != NULL, dlerror());
	*(void **)&lib->buf_size = dlsym(handle, "fuse_buf_size");
	*(void **)&lib->set_log_func = dlsym(handle, "fuse_set_log_func");
	*(void **)&lib->parse_cmdline = dlsym(handle, "fuse_parse_cmdline");
	check(lib->buf_size && lib->set_log_func && lib->parse_cmdline, "names are missing");
}

/* The size of a vector whose two elements are so many bytes apart. */
static size_t size_of_two(const struct library *lib, size_t stride)
{
	unsigned char vector[256] = {0};
	size_t count = 2, first = 10, second = 300;

	memcpy(vector, &count, sizeof(count));
	memcpy(vector + offsetof(struct fuse_bufvec, buf), &first, sizeof(first));
	memcpy(vector + offsetof(struct fuse_bufvec, buf) + stride, &second, sizeof(second));
	return lib->buf_size(vector);
}

/* Makes the library say something by itself. */
static void complain(const struct library *lib)
{
	char *argv[] = {(char *)"prog", (char *)"/", (char *)"/tmp", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_cmdline_opts opts;

	check(lib->parse_cmdline(&args, &opts) == -1, "two mountpoints were accepted");
}

static void use_both(char *argv[], bool new_first, int flags)
{
	struct library old, new;

	if (new_first)
		open_library(argv[2], flags, &new);
	open_library(argv[1], flags, &old);
	if (!new_first)
		open_library(argv[2], flags, &new);

	check(size_of_two(&old, 40) == 310, "the old library lost its structures");
	check(size_of_two(&new, 48) == 310, "the new library lost its structures");
	old.set_log_func(log_of_3);
	new.set_log_func(log_of_4);
	complain(&old);
	check(messages[0] > 0 && messages[1] == 0, "the old library called the new one");
	messages[0] = 0;
	complain(&new);
	check(messages[1] > 0 && messages[0] == 0, "the new library called the old one");
}

static bool in_child(char *argv[], bool new_first, int flags)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		use_both(argv, new_first, flags);
		exit(0);
	}
	if (waitpid(pid, &status, 0) == pid && status == 0)
		return true;
	fprintf(stderr, "FAILED: %s first, %s\n", new_first ? "4" : "3",
		flags == RTLD_GLOBAL ? "visible to all" : "each for itself");
	return false;
}

int main(int argc, char *argv[])
{
	bool good = argc == 3;

	for (int order = 0; good && order < 2; order++)
		good = in_child(argv, order, RTLD_LOCAL) && in_child(argv, order, RTLD_GLOBAL);
	return good ? 0 : 1;
}
