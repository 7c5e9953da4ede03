/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * archivefs ARCHIVE MOUNTPOINT: shows what is in a tar, zip, iso, 7z, cpio, rar,
 * ... archive, compressed or not, without unpacking it.
 *
 * It does the steps of fuse_main() one by one, because an archive may take long
 * to read: what is wrong with the command line is said before, what is wrong with
 * the archive before the program goes into the background.
 */
#include "archivefs.h"

#include <archive.h>
#include <fuse_lowlevel.h>

#include <ctype.h>
#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: archivefs [options] ARCHIVE MOUNTPOINT\n";

static struct options {
	char *archive;
	char *password_file;
	uint64_t cache;
	int damaged, password;
} options = {.cache = 1 << 30};

enum { KEY_CACHE };

static const struct fuse_opt option_table[] = {
	FUSE_OPT_KEY("cache=", KEY_CACHE),
	{"damaged", offsetof(struct options, damaged), 1},
	{"password", offsetof(struct options, password), 1},
	{"password_file=%s", offsetof(struct options, password_file), 0},
	FUSE_OPT_END,
};

/* ---- the command line ---- */

/* "cache=none" and other words are for the library. */
static int take_cache(const char *arg)
{
	const char *text = arg + strlen("cache="), *end = text;
	uint64_t n = 0;
	int shift = 0;

	if (!isdigit((unsigned char)*text))
		return 1;
	for (; isdigit((unsigned char)*end) && n < UINT64_MAX / 16; end++)
		n = n * 10 + (uint64_t)(*end - '0');
	if (*end && strchr("kKmMgG", *end))
		shift = strchr("kK", *end) ? 10 : strchr("mM", *end) ? 20 : 30, end++;
	if (*end || n > UINT64_MAX >> shift) {
		fprintf(stderr,
			"archivefs: %s: not a size; write bytes, or a number with K, M or G\n",
			arg);
		return -1;
	}
	options.cache = n << shift;
	return 0;
}

static int process(void *data, const char *arg, int key, struct fuse_args *out)
{
	if (key == KEY_CACHE)
		return take_cache(arg);
	if (key != FUSE_OPT_KEY_NONOPT || options.archive)
		return 1;
	options.archive = strdup(arg);
	return options.archive ? 0 : -1;
}

static void print_help(struct fuse_args *args)
{
	printf("%s\n"
	       "    -o cache=BYTES         unpacked contents that are kept, K, M or G (1G)\n"
	       "    -o damaged             show what could be read of a damaged archive\n"
	       "    -o password            ask for the password of encrypted members\n"
	       "    -o password_file=FILE  take it from the first line of a file\n\n",
	       usage);
	fuse_cmdline_help();
	fuse_lib_help(args);
}

/* What df and mount show. First, so that the user's own fsname= counts. */
static int name_it(struct fuse_args *args)
{
	char *path = realpath(options.archive, NULL), *opts = NULL, *name;
	int err = -1;

	name = malloc((path ? strlen(path) : 0) + sizeof("fsname="));
	if (path && name) {
		sprintf(name, "fsname=%s", path);
		if (!fuse_opt_add_opt(&opts, "ro,subtype=archivefs") &&
		    !fuse_opt_add_opt_escaped(&opts, name))
			err = fuse_opt_insert_arg(args, 1, opts) ||
			      fuse_opt_insert_arg(args, 1, "-o");
	}
	free(path);
	free(name);
	free(opts);
	return err;
}

/* ---- the archive ---- */

/* Whether it opens an encrypted member. Says on stderr what is wrong. */
static bool password_fits(long member)
{
	struct cursor *c = cursor_at(member);
	const void *block;
	int64_t off;
	size_t size;
	int res;

	if (!c)
		return false;
	res = archive_read_data_block(c->archive, &block, &size, &off);
	if (res != ARCHIVE_OK && res != ARCHIVE_EOF)
		fprintf(stderr, "archivefs: %s: %s\n", source_path(),
			archive_error_string(c->archive) ?: "the password does not fit");
	cursor_free(c);
	return res == ARCHIVE_OK || res == ARCHIVE_EOF;
}

static int check_password(const struct index_result *index)
{
	if (index->encrypted < 0)
		return 0;
	if (source_has_password())
		return password_fits(index->encrypted) ? 0 : -1;
	fprintf(stderr, "archivefs: %s has encrypted members; -o password asks for the password\n",
		source_path());
	return 0;
}

/* 0, or -1 with a message. */
static int read_archive(void)
{
	struct index_result index;
	const char *password = NULL;

	if (source_open(options.archive))
		return -1;
	if (options.password || options.password_file) {
		password = password_get(options.password_file);
		if (!password)
			return -1;
		source_set_password(password);
	}
	if (tree_init()) {
		fprintf(stderr, "archivefs: out of memory\n");
		return -1;
	}
	if (index_archive(&index)) {
		fprintf(stderr, "archivefs: %s: %s\n", source_path(), index.message);
		return -1;
	}
	if (index.damaged) {
		fprintf(stderr, "archivefs: %s is damaged after %ld members: %s\n", source_path(),
			index.members, index.message);
		if (!options.damaged) {
			fprintf(stderr, "archivefs: -o damaged shows those members\n");
			return -1;
		}
	}
	callbacks_init(&index);
	data_init(options.cache);
	return check_password(&index);
}

/* ---- serving ---- */

static int loop(struct fuse *f, const struct fuse_cmdline_opts *opts)
{
	struct fuse_loop_config *config;
	int res;

	if (opts->singlethread)
		return fuse_loop(f);
	config = fuse_loop_cfg_create();
	if (!config)
		return -1;
	fuse_loop_cfg_set_clone_fd(config, opts->clone_fd);
	fuse_loop_cfg_set_idle_threads(config, opts->max_idle_threads);
	fuse_loop_cfg_set_max_threads(config, opts->max_threads);
	res = fuse_loop_mt(f, config);
	fuse_loop_cfg_destroy(config);
	return res;
}

static int serve(struct fuse *f, const struct fuse_cmdline_opts *opts)
{
	struct fuse_session *se = fuse_get_session(f);
	int status = 1;

	if (fuse_mount(f, opts->mountpoint))
		return 1;
	if (!fuse_daemonize(opts->foreground) && !fuse_set_signal_handlers(se)) {
		/* A positive result is the signal that ended it. */
		status = loop(f, opts) < 0;
		fuse_remove_signal_handlers(se);
	}
	fuse_unmount(f);
	return status;
}

static int run(struct fuse_args *args, const struct fuse_cmdline_opts *opts)
{
	struct fuse *f;
	int status = 1;

	if (!options.archive || !opts->mountpoint) {
		fprintf(stderr, "archivefs: no %s given\n%s",
			options.archive ? "mountpoint" : "archive", usage);
		return 1;
	}
	if (name_it(args)) {
		perror(options.archive);
		return 1;
	}
	f = fuse_new(args, &archivefs_operations, sizeof(archivefs_operations), NULL);
	if (!f)
		return 1;
	if (!read_archive())
		status = serve(f, opts);
	fuse_destroy(f);
	return status;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts = {0};
	int status = 1;

	/* Names are turned into this character set where the archive has them
	 * in another. */
	setlocale(LC_CTYPE, "");
	if (fuse_opt_parse(&args, &options, option_table, process) ||
	    fuse_parse_cmdline(&args, &opts))
		return 1;
	if (opts.show_help) {
		print_help(&args);
		status = 0;
	} else if (opts.show_version) {
		printf("FUSE library version %s\n", fuse_pkgversion());
		fuse_lowlevel_version();
		status = 0;
	} else {
		status = run(&args, &opts);
	}
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	free(options.archive);
	free(options.password_file);
	return status;
}
