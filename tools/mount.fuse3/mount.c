/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mount.fuse3: what mount(8) runs for type fuse. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cmdline.h"
#include "identity.h"
#include "mount/plan.h"
#include "namespace.h"
#include "premount.h"
#include "program.h"
#include "quote.h"
#include "remount.h"
#include "say.h"
#include "service.h"

#include "profuse_config.h"

/* The name under which only services are asked. */
#define SERVICES_ONLY "fuservicemount3"

static void show(const struct mount_request *req, const char *path, char *const argv[])
{
	CLEANUP_TEXT struct mnt_text text = {0};

	quote_command(&text, argv);
	printf("mount.fuse3: %s %s for %s: %s\n", req->fake ? "would run" : "running", path,
	       req->dir, text.str ? text.str : "");
	fflush(stdout);
}

/* The usual case: the filesystem mounts itself. */
static int run(const struct mount_request *req, const char *path, bool may_grant)
{
	struct program_args args;
	int code = EXIT_OK;

	if (program_arguments(req, req->dir, may_grant, &args) < 0) {
		say("out of memory");
		return EXIT_SYSTEM;
	}
	if (req->verbose)
		show(req, path, args.argv);
	if (!req->fake && !req->words.drop_privileges)
		code = program_become(path, args.argv);
	program_arguments_free(&args);
	return code;
}

/* fuservicemount3 -t TYPE --check: the type, or NULL for any other call. */
static const char *asked_to_check(int argc, char *argv[])
{
	const char *type = NULL;
	bool check = false, block;

	for (int i = 1; i < argc; i++) {
		check |= strcmp(argv[i], "--check") == 0;
		if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
			type = cmdline_subtype(argv[++i], &block);
	}
	return check && type ? type : NULL;
}

static int check(const char *type)
{
	char path[SERVICE_PATH_SIZE];
	int err = service_find(type, path);

	if (err)
		say("no service for the filesystem type %s in %s: %s", type, SERVICE_DIR,
		    strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

static int start_service(const struct mount_request *req)
{
	int err, code = service_mount(req, &err);

	if (code >= 0)
		return code;
	say("cannot mount %s: no service for the filesystem type %s in %s: %s", req->dir, req->type,
	    SERVICE_DIR, strerror(-err));
	return EXIT_FAILED;
}

/* Returns -1 where the program has to be started instead. */
static int try_service(const struct mount_request *req)
{
	const struct words *w = &req->words;
	int err, code;

	/* A service runs as whom its unit says, and is given its connection by us. */
	if (w->setuid || w->drop_privileges ||
	    strncmp(req->dir, MNT_FD_PREFIX, strlen(MNT_FD_PREFIX)) == 0)
		return -1;
	code = service_mount(req, &err);
	if (code < 0 && err != -ENOENT && err != -EINVAL && (err != -EACCES || req->verbose))
		say("the service in %s for the filesystem type %s is left aside: %s", SERVICE_DIR,
		    req->type, strerror(-err));
	return code;
}

static int start(const struct mount_request *req)
{
	const struct words *w = &req->words;
	CLEANUP_FREE char *path = NULL;
	bool may_grant;
	int code = try_service(req);

	if (code >= 0)
		return code;
	if (w->setuid)
		code = identity_become(w->setuid, w->drop_privileges);
	identity_ensure_home();
	if (code < 0)
		code = program_require(req, &path);
	/* Whoever needs fusermount3 cannot have suid or dev. */
	may_grant = mnt_has_sys_admin();
	if (code < 0)
		code = run(req, path, may_grant);
	if (code == EXIT_OK && w->drop_privileges && !req->fake)
		code = premount_and_run(req, path, may_grant);
	return code;
}

static int mount_it(const struct mount_request *req, bool services)
{
	if (req->words.remount)
		return remount(req);
	return services ? start_service(req) : start(req);
}

int main(int argc, char *argv[])
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	bool services = argc && strcmp(slash ? slash + 1 : argv[0], SERVICES_ONLY) == 0;
	struct mount_request req;
	int code, err;

	err = fd_ensure_stdio();
	if (err)
		return EXIT_SYSTEM;
	if (services) {
		say_as(SERVICES_ONLY);
		if (asked_to_check(argc, argv))
			return check(asked_to_check(argc, argv));
	}
	code = cmdline_parse(argc, argv, &req);
	if (code < 0 && req.ns)
		code = namespace_enter(req.ns);
	if (code < 0)
		code = mount_it(&req, services);
	cmdline_free(&req);
	return code;
}
