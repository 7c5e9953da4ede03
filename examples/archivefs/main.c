/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * archivefs ARCHIVE MOUNTPOINT: shows what is in a tar, zip, iso, 7z, cpio, rar,
 * ... archive, compressed or not, without unpacking it.
 */
#include "archivefs.h"

#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct options {
	char *archive;
	char *cache;
	int damaged;
	bool help;
} options;

static const struct fuse_opt option_table[] = {
	{"cache=%s", offsetof(struct options, cache), 0},
	{"damaged", offsetof(struct options, damaged), 1},
	FUSE_OPT_END,
};

static int process(void *data, const char *arg, int key, struct fuse_args *out)
{
	if (key == FUSE_OPT_KEY_NONOPT && !options.archive) {
		/* Where it is also after the working directory has changed. */
		options.archive = realpath(arg, NULL);
		if (options.archive)
			return 0;
		fprintf(stderr, "archivefs: ");
		perror(arg);
		return -1;
	}
	if (!strcmp(arg, "-h") || !strcmp(arg, "--help"))
		options.help = true;
	return 1;
}

static void print_help(void)
{
	printf("usage: archivefs [options] ARCHIVE MOUNTPOINT\n\n"
	       "    -o cache=BYTES         unpacked contents that are kept, K, M or G (1G)\n"
	       "    -o damaged             show what could be read of a damaged archive\n\n");
}

static uint64_t size_of(const char *text)
{
	char *end;
	double n = strtod(text, &end);

	switch (*end) {
	case 'K':
		return (uint64_t)(n * 1024);
	case 'M':
		return (uint64_t)(n * 1024 * 1024);
	case 'G':
		return (uint64_t)(n * 1024 * 1024 * 1024);
	}
	return (uint64_t)n;
}

/* 0, or an exit status with a message. */
static int read_archive(void)
{
	struct index_result index;

	if (tree_init()) {
		fprintf(stderr, "archivefs: out of memory\n");
		return 1;
	}
	if (index_archive(options.archive, &index)) {
		fprintf(stderr, "archivefs: %s: %s\n", options.archive, index.message);
		return 1;
	}
	if (index.damaged) {
		fprintf(stderr, "archivefs: %s is damaged after %ld members: %s\n", options.archive,
			index.members, index.message);
		if (!options.damaged) {
			fprintf(stderr, "archivefs: -o damaged shows those members\n");
			return 1;
		}
	}
	if (index.skipped)
		fprintf(stderr, "archivefs: %s: %ld members have names that cannot be shown\n",
			options.archive, index.skipped);
	callbacks_init(&index);
	data_init(options.archive, size_of(options.cache ? options.cache : "1G"));
	return 0;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int status = 1;

	/* Names are turned into this character set where the archive has them
	 * in another. */
	setlocale(LC_CTYPE, "");
	if (fuse_opt_parse(&args, &options, option_table, process) < 0)
		return 1;
	if (options.help) {
		print_help();
		args.argv[0][0] = '\0';
	} else if (!options.archive) {
		fprintf(stderr, "usage: archivefs [options] ARCHIVE MOUNTPOINT\n");
		return 1;
	}
	if (options.help || !(status = read_archive())) {
		fuse_opt_add_arg(&args, "-oro,fsname=archivefs,subtype=archivefs");
		status = fuse_main(args.argc, args.argv, &archivefs_operations, NULL);
	}
	fuse_opt_free_args(&args);
	free(options.archive);
	free(options.cache);
	return status;
}
