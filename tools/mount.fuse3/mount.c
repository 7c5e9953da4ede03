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

static int start(const struct mount_request *req)
{
	const struct words *w = &req->words;
	CLEANUP_FREE char *path = NULL;
	bool may_grant;
	int code = -1;

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

int main(int argc, char *argv[])
{
	struct mount_request req;
	int code, err;

	err = fd_ensure_stdio();
	if (err)
		return EXIT_SYSTEM;
	code = cmdline_parse(argc, argv, &req);
	if (code < 0 && req.ns)
		code = namespace_enter(req.ns);
	if (code < 0)
		code = req.words.remount ? remount(&req) : start(&req);
	cmdline_free(&req);
	return code;
}
