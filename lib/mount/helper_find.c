/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/helper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profuse_config.h"

struct search {
	char *path;
	size_t size;
	struct mnt_text *looked;
	int err; /* -EACCES once something was found that cannot be run */
};

static bool try_path(struct search *s, const char *dir, size_t dir_len, const char *name)
{
	int n = snprintf(s->path, s->size, "%.*s%s%s", (int)dir_len, dir, dir_len ? "/" : "", name);

	if (n < 0 || (size_t)n >= s->size)
		return false;
	if (access(s->path, X_OK) == 0)
		return true;
	if (errno == EACCES) {
		s->err = -EACCES;
		if (s->looked)
			mnt_text_add(s->looked, "%s%s is not executable",
				     s->looked->len ? ", " : "", s->path);
	}
	return false;
}

static bool try_PATH(struct search *s, const char *name)
{
	const char *dirs = getenv("PATH");

	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	while (*dirs) {
		size_t len = strcspn(dirs, ":");

		/* An empty element is the current directory: not for us. */
		if (len && try_path(s, dirs, len, name))
			return true;
		dirs += len;
		dirs += *dirs == ':';
	}
	return false;
}

static bool try_name(struct search *s, const char *name)
{
	static const char built_in[] = FUSERMOUNT_DIR;

	return try_path(s, built_in, strlen(built_in), name) || try_PATH(s, name);
}

int mnt_helper_find(char *path, size_t size, struct mnt_text *looked)
{
	const char *prog = secure_getenv("FUSERMOUNT_PROG");
	struct search s = {path, size, looked, -ENOENT};
	bool found;

	if (prog && *prog)
		found = strchr(prog, '/') ? try_path(&s, "", 0, prog) : try_PATH(&s, prog);
	else
		found = try_name(&s, "fusermount3") || try_name(&s, "fusermount");
	if (found)
		return 0;
	path[0] = '\0';
	if (looked && prog && *prog)
		mnt_text_add(looked, "%sFUSERMOUNT_PROG is %s", looked->len ? ", " : "", prog);
	else if (looked && !looked->len)
		mnt_text_add(looked, "no fusermount3 in %s or PATH", FUSERMOUNT_DIR);
	return s.err;
}
