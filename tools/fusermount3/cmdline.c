/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, read without privilege. */
#include "fusermount3.h"

#include <getopt.h>
#include <limits.h>

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"options", required_argument, NULL, 'o'},
	{"unmount", no_argument, NULL, 'u'},
	{"lazy", no_argument, NULL, 'z'},
	{"quiet", no_argument, NULL, 'q'},
	{"auto-unmount", no_argument, NULL, OPT_AUTO_UNMOUNT},
	{"comm-fd", required_argument, NULL, OPT_COMM_FD},
	{"sync-init", no_argument, NULL, OPT_SYNC_INIT},
	{NULL, 0, NULL, 0},
};

/* Digits and nothing else: no sign, no space, no empty string. */
bool parse_number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++)
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n) || n > max)
			return false;
	*out = n;
	return true;
}

int parse_command_line(int argc, char **argv, const char *comm_env, struct request *req)
{
	static char nothing[] = "";
	const char *fd;
	uint64_t n;
	int c;

	*req = (struct request){.comm_fd = -1};
	optind = 0; /* start anew, also when a test calls this twice */
	while (!req->given['h'] && !req->given['V'] &&
	       (c = getopt_long(argc, argv, "hVo:uzq", long_options, NULL)) != -1) {
		if (c == '?')
			return -1; /* getopt has said why */
		req->given[c] = optarg ? optarg : nothing;
	}
	if (req->given['h'] || req->given['V'])
		return 0;
	if (req->given['z'] && !req->given['u'])
		return say("-z can only be used with -u");
	if (optind >= argc)
		return say("missing mountpoint argument");
	if (optind + 1 < argc)
		return say("extra arguments after the mountpoint");
	req->mountpoint = argv[optind];
	if (req->given['u'])
		return 0;
	fd = req->given[OPT_COMM_FD] ? req->given[OPT_COMM_FD] : comm_env;
	if (!fd)
		return say("old style mounting not supported");
	if (!parse_number(fd, INT_MAX, &n))
		return say("invalid %s: %s", req->given[OPT_COMM_FD] ? "--comm-fd" : "_FUSE_COMMFD",
			   fd);
	req->comm_fd = (int)n;
	return 0;
}
