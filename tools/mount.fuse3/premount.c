/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "premount.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_opt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/kernel.h"
#include "mount/mount.h"
#include "mount/plan.h"
#include "mount/text.h"
#include "privileges.h"
#include "program.h"
#include "say.h"
#include "servers.h"

/* The filesystem cannot give these itself any more. What the user wrote
 * comes later and wins. */
static char *mount_words(const struct mount_request *req, bool may_grant)
{
	CLEANUP_TEXT struct mnt_text text = {0};
	CLEANUP_FREE char *words = words_for_mount(&req->words, may_grant);

	if (!words)
		return NULL;
	mnt_text_add(&text, "subtype=");
	mnt_text_add_escaped(&text, strchr(req->full_type, '.') + 1);
	if (req->source && *req->source) {
		mnt_text_add(&text, ",fsname=");
		mnt_text_add_escaped(&text, req->source);
	}
	mnt_text_add(&text, "%s%s%s", req->block ? ",blkdev" : "", *words ? "," : "", words);
	return mnt_text_take(&text);
}

static int parse_words(const struct mount_request *req, bool may_grant, struct mnt_opts **opts)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	CLEANUP_FREE char *words = mount_words(req, may_grant);
	char *why = NULL;
	int err;

	if (!words || fuse_opt_add_arg(&args, "") < 0 || fuse_opt_add_arg(&args, "-o") < 0 ||
	    fuse_opt_add_arg(&args, words) < 0) {
		fuse_opt_free_args(&args);
		say("out of memory");
		return EXIT_SYSTEM;
	}
	err = mnt_opts_parse(&args, opts, &why);
	fuse_opt_free_args(&args);
	if (err) {
		say("cannot mount %s: %s", req->dir, why ? why : strerror(-err));
		free(why);
		return EXIT_USAGE;
	}
	/* The filesystem refuses whom it does not mean. */
	if (req->words.allow_root)
		mnt_opts_set_allow_other(*opts);
	return -1;
}

/* Only these, beside 0 to 2, reach the filesystem. */
static int keep_descriptor(int fd)
{
	return fd < 0 ? 0 : fcntl(fd, F_SETFD, 0);
}

PROFUSE_NORETURN static void child(const char *path, char *const argv[],
				   const struct mnt_result *res, const sigset_t *mask)
{
	sigprocmask(SIG_SETMASK, mask, NULL);
	/* CLOSE_RANGE_CLOEXEC */
	if (syscall(MNT_NR(436), 3U, ~0U, 4U) < 0 && errno != ENOSYS && errno != EINVAL) {
		say("cannot close descriptors: %s", strerror(errno));
		_exit(EXIT_SYSTEM);
	}
	/* auto_unmount ends with the last copy of keep_fd, the filesystem's. */
	if (keep_descriptor(res->fd) < 0 || keep_descriptor(res->keep_fd) < 0) {
		say("cannot pass the connection on: %s", strerror(errno));
		_exit(EXIT_SYSTEM);
	}
	if (privileges_drop() < 0) {
		say("drop_privileges: cannot give up capabilities: %s", strerror(errno));
		say_lines("hint: this needs root, or CAP_SETPCAP\n");
		_exit(EXIT_SYSTEM);
	}
	_exit(program_become(path, argv));
}

static void signals_to_pass_on(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGCHLD);
}

/* Waits for the program, to which signals meant for it are passed on. What a
 * terminal sends, it sends to the program as well. */
static int supervise(pid_t pid, const sigset_t *set)
{
	int status;

	for (;;) {
		siginfo_t info;
		int sig = sigwaitinfo(set, &info);

		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(pid, sig);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A program that succeeded without serving has only printed its help, say. To
 * see that, one must be able to look into every process. */
static bool nobody_serves(const struct mnt_result *res)
{
	struct servers servers;
	bool nobody;

	if (res->tier == MNT_TIER_HELPER || !res->ident.dev || !mnt_has_sys_admin())
		return false;
	nobody = servers_find(res->ident.dev, &servers) == 0 && servers.count == 0;
	servers_free(&servers);
	return nobody;
}

static void take_away(const struct mount_request *req, struct mnt_result *res, int code)
{
	char *why = NULL;

	if (mnt_unmount(res, req->dir, &why) == 0) {
		say("%s ended with status %d; %s is not mounted", req->type, code, req->dir);
	} else {
		say("%s ended with status %d, and %s could not be unmounted", req->type, code,
		    req->dir);
		say_lines(why);
	}
	free(why);
}

static int run(const struct mount_request *req, const char *path, bool may_grant,
	       struct mnt_result *res)
{
	struct program_args args;
	sigset_t set, old;
	char dir[32];
	int code;
	pid_t pid;

	snprintf(dir, sizeof(dir), "/dev/fd/%d", res->fd);
	if (program_arguments(req, dir, may_grant, &args) < 0) {
		say("out of memory");
		return EXIT_SYSTEM;
	}
	signals_to_pass_on(&set);
	/* Ignored, as some callers have it, it would never come. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = fork();
	if (pid == 0)
		child(path, args.argv, res, &old);
	if (pid < 0) {
		say("cannot start %s: %s", path, strerror(errno));
		code = EXIT_SYSTEM;
	} else {
		code = supervise(pid, &set);
	}
	program_arguments_free(&args);
	return code;
}

int premount_and_run(const struct mount_request *req, const char *path, bool may_grant)
{
	struct mnt_opts *opts = NULL;
	struct mnt_result res;
	int code, err;

	code = parse_words(req, may_grant, &opts);
	if (code >= 0)
		return code;
	err = mnt_mount(req->dir, opts, NULL, &res);
	mnt_opts_free(opts);
	say_lines(res.notes);
	if (err) {
		say("drop_privileges: cannot mount %s: %s", req->dir, strerror(-err));
		say_lines(res.report);
		mnt_result_end(&res);
		return err == -ENOMEM ? EXIT_SYSTEM : EXIT_FAILED;
	}
	code = run(req, path, may_grant, &res);
	if (code || nobody_serves(&res)) {
		take_away(req, &res, code);
		code = code ? code : EXIT_FAILED;
	}
	mnt_result_end(&res);
	return code;
}
