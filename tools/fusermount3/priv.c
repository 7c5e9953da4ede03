/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only file that uses kernel privileges: every mount, umount and change
 * of ids or capabilities of this program is below.
 *
 * From priv_drop() on the process has the caller's ids and no effective
 * capability. CAP_SYS_ADMIN stays permitted and is raised around single system
 * calls, none of which resolves a path that a user could redirect: "" with a
 * descriptor, /proc/self/fd/N, or one name in a pinned directory.
 * docs/internals/privsep.md walks through this file line by line.
 */
#include "fusermount3.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* <sys/mount.h> and <linux/mount.h> cannot be had together in every libc. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);
int umount2(const char *target, int flags);
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

/* Longer strings are refused by fsconfig and need mount(2). */
#define FSCONFIG_MAX 255

#define CAP(n) (UINT64_C(1) << (n))

static uint64_t kept;		   /* capabilities that stay permitted */
static unsigned int permitted_now; /* enum privilege */

/* ---- ids and capabilities ---- */

static PROFUSE_NORETURN void die(const char *what)
{
	say("%s: %s", what, strerror(errno));
	_exit(1);
}

static int capabilities(int call, uint64_t *permitted, uint64_t *effective)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {
		{.effective = (uint32_t)*effective, .permitted = (uint32_t)*permitted},
		{.effective = (uint32_t)(*effective >> 32),
		 .permitted = (uint32_t)(*permitted >> 32)},
	};

	if (syscall(call, &h, d) < 0)
		return -errno;
	*effective = d[0].effective | (uint64_t)d[1].effective << 32;
	*permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	return 0;
}

static void set_effective(uint64_t effective)
{
	uint64_t permitted = kept;

	effective &= kept;
	if (capabilities(SYS_capset, &permitted, &effective) < 0)
		die("cannot change capabilities");
}

/* What root may read, root may also mount on: its path lookups keep that. */
static uint64_t at_rest(void)
{
	return kept & ~CAP(CAP_SYS_ADMIN);
}

void priv_permit(unsigned int privileges)
{
	permitted_now = privileges;
}

static void raise_privilege(enum privilege p)
{
	if (!(permitted_now & p))
		die("a step used a privilege that it does not have");
	set_effective(kept);
}

static void lower_privilege(void)
{
	int saved = errno;

	set_effective(at_rest());
	errno = saved;
}

void priv_drop(void)
{
	uint64_t permitted = 0, effective = 0;
	uid_t uid = getuid(), r, e, s;
	gid_t gid = getgid();

	if (capabilities(SYS_capget, &permitted, &effective) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		die("cannot drop privileges");
	kept = CAP(CAP_SYS_ADMIN);
	if (uid == 0)
		kept |= CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH);
	kept &= permitted;
	set_effective(at_rest());
	/* Not to be traced or read by the caller, whose ids it has now. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || getresuid(&r, &e, &s) < 0 ||
	    capabilities(SYS_capget, &permitted, &effective) < 0)
		die("cannot drop privileges");
	if (r != uid || e != uid || s != uid || permitted != kept || effective != at_rest())
		die("privileges were not dropped");
}

/* ---- mounting ---- */

static uint64_t attributes(unsigned long flags)
{
	static const struct {
		unsigned long flag;
		uint64_t attr;
	} map[] = {
		{MS_RDONLY, MOUNT_ATTR_RDONLY},
		{MS_NOSUID, MOUNT_ATTR_NOSUID},
		{MS_NODEV, MOUNT_ATTR_NODEV},
		{MS_NOEXEC, MOUNT_ATTR_NOEXEC},
		{MS_NOATIME, MOUNT_ATTR_NOATIME},
		{MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
		{MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
	};
	uint64_t attr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (flags & map[i].flag)
			attr |= map[i].attr;
	return attr;
}

/* fsconfig's own words say which option was wrong; errno alone does not. */
static void report_kernel_text(int fs)
{
	char text[256];
	ssize_t n;

	while ((n = read(fs, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		say("kernel: %s", n > 2 ? text + 2 : text);
	}
}

static int set_string(int fs, const char *key, const char *value)
{
	unsigned int cmd = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

	return (int)syscall(SYS_fsconfig, fs, cmd, key, value, 0);
}

static int configure(int fs, const struct mount_plan *p)
{
	if (set_string(fs, "source", p->source) < 0)
		return -errno;
	if (p->subtype && set_string(fs, "subtype", p->subtype) < 0)
		return -errno;
	for (size_t i = 0; i < p->n_params; i++)
		if (set_string(fs, p->param[i].key, p->param[i].value) < 0)
			return -errno;
	if (((p->flags & MS_RDONLY) && set_string(fs, "ro", NULL) < 0) ||
	    ((p->flags & MS_SYNCHRONOUS) && set_string(fs, "sync", NULL) < 0) ||
	    ((p->flags & MS_DIRSYNC) && set_string(fs, "dirsync", NULL) < 0))
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return 0;
}

/*
 * Makes the mount without attaching it. *mount_fd stays -1 where that cannot
 * be done and priv_attach has to do both: kernels before 5.2, long names.
 */
int priv_create(const struct mount_plan *p, int *mount_fd)
{
	CLEANUP_CLOSE int fs = -1;
	int r;

	*mount_fd = -1;
	if (strlen(p->source) > FSCONFIG_MAX || (p->subtype && strlen(p->subtype) > FSCONFIG_MAX))
		return 0;
	raise_privilege(PRIV_CREATE);
	fs = (int)syscall(SYS_fsopen, p->fs, FSOPEN_CLOEXEC);
	r = fs < 0 ? -errno : configure(fs, p);
	if (r == 0) {
		*mount_fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes(p->flags));
		r = *mount_fd < 0 ? -errno : 0;
	}
	lower_privilege();
	if (fs >= 0 && r < 0)
		report_kernel_text(fs);
	return r == -ENOSYS ? 0 : r;
}

/* Attaches to the descriptor `at`, whatever has become of its path. */
int priv_attach(const struct mount_plan *p, int mount_fd, int at)
{
	char target[32];
	int r;

	snprintf(target, sizeof(target), "/proc/self/fd/%d", at);
	raise_privilege(PRIV_ATTACH);
	if (mount_fd >= 0)
		r = (int)syscall(SYS_move_mount, mount_fd, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	else
		r = mount(p->source, target, p->type, p->flags, p->data);
	lower_privilege();
	return r < 0 ? -errno : 0;
}

/* ---- unmounting ---- */

static int unmount(const char *target, int flags, enum privilege p)
{
	/* The daemon may have a lot to write: no time limit for that. */
	unsigned int seconds = alarm(0);
	int r;

	raise_privilege(p);
	r = umount2(target, flags);
	lower_privilege();
	r = r < 0 ? -errno : 0;
	alarm(seconds);
	return r;
}

/* Takes the mount whose root the descriptor is out of the tree, busy or not. */
int priv_detach(int mount_fd)
{
	char target[32];

	snprintf(target, sizeof(target), "/proc/self/fd/%d", mount_fd);
	return unmount(target, MNT_DETACH, PRIV_DETACH);
}

/*
 * Unmounts what is mounted on dir/name if it is idle, has been expired by an
 * earlier call and nobody has touched it since; else -EAGAIN (now it is
 * expired) or -EBUSY. See unmount.c for why that is what one wants.
 */
int priv_expire(int dir, const char *name)
{
	int r;

	if (fchdir(dir) < 0)
		return -errno;
	r = unmount(name, MNT_EXPIRE | UMOUNT_NOFOLLOW, PRIV_EXPIRE);
	return chdir("/") < 0 ? -errno : r;
}
