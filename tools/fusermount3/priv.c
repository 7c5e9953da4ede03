/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only file that uses kernel privileges: every mount, umount and change
 * of ids or capabilities of this program is below.
 *
 * From priv_drop() on the process has the caller's ids and no effective
 * capability. CAP_SYS_ADMIN stays permitted and is raised around single system
 * calls, none of which resolves a path that a user could redirect: "" with a
 * descriptor, self/fd/N in procfs, or one name in a pinned directory.
 * docs/internals/privsep.md walks through this file line by line.
 */
#include "fusermount3.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "mount/flags.h"

/* Longer strings are refused by fsconfig and need mount(2). */
#define FSCONFIG_MAX 255

#define CAP(n) (UINT32_C(1) << (n))

static uint32_t kept;		   /* capabilities that stay permitted */
static uint32_t at_rest;	   /* and in effect: what lets root look up any path */
static unsigned int permitted_now; /* enum privilege */

/* ---- ids and capabilities ---- */

static PROFUSE_NORETURN void die(const char *what)
{
	say("%s: %s", what, strerror(errno));
	_exit(1);
}

/* Those that we know are in the first of two words; the second is empty. */
static int capabilities(long call, uint32_t *permitted, uint32_t *effective)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{*effective, *permitted, 0}};
	int r = (int)syscall(call, &h, d);

	*effective = d[0].effective | d[1].effective;
	*permitted = d[0].permitted | d[1].permitted;
	return r;
}

static void set_effective(uint32_t effective)
{
	uint32_t permitted = kept;

	effective &= kept;
	if (capabilities(SYS_capset, &permitted, &effective) < 0)
		die("cannot change capabilities");
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
	set_effective(at_rest);
}

void priv_drop(void)
{
	uint32_t permitted = 0, effective = 0;
	uid_t uid = getuid(), r, e, s;
	gid_t gid = getgid();

	if (capabilities(SYS_capget, &permitted, &effective) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		die("cannot drop privileges");
	at_rest = uid == 0 ? permitted & (CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH)) : 0;
	kept = at_rest | (permitted & CAP(CAP_SYS_ADMIN));
	lower_privilege();
	/* Not to be traced or read by the caller, whose ids it has now. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || getresuid(&r, &e, &s) < 0 ||
	    capabilities(SYS_capget, &permitted, &effective) < 0)
		die("cannot drop privileges");
	if (r != uid || e != uid || s != uid || permitted != kept || effective != at_rest)
		die("privileges were not dropped");
}

/* ---- mounting ---- */

/* fsconfig's own words say which option was wrong; errno alone does not. */
static void report_kernel_text(int fs)
{
	char text[256];
	ssize_t n;

	while ((n = read(fs, text, sizeof(text) - 1)) > 2) { /* "e " stands in front */
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		say("kernel: %s", text + 2);
	}
}

static bool set(int fs, const char *key, const char *value)
{
	unsigned int cmd = value ? MNT_CONFIG_STRING : MNT_CONFIG_FLAG;

	return mnt_sys_fsconfig(fs, cmd, key, value) == 0;
}

static bool configure(int fs, const struct mount_plan *p)
{
	char data[sizeof(p->data)], *rest = *p->data ? data : NULL, *word;
	bool ok = set(fs, "source", p->source) && (!p->subtype || set(fs, "subtype", p->subtype));

	memcpy(data, p->data, sizeof(data));
	while (ok && (word = strsep(&rest, ","))) {
		char *key = strsep(&word, "=");

		ok = set(fs, key, word);
	}
	for (size_t i = 0; ok && mnt_sb_word(p->flags, i); i++)
		ok = set(fs, mnt_sb_word(p->flags, i), NULL);
	return ok && mnt_sys_fsconfig(fs, MNT_CONFIG_CREATE, NULL, NULL) == 0;
}

/* A mount that is nowhere yet: its descriptor, or a negative errno. */
static int make(const struct mount_plan *p, enum privilege privilege)
{
	CLEANUP_CLOSE int fs = -1;
	int mount_fd = -1, r = 0;

	raise_privilege(privilege);
	fs = (int)mnt_sys_fsopen(p->fs, MNT_FSOPEN_CLOEXEC);
	if (fs >= 0 && configure(fs, p))
		mount_fd =
			(int)mnt_sys_fsmount(fs, MNT_FSMOUNT_CLOEXEC, mnt_attrs_of_flags(p->flags));
	r = mount_fd < 0 ? -errno : mount_fd;
	lower_privilege();
	if (fs >= 0 && r < 0)
		report_kernel_text(fs);
	return r;
}

/* A procfs of our own, where hidepid hides nothing. */
int priv_proc(void)
{
	static const struct mount_plan plan = {
		.fs = "proc", .source = "proc", .flags = MS_NOSUID | MS_NODEV | MS_NOEXEC};

	return make(&plan, PRIV_PROC);
}

/*
 * Makes the mount without attaching it. *mount_fd stays -1 where that cannot
 * be done and priv_attach has to do both: kernels before 5.2, long names.
 */
int priv_create(const struct mount_plan *p, int *mount_fd)
{
	int r;

	*mount_fd = -1;
	if (strlen(p->source) > FSCONFIG_MAX || (p->subtype && strlen(p->subtype) > FSCONFIG_MAX))
		return 0;
	r = make(p, PRIV_CREATE);
	if (r >= 0)
		*mount_fd = r;
	return r == -ENOSYS || r >= 0 ? 0 : r;
}

/* Attaches to the descriptor `at`, whatever has become of its path. */
int priv_attach(const struct mount_plan *p, int mount_fd, int at)
{
	static char type[4200];
	char link[32];
	long r;

	snprintf(link, sizeof(link), "self/fd/%d", at);
	snprintf(type, sizeof(type), "%s%s%s", p->fs, p->subtype ? "." : "",
		 p->subtype ? p->subtype : "");
	if (fchdir(proc) < 0)
		return -errno;
	raise_privilege(PRIV_ATTACH);
	r = mount_fd >= 0 ? mnt_sys_move_mount(mount_fd, at)
			  : mount(p->source, link, type, p->flags, p->data);
	r = r < 0 ? -errno : 0;
	lower_privilege();
	return chdir("/") < 0 ? -errno : (int)r;
}

/* ---- unmounting ---- */

static int unmount(int dir, const char *name, int flags, enum privilege p)
{
	unsigned int seconds;
	int r;

	if (fchdir(dir) < 0)
		return -errno;
	seconds = alarm(0); /* the daemon may have a lot to write */
	raise_privilege(p);
	r = umount2(name, flags) < 0 ? -errno : 0;
	lower_privilege();
	alarm(seconds);
	return chdir("/") < 0 ? -errno : r;
}

/*
 * Takes out of the tree, busy or not, what is on top of the place that the
 * descriptor is: the mount whose root it is, or what is mounted there.
 */
int priv_detach(int at)
{
	char link[32];

	snprintf(link, sizeof(link), "self/fd/%d", at);
	return unmount(proc, link, MNT_DETACH, PRIV_DETACH);
}

/*
 * Unmounts what is mounted on dir/name if it is idle, has been expired by an
 * earlier call and nobody has touched it since; else -EAGAIN (now it is
 * expired) or -EBUSY. See unmount.c for why that is what one wants.
 */
int priv_expire(int dir, const char *name)
{
	return unmount(dir, name, MNT_EXPIRE | UMOUNT_NOFOLLOW, PRIV_EXPIRE);
}
