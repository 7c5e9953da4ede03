/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The module subdir: shows a directory of the filesystem below as the whole. With
 * rellinks, absolute symbolic links into that directory are made relative, so
 * that they lead to the right place from within the mount.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "highlevel/modules/forward.h"

struct module {
	struct hl_forward forward;
	char *base; /* without a slash at the end; "" for the root */
	int rellinks;
};

static int map_path(struct hl_forward *f, const char *path, char **out)
{
	const struct module *m = (struct module *)f;
	size_t base = strlen(m->base);
	/* The directory itself goes by its own name. */
	const char *rest = path && !path[1] && base ? "" : path;

	*out = NULL;
	if (!path)
		return 0;
	*out = malloc(base + strlen(rest) + 1);
	if (!*out)
		return -ENOMEM;
	memcpy(*out, m->base, base);
	strcpy(*out + base, rest);
	return 0;
}

/* ---- relative links ---- */

/* Bytes of the directories, with a slash at their end, that both begin with. */
static size_t common_directories(const char *a, const char *b)
{
	size_t common = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
		if (a[i] == '/')
			common = i + 1;
	}
	return common;
}

static bool is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (path[len] == '/' || !path[len]);
}

/* Replaces an absolute target by one relative to the directory of the link
 * `path`; it stays as it is if it leads elsewhere. Both are seen from within
 * the mount, where the base is the root. */
static int make_relative(const struct module *m, const char *path, char *target, size_t size)
{
	const char *inside = target + strlen(m->base);
	char relative[PATH_MAX];
	size_t common, len = 0;

	if (target[0] != '/' || !is_within(target, m->base))
		return 0;
	if (!*inside)
		inside = "/";
	common = common_directories(path, inside);
	for (const char *p = path + common; (p = strchr(p, '/')); p++) {
		if (len + 3 >= sizeof(relative))
			return -ENAMETOOLONG;
		memcpy(relative + len, "../", 3);
		len += 3;
	}
	if (len + strlen(inside + common) >= sizeof(relative))
		return -ENAMETOOLONG;
	strcpy(relative + len, inside + common);
	if (!relative[0])
		strcpy(relative, ".");
	if (strlen(relative) >= size)
		return -ENAMETOOLONG;
	strcpy(target, relative);
	return 0;
}

static int subdir_readlink(const char *path, char *buf, size_t size)
{
	struct module *m = (struct module *)hl_forward_data();
	CLEANUP_FREE char *full = NULL;
	int err = map_path(&m->forward, path, &full);

	if (!err)
		err = fuse_fs_readlink(m->forward.next, full, buf, size);
	if (!err && m->rellinks)
		err = make_relative(m, path, buf, size);
	return err;
}

/* ---- life ---- */

static void subdir_destroy(void *data)
{
	struct module *m = data;

	hl_forward_destroy(&m->forward);
	free(m->base);
	free(m);
}

static const struct fuse_opt options[] = {
	FUSE_OPT_KEY("-h", 0),
	FUSE_OPT_KEY("--help", 0),
	{"subdir=%s", offsetof(struct module, base), 0},
	{"rellinks", offsetof(struct module, rellinks), 1},
	{"norellinks", offsetof(struct module, rellinks), 0},
	FUSE_OPT_END,
};

static int process(void *data, const char *arg, int key, struct fuse_args *out)
{
	if (key)
		return 1;
	puts("    -o subdir=DIR          show this directory of the filesystem (mandatory)\n"
	     "    -o [no]rellinks        make absolute links within it relative");
	return -1;
}

struct fuse_fs *hl_subdir_new(struct fuse_args *args, struct fuse_fs *below[])
{
	struct fuse_operations op = {0};
	struct module *m = calloc(1, sizeof(*m));
	struct fuse_fs *fs = NULL;

	if (!m || fuse_opt_parse(args, m, options, process) < 0 || !below[0])
		goto out;
	if (below[1]) {
		fuse_log(FUSE_LOG_ERR, "fuse: subdir goes on exactly one filesystem\n");
		goto out;
	}
	if (!m->base || m->base[0] != '/') {
		fuse_log(FUSE_LOG_ERR, "fuse: the module subdir needs -o subdir=DIR with an "
				       "absolute path\n");
		goto out;
	}
	for (size_t len = strlen(m->base); len && m->base[len - 1] == '/'; len--)
		m->base[len - 1] = '\0';
	m->forward.next = below[0];
	m->forward.map = map_path;
	hl_forward_all(&op);
	op.readlink = subdir_readlink;
	hl_fs_drop_missing(&op, below[0]);
	op.destroy = subdir_destroy;
	fs = fuse_fs_new(&op, sizeof(op), m);
out:
	if (!fs && m) {
		free(m->base);
		free(m);
	}
	return fs;
}
