/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount API of Linux 5.2. Preferred because the kernel names the option
 * that it does not like, values may hold commas, and the mount's id is known
 * before anybody can see the mount.
 */
#include "mount/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/device.h"
#include "mount/flags.h"
#include "mount/kernel.h"
#include "mount/optstr.h"

/* The lines that the kernel keeps in the context, errors only, in brackets. */
static void add_kernel_text(struct mnt_text *out, int ctx)
{
	char msg[512];
	ssize_t n;

	while ((n = read(ctx, msg, sizeof(msg) - 1)) > 0) {
		if (n < 2 || msg[0] != 'e' || msg[1] != ' ')
			continue;
		while (n > 0 && msg[n - 1] == '\n')
			n--;
		mnt_text_add(out, " (kernel: %.*s)", (int)n - 2, msg + 2);
	}
}

static int failed(struct mnt_attempt *a, enum mnt_stage stage, int err, int ctx, const char *step)
{
	mnt_attempt_failed(a, stage, err, "%s: %s", step, strerror(-err));
	if (ctx >= 0)
		add_kernel_text(&a->reason, ctx);
	return err;
}

static int set(struct mnt_attempt *a, int ctx, const char *key, const char *value)
{
	unsigned int cmd = value ? MNT_CONFIG_STRING : MNT_CONFIG_FLAG;
	char step[96];

	if (mnt_sys_fsconfig(ctx, cmd, key, value) == 0)
		return 0;
	snprintf(step, sizeof(step), "option %.64s", key);
	return failed(a, MNT_STAGE_OPTIONS, -errno, ctx, step);
}

static int set_number(struct mnt_attempt *a, int ctx, const char *key, unsigned int value)
{
	char text[24];

	/* The one octal number among them. */
	snprintf(text, sizeof(text), strcmp(key, "rootmode") == 0 ? "%o" : "%u", value);
	return set(a, ctx, key, text);
}

static int set_data_option(struct mnt_attempt *a, int ctx, enum mnt_opt_id id)
{
	const char *name = mnt_opt_table[id].name;
	char key[32], *value = NULL;
	size_t len;
	int err;

	if (!a->opts->value[id])
		return set(a, ctx, name, NULL);
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(name, "="), name);
	/* There is no string to protect a comma in, so no quotes either. */
	name = mnt_unquoted(a->opts->value[id], &len);
	value = strndup(name, len);
	if (!value)
		return failed(a, MNT_STAGE_OPTIONS, -ENOMEM, -1, key);
	err = set(a, ctx, key, value);
	free(value);
	return err;
}

static int set_options(struct mnt_attempt *a, int ctx)
{
	const struct mnt_opts *o = a->opts;
	const char *word;
	int err = 0;

	for (size_t i = 0; i < MNT_OPT_COUNT && !err; i++) {
		enum mnt_opt_kind kind = mnt_opt_table[i].kind;

		if (o->given[i] && (kind == MNT_KIND_DATA || kind == MNT_KIND_NUMBER))
			err = set_data_option(a, ctx, (enum mnt_opt_id)i);
	}
	for (size_t i = 0; !err && (word = mnt_sb_word(o->flags, i)); i++)
		err = set(a, ctx, word, NULL);
	return err;
}

static int configure(struct mnt_attempt *a, int ctx, int fuse_fd)
{
	CLEANUP_TEXT struct mnt_text source = {0};
	const char *subtype = a->opts->value[MNT_OPT_SUBTYPE];
	int err;

	mnt_fs_source(a->opts, true, a->device, &source);
	if (source.failed)
		return failed(a, MNT_STAGE_OPTIONS, -ENOMEM, -1, "source");
	err = set(a, ctx, "source", source.str);
	if (!err && subtype)
		err = set(a, ctx, "subtype", subtype);
	if (!err)
		err = set_number(a, ctx, "fd", (unsigned int)fuse_fd);
	if (!err)
		err = set_number(a, ctx, "rootmode", a->rootmode & S_IFMT);
	if (!err)
		err = set_number(a, ctx, "user_id", getuid());
	if (!err)
		err = set_number(a, ctx, "group_id", getgid());
	return err ? err : set_options(a, ctx);
}

static int create_and_attach(struct mnt_attempt *a, int ctx, const struct mnt_device *dev)
{
	CLEANUP_CLOSE int mnt = -1;

	if (mnt_sys_fsconfig(ctx, MNT_CONFIG_CREATE, NULL, NULL) < 0) {
		int err = -errno;
		bool init = err == -ENOTCONN && dev->started;

		return failed(a, init ? MNT_STAGE_INIT : MNT_STAGE_CREATE, err, ctx, "create");
	}
	mnt = (int)mnt_sys_fsmount(ctx, MNT_FSMOUNT_CLOEXEC, mnt_attrs_of_flags(a->opts->flags));
	if (mnt < 0)
		return failed(a, MNT_STAGE_CREATE, -errno, ctx, "fsmount");
	if (mnt_ident_of_fd(mnt, &a->res->ident) < 0)
		a->res->ident = MNT_IDENT_NONE;
	if (mnt_sys_move_mount(mnt, a->target) < 0)
		return failed(a, MNT_STAGE_ATTACH, -errno, -1, "move_mount");
	return 0;
}

int mnt_tier_fsopen(struct mnt_attempt *a)
{
	CLEANUP_CLOSE int ctx = -1;
	struct mnt_device dev;
	int err;

	err = mnt_device_open(a, &dev);
	if (err)
		return err;
	ctx = (int)mnt_sys_fsopen(a->opts->given[MNT_OPT_BLKDEV] ? "fuseblk" : "fuse",
				  MNT_FSOPEN_CLOEXEC);
	if (ctx < 0)
		err = failed(a, MNT_STAGE_START, -errno, -1, "fsopen");
	if (!err)
		err = configure(a, ctx, dev.fd);
	if (!err)
		err = mnt_device_start(a, &dev);
	if (!err)
		err = create_and_attach(a, ctx, &dev);
	if (err) {
		a->res->ident = MNT_IDENT_NONE;
		mnt_device_drop(a, &dev);
		return err;
	}
	mnt_device_keep(a, &dev);
	return 0;
}
