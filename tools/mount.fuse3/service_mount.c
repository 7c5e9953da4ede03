/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_opt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "mount/device.h"
#include "mount/options.h"
#include "mount/plan.h"
#include "mount/text.h"
#include "patience.h"
#include "say.h"
#include "service_policy.h"

/* Seconds for taking a mount away: a service can keep fuseblk waiting. */
#define UNMOUNT_S 5

/* Makes an unused device another one of a connection; FUSE_DEV_IOC_CLONE. */
#define CLONE _IOR(229, 0, uint32_t)

int service_plan_start(struct service_plan *plan, const struct mount_request *req)
{
	CLEANUP_TEXT struct mnt_text notes = {0};
	const char *path = mnt_device_path(&notes);

	*plan = (struct service_plan){.req = req};
	say_lines(notes.str);
	plan->device = open(path, O_RDWR | O_CLOEXEC);
	return plan->device < 0 ? -errno : 0;
}

int service_plan_place(struct service_plan *plan, const char *dir, const char *named,
		       uint32_t format)
{
	struct stat st;

	if (strcmp(dir, named) != 0)
		return -EPERM;
	if (format && format != S_IFDIR && format != S_IFREG)
		return -EINVAL;
	if (stat(plan->req->dir, &st) < 0)
		return -errno;
	if (format && (st.st_mode & S_IFMT) != format)
		return format == S_IFDIR ? -ENOTDIR : S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	plan->placed = true;
	return 0;
}

/* The type is the user's word, whatever the service calls itself; and so is what the
 * kernel opens for fuseblk, with our rights. */
static int make_options(const struct service_plan *plan, uint32_t flags, struct mnt_opts **out)
{
	CLEANUP_TEXT struct mnt_text words = {0};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	const char *source = plan->block ? plan->req->source : plan->source;
	CLEANUP_FREE char *why = NULL;
	int err = 0;

	mnt_text_add(&words, "subtype=");
	mnt_text_add_escaped(&words, strchr(plan->req->full_type, '.') + 1);
	if (source) {
		mnt_text_add(&words, ",fsname=");
		mnt_text_add_escaped(&words, source);
	}
	mnt_text_add(&words, "%s", plan->block ? ",blkdev" : "");
	if (plan->options && *plan->options)
		mnt_text_add(&words, ",%s", plan->options);
	if (words.failed || fuse_opt_add_arg(&args, "") < 0 || fuse_opt_add_arg(&args, "-o") < 0 ||
	    fuse_opt_add_arg(&args, words.str) < 0)
		err = -ENOMEM;
	if (!err)
		err = mnt_opts_parse(&args, out, &why);
	if (why)
		say("cannot mount %s: %s", plan->req->dir, why);
	fuse_opt_free_args(&args);
	return err ? err : service_mount_flags(plan->req, flags, &(*out)->flags);
}

static int mount_with(struct service_plan *plan, const struct mnt_opts *opts)
{
	int err = mnt_mount(plan->req->dir, opts, NULL, &plan->res);

	say_lines(plan->res.notes);
	if (err) {
		say("cannot mount %s: %s", plan->req->dir, strerror(-err));
		say_lines(plan->res.report);
		mnt_result_end(&plan->res);
		return err;
	}
	plan->mounted = true;
	/* The descriptor that the service has had since the beginning becomes one
	 * of the mount's. */
	if (ioctl(plan->device, CLONE, &plan->res.fd) == 0)
		return 0;
	err = -errno;
	say("cannot mount %s: the service's /dev/fuse takes no connection: %s", plan->req->dir,
	    strerror(-err));
	return err;
}

int service_plan_mount(struct service_plan *plan, uint32_t flags)
{
	struct mnt_opts *opts = NULL;
	int err;

	if (!plan->placed)
		return -EINVAL;
	if (plan->block && !plan->req->source)
		return -EINVAL;
	err = make_options(plan, flags, &opts);
	if (!err)
		err = mount_with(plan, opts);
	mnt_opts_free(opts);
	return err;
}

struct outcome {
	int err;
	char text[1024];
};

static void take_away(const void *arg, void *result)
{
	struct service_plan *plan = *(struct service_plan *const *)arg;
	struct outcome *out = result;
	CLEANUP_FREE char *why = NULL;

	/* Who reads what we say must not have to wait for this process, too. */
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		close(fd);
	out->err = fd_ensure_stdio();
	if (!out->err)
		out->err = mnt_unmount(&plan->res, plan->req->dir, &why);
	if (why)
		strncpy(out->text, why, sizeof(out->text) - 1);
}

/* As long as somebody has the connection, the unmounting waits for an answer. That shall
 * not be us. In place of ours stands a device without one. */
static void let_go(struct service_plan *plan)
{
	cleanup_close(&plan->device);
	plan->device = open(MNT_DEVICE_DEFAULT, O_RDWR | O_CLOEXEC);
	if (plan->device >= 0)
		dup3(plan->device, plan->res.fd, O_CLOEXEC);
}

/* In another process, which may hang in the kernel instead of us. */
static void undo(struct service_plan *plan)
{
	struct outcome out = {0};
	struct patience p;
	int err;

	let_go(plan);
	patience_start(&p, UNMOUNT_S);
	err = patience_call(&p, take_away, &plan, &out, sizeof(out), "unmounting");
	if (err == -ETIMEDOUT)
		say("%s: the service keeps the unmounting waiting; it is left to itself",
		    plan->req->dir);
	else if (err || out.err)
		say("%s could not be unmounted again: %s", plan->req->dir,
		    strerror(err ? -err : -out.err));
	say_lines(out.text);
}

void service_plan_end(struct service_plan *plan, bool keep)
{
	if (plan->mounted) {
		if (!keep)
			undo(plan);
		mnt_result_end(&plan->res);
	}
	cleanup_close(&plan->device);
	free(plan->source);
	free(plan->options);
}
