/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/text.h"
#include "quote.h"
#include "say.h"

/* What shells use where PATH is not set. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* 0 if the path can be executed, else -ENOENT or another -errno. */
static int check(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	/* access(2) goes by the real user, who is the one that will run it. */
	return access(path, X_OK) < 0 ? -errno : 0;
}

/* One directory of PATH. Returns 0 with the path, or -errno. */
static int look_in(const char *dir, size_t len, const char *name, char **path)
{
	CLEANUP_FREE char *candidate = NULL;
	int err;

	if (asprintf(&candidate, "%.*s%s%s", (int)len, dir, len ? "/" : "./", name) < 0) {
		candidate = NULL;
		return -ENOMEM;
	}
	err = check(candidate);
	if (!err)
		*path = take(candidate);
	return err;
}

static int find_in(const char *dirs, const char *name, char **path, struct mnt_text *looked)
{
	const bool root = geteuid() == 0;
	CLEANUP_TEXT struct mnt_text trouble = {0};
	const char *separator = "  looked in ";
	int result = -ENOENT, err = -ENOENT;

	for (;; separator = ", ") {
		size_t len = strcspn(dirs, ":");

		mnt_text_add(looked, "%s%.*s", separator, len ? (int)len : 1, len ? dirs : ".");
		if (root && dirs[0] != '/')
			mnt_text_add(looked, " (no: relative)");
		else
			err = look_in(dirs, len, name, path);
		if (!err || err == -ENOMEM)
			return err;
		if (err != -ENOENT) {
			mnt_text_add(&trouble, "  %.*s/%s: %s\n", (int)len, dirs, name,
				     strerror(-err));
			result = err;
		}
		if (!dirs[len])
			break;
		dirs += len + 1;
	}
	mnt_text_add(looked, "\n%s", trouble.str ? trouble.str : "");
	return result;
}

int program_find(const char *name, char **path, char **looked)
{
	CLEANUP_TEXT struct mnt_text text = {0};
	const char *dirs = getenv("PATH");
	int err;

	*path = NULL;
	if (strchr(name, '/')) {
		err = check(name);
		if (err)
			mnt_text_add(&text, "  %s: %s\n", name, strerror(-err));
		else if (!(*path = strdup(name)))
			err = -ENOMEM;
	} else {
		err = find_in(dirs ? dirs : DEFAULT_PATH, name, path, &text);
	}
	*looked = mnt_text_take(&text);
	return err;
}

int program_require(const struct mount_request *req, char **path)
{
	CLEANUP_FREE char *looked = NULL;
	int err = program_find(req->type, path, &looked);

	if (!err)
		return -1;
	say("cannot mount %s: no program `%s' for the filesystem type %s: %s", req->dir, req->type,
	    req->full_type, strerror(-err));
	say_lines(looked);
	if (err == -ENOENT)
		say_lines("hint: install what brings this program, or name its path as the type\n");
	else if (err == -EACCES)
		say_lines("hint: it must be a file that the user who runs it may execute\n");
	return err == -ENOMEM ? EXIT_SYSTEM : EXIT_FAILED;
}

int program_arguments(const struct mount_request *req, const char *dir, bool may_grant,
		      struct program_args *out)
{
	const bool dash = req->source && req->source[0] == '-';
	char **arg;

	*out = (struct program_args){0};
	arg = out->argv;
	/* A directory "-d" is "./-d" to everybody. */
	if (asprintf(&out->dir, "%s%s", dir[0] == '-' ? "./" : "", dir) < 0) {
		out->dir = NULL;
		return -ENOMEM;
	}
	out->options = words_for_filesystem(&req->words, may_grant);
	if (!out->options) {
		program_arguments_free(out);
		return -ENOMEM;
	}
	*arg++ = req->type;
	if (dash && *out->options) {
		*arg++ = (char *)"-o";
		*arg++ = out->options;
	}
	if (dash)
		*arg++ = (char *)"--";
	if (req->source)
		*arg++ = (char *)req->source;
	*arg++ = out->dir;
	if (!dash && *out->options) {
		*arg++ = (char *)"-o";
		*arg++ = out->options;
	}
	*arg = NULL;
	return 0;
}

void program_arguments_free(struct program_args *args)
{
	free(args->dir);
	free(args->options);
	*args = (struct program_args){0};
}

/* A script without "#!" is the shell's, as it is for execvp(3). */
static void become_script(const char *path, char *const argv[])
{
	char *script[10] = {(char *)"/bin/sh", (char *)path};
	size_t n = 2;

	for (size_t i = 1; argv[i] && n < ARRAY_SIZE(script) - 1; i++)
		script[n++] = argv[i];
	execve(script[0], script, environ);
}

int program_become(const char *path, char *const argv[])
{
	int err;

	execve(path, argv, environ);
	err = errno;
	if (err == ENOEXEC) {
		become_script(path, argv);
		err = errno;
	}
	say("cannot run %s: %s", path, strerror(err));
	if (err == ENOENT)
		say_lines("hint: the interpreter that its first line names, or the dynamic loader "
			  "that it was\nlinked for, is missing\n");
	return err == ENOMEM || err == EAGAIN ? EXIT_SYSTEM : EXIT_FAILED;
}
