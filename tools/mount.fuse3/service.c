/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/plan.h"
#include "program.h"
#include "say.h"
#include "service_file.h"
#include "service_mount.h"
#include "service_policy.h"
#include "service_talk.h"

#include "profuse_config.h"

/* Until the service says goodbye. A filesystem may have a journal to read. */
#define PATIENCE_S 300

/* More than any filesystem asks, and an end to asking. */
#define COMMANDS_MAX 1000

struct talk {
	const struct mount_request *req;
	const char *dir; /* as the service was told */
	int sock;
	struct patience patience;
	struct service_plan plan;
	bool through; /* it has said goodbye */
	uint32_t status;
};

/* ---- the socket ---- */

int service_find(const char *type, char *path)
{
	struct stat st;

	if (!*type || strchr(type, '/') || strcmp(type, ".") == 0 || strcmp(type, "..") == 0 ||
	    (size_t)snprintf(path, SERVICE_PATH_SIZE, "%s/%s", SERVICE_DIR, type) >=
		    SERVICE_PATH_SIZE)
		return -EINVAL;
	if (stat(SERVICE_DIR, &st) < 0)
		return -errno;
	/* Whoever could put a socket there could be any filesystem. */
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	return access(path, W_OK) < 0 ? -errno : 0;
}

/* ---- what the service says, on somebody's terminal ---- */

static const char *printable(const char *s)
{
	static char out[256];
	size_t n = 0;

	for (; *s && n < sizeof(out) - 1; s++)
		out[n++] = isprint((unsigned char)*s) ? *s : '?';
	out[n] = '\0';
	return out;
}

/* ---- commands: what is returned is the answer, 0 or -errno ---- */

static int open_file(struct talk *t, const struct service_command *cmd)
{
	bool device = cmd->word == SERVICE_OPEN_BDEV;
	int flags, err, fd;

	/* What it needs it has to ask for before we mount. */
	err = t->plan.placed ? -EPERM : service_may_open(t->req, cmd, &flags);
	if (err) {
		say("%s: the service may not open %s: %s", t->req->type, printable(cmd->string),
		    strerror(-err));
		if (err == -EPERM)
			say_lines("hint: it may only open the source and files that are the value "
				  "of an option\n");
		return err;
	}
	fd = service_file_open(cmd->string, &cmd->open, flags, device);
	if (fd < 0 && !(cmd->open.request & SERVICE_QUIET))
		say("%s: cannot open %s for the service: %s", t->req->type, cmd->string,
		    strerror(-fd));
	return fd;
}

static int answer_with_file(struct talk *t, const struct service_command *cmd)
{
	CLEANUP_CLOSE int fd = open_file(t, cmd);

	return talk_send_file(t->sock, &t->patience, cmd->string, fd);
}

static int set_source(struct talk *t, const char *source)
{
	int err = service_may_name(t->req, source);

	if (err)
		return err;
	free(t->plan.source);
	t->plan.source = strdup(source);
	return t->plan.source ? 0 : -ENOMEM;
}

static int set_options(struct talk *t, const char *list)
{
	free(take(t->plan.options));
	return service_may_set(t->req, list, &t->plan.options);
}

static int set_type(struct talk *t, uint32_t flags)
{
	int err = service_may_be_block(t->req, flags, mnt_has_sys_admin());

	if (!err)
		t->plan.block = flags;
	return err;
}

/* Interrupted between the mount and what it is tied to, we would leave a dead one. */
static int do_mount(struct talk *t, uint32_t flags)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	err = service_plan_mount(&t->plan, flags);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

static int obey(struct talk *t, const struct service_command *cmd)
{
	if (t->plan.mounted)
		return -EBUSY;
	switch (cmd->word) {
	case SERVICE_TYPE:
		return set_type(t, cmd->number);
	case SERVICE_SOURCE:
		return set_source(t, cmd->string);
	case SERVICE_OPTIONS:
		return set_options(t, cmd->string);
	case SERVICE_PLACE:
		return service_plan_place(&t->plan, t->dir, cmd->string, cmd->number);
	case SERVICE_MOUNT:
		return do_mount(t, cmd->number);
	default: /* SERVICE_MTAB: there is no mtab */
		return 0;
	}
}

static int answer(struct talk *t, const struct service_command *cmd)
{
	int err;

	if (cmd->word == SERVICE_BYE) {
		t->through = true;
		t->status = cmd->number;
		return 0;
	}
	if (cmd->word == SERVICE_OPEN || cmd->word == SERVICE_OPEN_BDEV)
		return answer_with_file(t, cmd);
	err = obey(t, cmd);
	if (err && cmd->word != SERVICE_MOUNT)
		say("%s: the service may not mount %s with `%s': %s", t->req->type, t->req->dir,
		    cmd->string ? printable(cmd->string) : "fuseblk", strerror(-err));
	return talk_reply(t->sock, &t->patience, err);
}

/* ---- the conversation ---- */

static int send_unasked(struct talk *t, char *const argv[])
{
	CLEANUP_CLOSE int args = service_file_of_args(argv);
	int err;

	if (args < 0)
		return args;
	err = talk_send_file(t->sock, &t->patience, SERVICE_FILE_ARGS, args);
	if (!err)
		err = talk_send_file(t->sock, &t->patience, SERVICE_FILE_DEVICE, t->plan.device);
	return err;
}

static int begin(struct talk *t, char *const argv[])
{
	uint32_t flags = service_may_allow_other(t->req) ? SERVICE_CAN_ALLOW_OTHER : 0;
	int err;

	if (service_may_be_block(t->req, 1, mnt_has_sys_admin()) == 0)
		flags |= SERVICE_CAN_FUSEBLK;
	err = talk_greet(t->sock, &t->patience, flags, "waiting for the service to start");
	if (!err)
		err = send_unasked(t, argv);
	return err;
}

static int serve_commands(struct talk *t)
{
	static char buf[SERVICE_MAX_MESSAGE];
	struct service_command cmd;

	for (unsigned int n = 0; !t->through; n++) {
		ssize_t len = talk_receive(t->sock, &t->patience, buf, sizeof(buf),
					   "waiting for the service");
		int err;

		if (len == 0)
			return -ECONNRESET;
		if (len < 0)
			return (int)len;
		err = n < COMMANDS_MAX ? service_parse(buf, (size_t)len, &cmd) : -EBADMSG;
		if (!err)
			err = answer(t, &cmd);
		if (err)
			return err;
	}
	return 0;
}

static int exit_code(const struct talk *t, int err)
{
	const char *why = "";

	if (!err && !t->status && t->plan.mounted)
		return EXIT_OK;
	if (err == -ECONNRESET || err == -EPIPE)
		why = "the service ended before it was through";
	else if (err == -ETIMEDOUT)
		why = "the service took too long";
	else if (err == -EBADMSG || err == -EMSGSIZE)
		why = "the service said what nobody understands";
	else if (err == -EINTR)
		why = "interrupted";
	else if (!err)
		why = "the service gave up";
	if (!err && t->status)
		say("cannot mount %s: %s, with status %u", t->req->dir, why, t->status);
	else
		say("cannot mount %s: %s", t->req->dir, *why ? why : strerror(-err));
	if (err != -EINTR)
		say_lines("hint: its messages are in its journal, see systemctl(1)\n");
	if (err == -EINTR)
		return EXIT_INTERRUPTED;
	return !err && t->status && t->status <= 255 ? (int)t->status : EXIT_FAILED;
}

static int talk(const struct mount_request *req, int sock)
{
	unsigned int limit = req->words.service_timeout;
	struct program_args args;
	struct talk t = {.req = req, .sock = sock};
	int err, code;

	if (program_arguments(req, req->dir, false, &args) < 0) {
		say("out of memory");
		return EXIT_SYSTEM;
	}
	t.dir = args.dir;
	patience_start(&t.patience, (int)(limit ? limit : PATIENCE_S));
	err = service_plan_start(&t.plan, req);
	if (err)
		say("cannot open /dev/fuse: %s", strerror(-err));
	if (!err)
		err = begin(&t, args.argv);
	if (!err)
		err = serve_commands(&t);
	code = exit_code(&t, err);
	service_plan_end(&t.plan, code == EXIT_OK);
	program_arguments_free(&args);
	return code;
}

int service_mount(const struct mount_request *req, int *err)
{
	CLEANUP_CLOSE int sock = -1;
	char path[SERVICE_PATH_SIZE];

	*err = service_find(req->type, path);
	if (*err)
		return -1;
	if (req->verbose) {
		printf("mount.fuse3: %s %s for %s\n",
		       req->fake ? "would ask the service" : "asking the service", path, req->dir);
		fflush(stdout);
	}
	if (req->fake)
		return EXIT_OK;
	sock = talk_connect(path);
	if (sock < 0) {
		*err = sock;
		return -1;
	}
	return talk(req, sock);
}
