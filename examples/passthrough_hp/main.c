/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* passthrough_hp SOURCE MOUNTPOINT: a directory shown somewhere else, as fast as can be. Its
 * options; the rest is in common/passthrough. */
#include "../common/passthrough/passthrough.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
	"    passthrough_hp [options] SOURCE MOUNTPOINT\n"
	"\n"
	"    --nocache              others change the source, too: ask it for every name and "
	"attribute\n"
	"    --nopassthrough        reads and writes come to this program\n"
	"    --direct-io            the kernel keeps no content of files\n"
	"    --writeback            let the kernel collect writes; implies --nopassthrough\n"
	"    --noxattr              no extended attributes\n"
	"    --num-threads=N        at most so many threads; 1 for one\n"
	"    --clone-fd             a descriptor of the device for each thread\n"
	"    --foreground           as -f\n"
	"    --debug, --debug-fuse  as -d\n"
	"    --nosplice             means nothing here: data is never spliced\n";

struct hp_options {
	int nocache;
	int nopassthrough;
	int direct_io;
	unsigned int threads;
};

#define HP(text, member)                                                                           \
	{                                                                                          \
		text, offsetof(struct hp_options, member), 1                                       \
	}

enum { KEY_IGNORED, KEY_DEBUG, KEY_FOREGROUND, KEY_CLONE_FD, KEY_WRITEBACK, KEY_NO_XATTR };

static const struct fuse_opt options[] = {
	HP("--nocache", nocache),
	HP("--nopassthrough", nopassthrough),
	HP("--direct-io", direct_io),
	HP("--num-threads=%u", threads),
	HP("--num-threads %u", threads),
	FUSE_OPT_KEY("--nosplice", KEY_IGNORED),
	FUSE_OPT_KEY("--debug", KEY_DEBUG),
	FUSE_OPT_KEY("--debug-fuse", KEY_DEBUG),
	FUSE_OPT_KEY("--foreground", KEY_FOREGROUND),
	FUSE_OPT_KEY("--clone-fd", KEY_CLONE_FD),
	FUSE_OPT_KEY("--writeback", KEY_WRITEBACK),
	FUSE_OPT_KEY("--noxattr", KEY_NO_XATTR),
	FUSE_OPT_END,
};

/* Long options are another way to write those that all filesystems have. */
static int process(void *data, const char *arg, int key, struct fuse_args *out)
{
	switch (key) {
	case KEY_IGNORED:
		return 0;
	case KEY_DEBUG:
		return fuse_opt_add_arg(out, "-d");
	case KEY_FOREGROUND:
		return fuse_opt_add_arg(out, "-f");
	case KEY_CLONE_FD:
		return fuse_opt_add_arg(out, "-oclone_fd");
	case KEY_WRITEBACK:
		fs.writeback = 1;
		return 0;
	case KEY_NO_XATTR:
		fs.no_xattr = 1;
		return 0;
	case FUSE_OPT_KEY_NONOPT:
		if (fs.source)
			return 1;
		fs.source = strdup(arg);
		return fs.source ? 0 : -1;
	default:
		return 1;
	}
}

/*
 * Nobody else changes the source, unless the user says so. Then the kernel may believe nothing
 * that it knows but the content of a file that is open, which is dropped at the next open if the
 * file was changed meanwhile.
 */
static int apply(const struct hp_options *opts, struct fuse_args *args)
{
	char threads[32];

	fs.cache = opts->nocache ? CACHE_AUTO : CACHE_ALWAYS;
	fs.timeout = opts->nocache ? 0.0 : 86400.0;
	if (opts->direct_io)
		fs.cache = CACHE_NEVER;
	fs.kernel_passthrough = !opts->nopassthrough && !opts->direct_io && !fs.writeback;
	if (opts->threads == 1)
		return fuse_opt_add_arg(args, "-s");
	if (opts->threads == 0)
		return 0;
	snprintf(threads, sizeof(threads), "-omax_threads=%u", opts->threads);
	return fuse_opt_add_arg(args, threads);
}

static bool asks_for_help(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-V") == 0 || strcmp(argv[i], "--version") == 0)
			return true;
	}
	return false;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct hp_options opts = {0};
	int ret = 1;

	if (fuse_opt_parse(&args, &opts, options, process) == 0 && apply(&opts, &args) == 0) {
		if (fs.source || asks_for_help(argc, argv))
			ret = pt_serve(&args, help_text);
		else
			fprintf(stderr, "usage: %s [options] SOURCE MOUNTPOINT\n", argv[0]);
	}
	free((char *)fs.source);
	fuse_opt_free_args(&args);
	return ret;
}
