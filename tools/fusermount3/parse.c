/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, read without privilege. */
#include "fusermount3.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>

enum { OPT_AUTO_UNMOUNT = 256, OPT_COMM_FD, OPT_SYNC_INIT };

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
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n) || n > max)
			return false;
	}
	*out = n;
	return true;
}

static int parse_comm_fd(const char *what, const char *value, int *fd)
{
	uint64_t n;

	if (!parse_number(value, INT_MAX, &n)) {
		say("invalid %s: %s", what, value);
		return -1;
	}
	*fd = (int)n;
	return 0;
}

static int find_comm_fd(const char *from_option, const char *from_env, struct request *req)
{
	if (from_option)
		return parse_comm_fd("--comm-fd", from_option, &req->comm_fd);
	if (from_env)
		return parse_comm_fd("_FUSE_COMMFD", from_env, &req->comm_fd);
	say("old style mounting not supported");
	return -1;
}

int parse_command_line(int argc, char **argv, const char *comm_env, struct request *req)
{
	const char *comm_option = NULL;
	bool unmount = false, watch = false;
	int c;

	*req = (struct request){.mode = MODE_MOUNT, .comm_fd = -1};
	optind = 0; /* start anew, also when a test calls this twice */
	while ((c = getopt_long(argc, argv, "hVo:uzq", long_options, NULL)) != -1) {
		switch (c) {
		case 'h':
			req->mode = MODE_HELP;
			return 0;
		case 'V':
			req->mode = MODE_VERSION;
			return 0;
		case 'o':
			req->options = optarg;
			break;
		case 'u':
			unmount = true;
			break;
		case 'z':
			req->lazy = true;
			break;
		case 'q':
			req->quiet = true;
			break;
		case OPT_AUTO_UNMOUNT:
			watch = true;
			break;
		case OPT_COMM_FD:
			comm_option = optarg;
			break;
		case OPT_SYNC_INIT:
			req->sync_init = true;
			break;
		default:
			return -1; /* getopt has said why */
		}
	}
	if (req->lazy && !unmount) {
		say("-z can only be used with -u");
		return -1;
	}
	if (optind >= argc) {
		say("missing mountpoint argument");
		return -1;
	}
	req->mountpoint = argv[optind++];
	if (optind < argc) {
		say("extra arguments after the mountpoint");
		return -1;
	}
	req->mode = unmount ? MODE_UNMOUNT : watch ? MODE_WATCH : MODE_MOUNT;
	return unmount ? 0 : find_comm_fd(comm_option, comm_env, req);
}
