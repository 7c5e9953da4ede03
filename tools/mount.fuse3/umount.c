/* SPDX-License-Identifier: GPL-2.0-or-later */
/* umount.fuse3: what umount(8) runs for type fuse. Unmounts, and waits until
 * the filesystem has written everything back and its process has ended. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "namespace.h"
#include "say.h"
#include "target.h"
#include "type.h"
#include "wait.h"

#include "profuse_config.h"

#define USAGE "umount.fuse3 [-flnrv] [-o timeout=SECONDS] DIR"

static const char help[] =
	"usage: " USAGE "\n"
	"Unmounts a FUSE filesystem and waits for its process to end.\n"
	"\n"
	"  -f           end the connection first; pending work on the filesystem fails\n"
	"  -l           detach now, clean up when nobody uses it any more\n"
	"  -r           if it is busy, make it read-only\n"
	"  -o timeout=SECONDS  how long to wait for the process (60; 0: do not wait)\n"
	"  -v           say more\n"
	"  -n, -t TYPE  accepted, without effect\n"
	"  -N NS        the mount namespace to unmount in\n"
	"  -h, -V       this text, the version\n";

#define TIMEOUT_ENV "UMOUNT_FUSE_TIMEOUT"

struct request {
	const char *dir;
	const char *ns;
	unsigned int flags;
	int timeout; /* seconds, 0: not at all, -1: for ever */
	bool read_only;
	bool verbose;
};

static int wrong(const char *what, const char *which)
{
	say("%s%s%s", what, which ? ": " : "", which ? which : "");
	say_lines("usage: " USAGE "\n");
	return EXIT_USAGE;
}

static bool parse_timeout(const char *text, int *out)
{
	unsigned long n;
	char *end;

	if (strcmp(text, "infinity") == 0) {
		*out = -1;
		return true;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || *end || n > 1000000)
		return false;
	*out = (int)n;
	return true;
}

static int parse_words(const char *words, struct request *req)
{
	static const char key[] = "timeout=";

	if (strncmp(words, key, sizeof(key) - 1) == 0 &&
	    parse_timeout(words + sizeof(key) - 1, &req->timeout))
		return -1;
	return wrong("-o takes timeout=SECONDS, or timeout=infinity", words);
}

static int take_option(int c, struct request *req)
{
	switch (c) {
	case 'f':
		req->flags |= TARGET_FORCE;
		return -1;
	case 'h':
		fputs(help, stdout);
		return EXIT_OK;
	case 'l':
		req->flags |= TARGET_LAZY;
		return -1;
	case 'N':
		req->ns = optarg;
		return -1;
	case 'n':
	case 't':
		return -1;
	case 'o':
		return parse_words(optarg, req);
	case 'r':
		req->read_only = true;
		return -1;
	case 'V':
		printf("umount.fuse3 (profuse) %s\n", PROFUSE_VERSION);
		return EXIT_OK;
	case 'v':
		req->verbose = true;
		return -1;
	case 1:
		if (req->dir)
			return wrong("one directory at a time", optarg);
		req->dir = optarg;
		return -1;
	default:
		say_lines("usage: " USAGE "\n");
		return EXIT_USAGE;
	}
}

static int parse(int argc, char *argv[], struct request *req)
{
	static const struct option longer[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	const char *env = getenv(TIMEOUT_ENV);
	int c, code = -1;

	*req = (struct request){.timeout = 60};
	if (env && !parse_timeout(env, &req->timeout))
		say("%s=%s is no number of seconds; waiting 60 s", TIMEOUT_ENV, env);
	while (code < 0 && (c = getopt_long(argc, argv, "-fhlN:no:rt:Vv", longer, NULL)) != -1)
		code = take_option(c, req);
	for (; code < 0 && optind < argc; optind++) {
		optarg = argv[optind];
		code = take_option(1, req);
	}
	if (code < 0 && !req->dir)
		return wrong("which directory?", NULL);
	return code;
}

static int not_found(const struct request *req, int err)
{
	if (err == -EINVAL) {
		say("%s: not mounted", req->dir);
	} else if (err == -ETIMEDOUT) {
		say("%s: the path leads through a filesystem that does not answer", req->dir);
		say_lines("hint: unmount that one first, with -f or -l\n");
	} else {
		say("%s: %s", req->dir, strerror(-err));
	}
	return err == -EINTR ? EXIT_INTERRUPTED : EXIT_FAILED;
}

/* Nothing has been unmounted. */
static int not_done(const struct request *req, const struct target *t,
		    const struct target_outcome *outcome)
{
	int err = outcome->err;

	if (err == -EBUSY && req->read_only && target_make_read_only(t) == 0) {
		say("%s is busy; it is read-only now", t->path);
		return EXIT_OK;
	}
	say("cannot unmount %s: %s", t->path, strerror(-err));
	say_lines(outcome->text);
	if (err == -EBUSY && !*outcome->text)
		say_lines("hint: `fuser -vm' shows who uses it; -l detaches it all the same\n");
	else if (err == -EPERM)
		say_lines("hint: only root, and whoever mounted it, may unmount it\n");
	else if (err == -ETIMEDOUT)
		say_lines("hint: -f gives the filesystem up, with what it has not written\n");
	if (err == -EINTR)
		return EXIT_INTERRUPTED;
	return err == -EPERM ? EXIT_USAGE : EXIT_FAILED;
}

static int unmount(const struct request *req)
{
	/* Large, and there is one. */
	static struct target target;
	static struct target_outcome outcome;
	struct servers servers = {0};
	struct patience patience;
	int err, code;

	/* Without waiting for the process there still is a limit. */
	patience_start(&patience, req->timeout ? req->timeout : 60);
	err = target_find(&patience, req->dir, &target);
	if (err)
		return not_found(req, err);
	if (!type_is_fuse(target.type)) {
		say("%s is a %s filesystem, none of FUSE", target.path, target.type);
		return EXIT_USAGE;
	}
	if (req->timeout && servers_find(target.ident.dev, &servers) < 0) {
		say("out of memory");
		return EXIT_SYSTEM;
	}
	if (target_unmount(&patience, &target, req->flags, &outcome) == 0)
		code = wait_for_servers(&patience, &target, &servers, req->verbose);
	else if ((outcome.err == -ETIMEDOUT || outcome.err == -EINTR) && target_is_gone(&target))
		code = wait_was_in_vain(&patience, &target, &servers, outcome.err);
	else
		code = not_done(req, &target, &outcome);
	servers_free(&servers);
	return code;
}

int main(int argc, char *argv[])
{
	struct request req;
	int code, err;

	say_as("umount.fuse3");
	err = fd_ensure_stdio();
	if (err)
		return EXIT_SYSTEM;
	code = parse(argc, argv, &req);
	if (code < 0 && req.ns)
		code = namespace_enter(req.ns);
	return code < 0 ? unmount(&req) : code;
}
