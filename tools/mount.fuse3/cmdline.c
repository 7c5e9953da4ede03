/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmdline.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

#include "profuse_config.h"

#define USAGE "mount.fuse3 [TYPE#]SOURCE DIR [-t TYPE] [-o OPTION,...] [-fnrsvw]"

static const char help[] =
	"usage: " USAGE "\n"
	"Starts the FUSE filesystem TYPE; mount(8) calls this for type fuse.TYPE.\n"
	"\n"
	"  -t TYPE     the program, or fuse.PROGRAM, fuseblk.PROGRAM\n"
	"  -o OPTIONS  for the filesystem; words for mount(8) are left out\n"
	"              setuid=USER       run the filesystem as USER\n"
	"              drop_privileges   mount, then run it without capabilities\n"
	"  -r, -w      read-only, read-write\n"
	"  -f          do everything but mount\n"
	"  -v          say what is run\n"
	"  -n, -s      accepted, without effect\n"
	"  -N NS       the mount namespace to mount in\n"
	"  -h, -V      this text, the version\n";

const char *cmdline_subtype(const char *type, bool *block)
{
	static const char *const families[] = {"fuse", "fuse3", "fuseblk"};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		size_t len = strlen(families[i]);

		if (strncmp(type, families[i], len) != 0 || (type[len] && type[len] != '.'))
			continue;
		*block = i == 2;
		return type[len] ? type + len + 1 : "";
	}
	return type;
}

/* mount.fuse.TYPE and its relatives: the type is in our name. */
static const char *type_of_name(const char *argv0, bool *block)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;
	const char *type;

	if (strncmp(name, "mount.fuse", 10) != 0)
		return "";
	type = cmdline_subtype(name + strlen("mount."), block);
	/* Another name altogether, mount.fusefoo. */
	return type == name + strlen("mount.") ? "" : type;
}

static const char letters[] = "-fhN:no:rst:Vvw"; /* the dash: see scan_arguments() */
static const struct option words_for_letters[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

/*
 * mount(8) puts source and directory first, as they are, and a source may
 * begin with a dash; a person may write options first. It is a source if the
 * arguments make no sense otherwise.
 */
static bool source_comes_first(int argc, char *argv[])
{
	int c, positional = 0;

	if (argc < 3 || argv[1][0] != '-' || argv[2][0] != '/')
		return false;
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, letters, words_for_letters, NULL)) != -1) {
		if (c == 'h' || c == 'V')
			return false;
		if (c == '?')
			return true;
		positional += c == 1;
	}
	return positional + argc - optind != 2;
}

struct scan {
	const char *positional[2];
	int count;
	const char *type;
};

static int out_of_memory(void)
{
	say("out of memory");
	return EXIT_SYSTEM;
}

static int wrong(const char *what, const char *which)
{
	say("%s%s%s", what, which ? ": " : "", which ? which : "");
	say_lines("usage: " USAGE "\n");
	return EXIT_USAGE;
}

static int take_positional(struct scan *scan, const char *arg)
{
	if (scan->count == 2)
		return wrong("one argument too many", arg);
	scan->positional[scan->count++] = arg;
	return -1;
}

static int take_option(int c, struct scan *scan, struct mount_request *req)
{
	int err = 0;

	switch (c) {
	case 'f':
		req->fake = true;
		break;
	case 'h':
		fputs(help, stdout);
		return EXIT_OK;
	case 'N':
		req->ns = optarg;
		break;
	case 'n':
	case 's':
		break;
	case 'o':
		err = words_add(&req->words, optarg);
		break;
	case 'r':
		err = words_add(&req->words, "ro");
		break;
	case 't':
		scan->type = optarg;
		break;
	case 'V':
		printf("mount.fuse3 (profuse) %s\n", PROFUSE_VERSION);
		return EXIT_OK;
	case 'v':
		req->verbose = true;
		break;
	case 'w':
		err = words_add(&req->words, "rw");
		break;
	case 1:
		return take_positional(scan, optarg);
	default:
		say_lines("usage: " USAGE "\n");
		return EXIT_USAGE;
	}
	return err ? out_of_memory() : -1;
}

static int scan_arguments(int argc, char *argv[], struct scan *scan, struct mount_request *req)
{
	int c, code = -1;

	if (source_comes_first(argc, argv)) {
		scan->positional[scan->count++] = argv[1];
		argv++;
		argc--;
	}
	opterr = 1;
	optind = 0;
	/* The dash makes arguments come in their order, as option 1, whatever
	 * POSIXLY_CORRECT says. */
	while (code < 0 && (c = getopt_long(argc, argv, letters, words_for_letters, NULL)) != -1)
		code = take_option(c, scan, req);
	while (code < 0 && optind < argc)
		code = take_positional(scan, argv[optind++]);
	return code;
}

/* TYPE#SOURCE, or SOURCE with the type from elsewhere. */
static int split_source(struct mount_request *req, const char *type, const char *source)
{
	const char *hash = strchr(source, '#');
	const char *slash;

	if (*type) {
		req->type = strdup(type);
		req->source = *source ? source : NULL;
	} else if (hash) {
		req->type = strndup(source, (size_t)(hash - source));
		req->source = hash + 1;
	} else {
		req->type = strdup(source);
	}
	if (!req->type)
		return out_of_memory();
	if (!*req->type)
		return wrong("empty filesystem type", source);
	slash = strrchr(req->type, '/');
	if (asprintf(&req->full_type, "%s.%s", req->block ? "fuseblk" : "fuse",
		     slash ? slash + 1 : req->type) < 0) {
		req->full_type = NULL;
		return out_of_memory();
	}
	return -1;
}

int cmdline_parse(int argc, char *argv[], struct mount_request *req)
{
	struct scan scan = {0};
	const char *type;
	int code;

	*req = (struct mount_request){0};
	if (argc < 2)
		return wrong("no source and no directory (mount(8) leaves both out where it finds "
			     "no device for a LABEL= or UUID=)",
			     NULL);
	code = scan_arguments(argc, argv, &scan, req);
	if (code >= 0)
		return code;
	if (scan.count < 2)
		return wrong("source and directory are needed", NULL);
	req->dir = scan.positional[1];
	if (!*req->dir)
		return wrong("empty directory", NULL);
	type = scan.type ? cmdline_subtype(scan.type, &req->block)
			 : type_of_name(argv[0], &req->block);
	return split_source(req, type, scan.positional[0]);
}

void cmdline_free(struct mount_request *req)
{
	words_free(&req->words);
	free(req->type);
	free(req->full_type);
	*req = (struct mount_request){0};
}
