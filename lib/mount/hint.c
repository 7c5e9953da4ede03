/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/hint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/plan.h"

#define HINT		 "  hint: "
#define NO_HELPER_NEEDED "`profuse run' mounts without a helper"

void mnt_hint_mountpoint(const char *path, int err, struct mnt_text *out)
{
	switch (err) {
	case -ENOENT:
		mnt_text_add(out, HINT "create it first: mkdir -p '%s'\n", path);
		break;
	case -ENOTCONN:
		mnt_text_add(out,
			     HINT "a filesystem whose process is gone is still mounted there; "
				  "remove it: fusermount3 -uz '%s'\n",
			     path);
		break;
	case -EACCES:
		mnt_text_add(out, HINT "you need search permission on every directory above it; "
				       "if it is somebody else's FUSE mount, only they may look\n");
		break;
	}
}

void mnt_hint_device(const char *device, int err, mode_t mode, struct mnt_text *out)
{
	switch (err) {
	case -ENOENT:
		mnt_text_add(out,
			     HINT "%s does not exist: load the kernel module (modprobe fuse), or, "
				  "in a container, pass the device in (--device %s)\n",
			     device, device);
		break;
	case -ENODEV:
	case -ENXIO:
		mnt_text_add(out, HINT "the kernel has no FUSE at the moment: modprobe fuse\n");
		break;
	case -EACCES:
		mnt_text_add(out,
			     HINT "%s has mode %04o; distributions ship it as 0666. As root: "
				  "chmod 0666 %s\n",
			     device, mode, device);
		break;
	case -EPERM:
		mnt_text_add(out,
			     HINT "%s is there but may not be opened: a container's device rules? "
				  "Allow it there (--device %s)\n",
			     device, device);
		break;
	}
}

static bool said(const struct mnt_facts *f, const char *what)
{
	return f->helper_said && strstr(f->helper_said, what);
}

/* The helper names the file it reads, which depends on where it comes from. */
static void hint_conf_line(const struct mnt_facts *f, const char *line, struct mnt_text *out)
{
	const char *at = strstr(f->helper_said, " set in ");
	size_t len = at ? strcspn(at + 8, " \n") : 0;

	mnt_text_add(out, HINT "as root, put the line `%s' into %.*s", line,
		     len ? (int)len : (int)strlen("/etc/fuse.conf"),
		     len ? at + 8 : "/etc/fuse.conf");
}

/* The helper ran and gave a reason: explain that one. */
static bool hint_from_helper_text(const struct mnt_facts *f, struct mnt_text *out)
{
	if (said(f, "user_allow_other")) {
		hint_conf_line(f, "user_allow_other", out);
		mnt_text_add(out, "; or leave out allow_other/allow_root\n");
	} else if (said(f, "mount_max")) {
		hint_conf_line(f, "mount_max = N", out);
		mnt_text_add(out, " with a larger N; or unmount some\n");
	} else if (said(f, "no write access") || said(f, "not owned by user")) {
		mnt_text_add(out, HINT "a user may mount only on what they may write to, and in a "
				       "sticky directory on what they own\n");
	} else if (said(f, "filesystem type")) {
		mnt_text_add(out, HINT "the helper does not allow mounting over that filesystem; "
				       "choose another place\n");
	} else if (said(f, "determine username")) {
		mnt_text_add(out, HINT "this user id has no line in /etc/passwd, which the helper "
				       "needs; " NO_HELPER_NEEDED "\n");
	} else {
		return false;
	}
	return true;
}

static void hint_permission(const struct mnt_facts *f, struct mnt_text *out)
{
	if (!f->helper[0])
		mnt_text_add(out,
			     HINT "install fusermount3 (Debian: package fuse3); " NO_HELPER_NEEDED
				  ", and so does -o userns\n");
	else if (f->no_new_privs)
		mnt_text_add(out,
			     HINT "this process has no_new_privs set, so %s cannot gain "
				  "rights; " NO_HELPER_NEEDED "\n",
			     f->helper);
	else if (!f->helper_setuid && f->uid != 0)
		mnt_text_add(out,
			     HINT "%s is not setuid root, or lies on a nosuid mount. As "
				  "root: chmod u+s %s; " NO_HELPER_NEEDED "\n",
			     f->helper, f->helper);
	else if (f->uid == 0 && !f->sys_admin)
		mnt_text_add(out, HINT
			     "root here has no CAP_SYS_ADMIN: a container? " NO_HELPER_NEEDED "\n");
}

void mnt_hint_from_facts(const struct mnt_facts *f, struct mnt_text *out)
{
	if (f->stage == MNT_STAGE_INIT)
		mnt_text_add(out,
			     HINT "the filesystem itself refused to start; see its messages\n");
	else if (f->device_err)
		mnt_hint_device(f->device, f->device_err, f->device_mode, out);
	else if (hint_from_helper_text(f, out))
		return;
	else if (f->err == -ENODEV)
		mnt_text_add(out, HINT "the kernel does not know the type: modprobe fuse%s\n",
			     f->blkdev ? "; fuseblk needs CONFIG_BLOCK" : "");
	else if (f->err == -ENOTBLK)
		mnt_text_add(out, HINT "with blkdev, fsname= must name a block device\n");
	else if (f->err == -EPERM || f->err == -EACCES)
		hint_permission(f, out);
}

static bool is_setuid_root(const char *path)
{
	struct stat st;
	struct statvfs vfs;

	return *path && stat(path, &st) == 0 && st.st_uid == 0 && (st.st_mode & S_ISUID) &&
	       statvfs(path, &vfs) == 0 && !(vfs.f_flag & ST_NOSUID);
}

void mnt_hint_mount(const struct mnt_attempt *a, int err, struct mnt_text *out)
{
	struct mnt_facts f = {
		.uid = getuid(),
		.sys_admin = mnt_has_sys_admin(),
		.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
		.device = a->device,
		.helper = a->helper,
		.helper_setuid = is_setuid_root(a->helper),
		.helper_said = a->helper_said,
		.err = err,
		.stage = a->stage,
		.blkdev = a->opts->given[MNT_OPT_BLKDEV],
	};
	struct stat st;
	CLEANUP_CLOSE int fd = -1;

	if (a->res->tier == MNT_TIER_FD)
		return;
	fd = open(a->device, O_RDWR | O_CLOEXEC);
	f.device_err = fd < 0 ? -errno : 0;
	f.device_mode = stat(a->device, &st) == 0 ? st.st_mode & 07777 : 0;
	mnt_hint_from_facts(&f, out);
}

/* The number in a file under /proc/sys, or -1. */
static long sysctl_value(const char *proc_sys, const char *name)
{
	char path[256], text[32] = "";
	CLEANUP_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", proc_sys, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	return strtol(text, NULL, 10);
}

void mnt_hint_userns(const char *proc_sys, int err, struct mnt_text *out)
{
	if (sysctl_value(proc_sys, "user/max_user_namespaces") == 0)
		mnt_text_add(out, HINT "user namespaces are switched off here; as root: sysctl "
				       "user.max_user_namespaces=10000\n");
	else if (sysctl_value(proc_sys, "kernel/unprivileged_userns_clone") == 0)
		mnt_text_add(out, HINT "user namespaces are only for root here; as root: sysctl "
				       "kernel.unprivileged_userns_clone=1\n");
	else if (sysctl_value(proc_sys, "kernel/apparmor_restrict_unprivileged_userns") == 1)
		mnt_text_add(out,
			     HINT "AppArmor gives user namespaces no rights without a profile; "
				  "as root: sysctl "
				  "kernel.apparmor_restrict_unprivileged_userns=0, or a profile "
				  "with `userns,' for this program\n");
	else if (err == -ENOSPC)
		mnt_text_add(out,
			     HINT "the limit user.max_user_namespaces is reached, here or in an "
				  "enclosing namespace\n");
	else if (err == -EUSERS)
		mnt_text_add(out, HINT "user namespaces are nested too deeply (32 levels)\n");
	else if (err == -EINVAL)
		mnt_text_add(out, HINT "a process with several threads cannot enter one, or the "
				       "kernel has none (CONFIG_USER_NS)\n");
	else if (err == -EPERM || err == -EACCES)
		mnt_text_add(out, HINT "forbidden by a container's seccomp filter, or this process "
				       "runs in a chroot\n");
}
