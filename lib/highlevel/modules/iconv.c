/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The module iconv: file names in another character set. The filesystem below
 * has them in from_code; users see them in to_code.
 */
#include <errno.h>
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
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
	char *from_code, *to_code;
	pthread_mutex_t lock; /* of the converters, which have a state */
	iconv_t inwards, outwards;
};

/* Converts a string whole; -EILSEQ if it cannot be. */
static int convert(struct module *m, iconv_t how, const char *text, char **out)
{
	size_t in_left = strlen(text), cap = in_left * 4 + 8, out_left = cap - 1, res;
	char *in = (char *)(uintptr_t)text, *p;

	p = *out = malloc(cap);
	if (!p)
		return -ENOMEM;
	pthread_mutex_lock(&m->lock);
	iconv(how, NULL, NULL, NULL, NULL);
	res = iconv(how, &in, &in_left, &p, &out_left);
	if (res != (size_t)-1)
		res = iconv(how, NULL, NULL, &p, &out_left);
	pthread_mutex_unlock(&m->lock);
	*p = '\0';
	if (res != (size_t)-1)
		return 0;
	free(*out);
	*out = NULL;
	return -EILSEQ;
}

static int map_path(struct hl_forward *f, const char *path, char **out)
{
	struct module *m = (struct module *)f;

	*out = NULL;
	return path ? convert(m, m->inwards, path, out) : 0;
}

/* ---- names that come back ---- */

static int iconv_readlink(const char *path, char *buf, size_t size)
{
	struct module *m = (struct module *)hl_forward_data();
	CLEANUP_FREE char *full = NULL, *target = NULL;
	int err = map_path(&m->forward, path, &full);

	if (!err)
		err = fuse_fs_readlink(m->forward.next, full, buf, size);
	if (!err)
		err = convert(m, m->outwards, buf, &target);
	if (!err && size) {
		strncpy(buf, target, size - 1);
		buf[size - 1] = '\0';
	}
	return err;
}

static int iconv_symlink(const char *target, const char *path)
{
	struct module *m = (struct module *)hl_forward_data();
	CLEANUP_FREE char *full = NULL, *inner = NULL;
	int err = map_path(&m->forward, path, &full);

	if (!err)
		err = convert(m, m->inwards, target, &inner);
	return err ? err : fuse_fs_symlink(m->forward.next, inner, full);
}

struct outer_filler {
	struct module *m;
	fuse_fill_dir_t fill;
	void *buf;
};

/* A name that cannot be said in the other set cannot be shown. */
static int fill_converted(void *buf, const char *name, const struct stat *st, off_t off,
			  enum fuse_fill_dir_flags flags)
{
	struct outer_filler *o = buf;
	CLEANUP_FREE char *shown = NULL;
	int err = convert(o->m, o->m->outwards, name, &shown);

	if (err == -EILSEQ)
		return 0;
	return err ? 1 : o->fill(o->buf, shown, st, off, flags);
}

static int iconv_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
			 struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct module *m = (struct module *)hl_forward_data();
	struct outer_filler o = {m, fill, buf};
	CLEANUP_FREE char *full = NULL;
	int err = map_path(&m->forward, path, &full);

	return err ? err : fuse_fs_readdir(m->forward.next, full, &o, fill_converted, off, fi, flags);
}

/* ---- life ---- */

static void free_module(struct module *m)
{
	if (m->inwards != (iconv_t)-1)
		iconv_close(m->inwards);
	if (m->outwards != (iconv_t)-1)
		iconv_close(m->outwards);
	pthread_mutex_destroy(&m->lock);
	free(m->from_code);
	free(m->to_code);
	free(m);
}

static void iconv_destroy(void *data)
{
	struct module *m = data;

	hl_forward_destroy(&m->forward);
	free_module(m);
}

static const struct fuse_opt options[] = {
	FUSE_OPT_KEY("-h", 0),
	FUSE_OPT_KEY("--help", 0),
	{"from_code=%s", offsetof(struct module, from_code), 0},
	{"to_code=%s", offsetof(struct module, to_code), 0},
	FUSE_OPT_END,
};

/* That of the locale which the user has, whatever the program has set. */
static const char *locale_charset(char *buf, size_t size)
{
	locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

	snprintf(buf, size, "%s", l ? nl_langinfo_l(CODESET, l) : "UTF-8");
	if (l)
		freelocale(l);
	return buf;
}

static int process(void *data, const char *arg, int key, struct fuse_args *out)
{
	char charset[64];

	if (key)
		return 1;
	printf("    -o from_code=CHARSET   the filesystem's file names (UTF-8)\n"
	       "    -o to_code=CHARSET     file names as users see them (%s)\n",
	       locale_charset(charset, sizeof(charset)));
	return -1;
}

static int open_converters(struct module *m)
{
	char charset[64];
	const char *from = m->from_code ? m->from_code : "UTF-8";
	const char *to = m->to_code ? m->to_code : locale_charset(charset, sizeof(charset));

	m->inwards = iconv_open(from, to);
	m->outwards = iconv_open(to, from);
	if (m->inwards != (iconv_t)-1 && m->outwards != (iconv_t)-1)
		return 0;
	fuse_log(FUSE_LOG_ERR, "fuse: no conversion between the character sets %s and %s\n", from,
		 to);
	return -1;
}

struct fuse_fs *hl_iconv_new(struct fuse_args *args, struct fuse_fs *below[])
{
	struct fuse_operations op = {0};
	struct module *m = calloc(1, sizeof(*m));
	struct fuse_fs *fs = NULL;

	if (!m)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	m->inwards = m->outwards = (iconv_t)-1;
	if (fuse_opt_parse(args, m, options, process) < 0 || !below[0])
		goto out;
	if (below[1]) {
		fuse_log(FUSE_LOG_ERR, "fuse: iconv goes on exactly one filesystem\n");
		goto out;
	}
	if (open_converters(m))
		goto out;
	m->forward.next = below[0];
	m->forward.map = map_path;
	hl_forward_all(&op);
	op.readlink = iconv_readlink;
	op.symlink = iconv_symlink;
	op.readdir = iconv_readdir;
	hl_fs_drop_missing(&op, below[0]);
	op.destroy = iconv_destroy;
	fs = fuse_fs_new(&op, sizeof(op), m);
out:
	if (!fs)
		free_module(m);
	return fs;
}
