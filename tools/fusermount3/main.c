/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of things: drop what privilege is not needed, read the command
 * line, then run the steps that the table below permits in that mode. A step
 * that fails ends the program; a mount that was attached before is undone.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "profuse_config.h"

#define STEP_SECONDS 30 /* for what depends on other filesystems */
#define SYNC_SECONDS 20 /* for the caller of --sync-init to say "go" */
#define SYNC_WAITERS 16 /* of one user, at the same time */

struct job {
	struct request req;
	struct mount_options opt;
	struct conf conf;
	struct mount_plan plan;
	struct pin pin;
	struct facts facts;
	uid_t caller;
	int device;
	bool device_sent;
	bool attached;
	bool exact;   /* mount_fd came from fsmount and can be no other mount */
	int mount_fd; /* the new mount, attached or not */
	struct mount_id mount;
};

/* ---- steps: 0, or a negative errno. The table has the words to say then, or
 * NULL where the step has said why itself. ---- */

static int check_socket(struct job *j)
{
	return comm_check(j->req.comm_fd) < 0 ? -EBADF : 0;
}

static int read_options(struct job *j)
{
	const char *bad = options_parse(j->req.options, &j->opt);

	if (!bad)
		return 0;
	say("unknown option '%s'", bad);
	return -EINVAL;
}

static int read_conf(struct job *j)
{
	conf_load(&j->conf);
	return 0;
}

static int pin_path(struct job *j)
{
	int r = pin_mountpoint(j->req.mountpoint, &j->pin);

	if (r < 0)
		say("%s %s: %s",
		    j->req.mode == MODE_MOUNT && j->pin.dir >= 0 ? "failed to access mountpoint"
								 : "bad mount point",
		    j->req.mountpoint, strerror(-r));
	else if (chdir("/") < 0)
		r = -errno;
	return r;
}

static void explain(enum verdict v, const struct job *j)
{
	const char *at = j->req.mountpoint;

	switch (v) {
	case V_ALLOW:
		return;
	case V_NOT_DIR_OR_FILE:
		return say("mountpoint %s is not a directory or a regular file", at);
	case V_NOT_WRITABLE:
		return say("user has no write access to mountpoint %s", at);
	case V_NOT_OWNER:
		return say("mountpoint %s not owned by user", at);
	case V_FILE_NOT_WRITABLE:
		return say("failed to open %s: %s", at, strerror(EACCES));
	case V_FSTYPE:
		return say("mounting over filesystem type 0x%08llx is forbidden",
			   (unsigned long long)j->facts.fstype);
	case V_ALLOW_OTHER:
		return say("option allow_other only allowed if 'user_allow_other' is set in %s",
			   FUSE_CONF);
	case V_ALLOW_ROOT:
		return say("option allow_root only allowed if 'user_allow_other' is set in %s",
			   FUSE_CONF);
	case V_ALLOW_ROOT_UNKNOWN:
		return say("unknown option 'allow_root'");
	case V_BLKDEV:
		return say("option blkdev is privileged");
	case V_OPTIONS_TOO_LONG:
		return say("mount options too long");
	case V_TOO_MANY:
		return say("too many FUSE filesystems mounted; mount_max=N can be set in %s",
			   FUSE_CONF);
	}
}

static int judge(struct job *j)
{
	enum verdict v = policy_options(j->caller, &j->opt, &j->conf);

	if (v == V_ALLOW) {
		int r = pin_facts(&j->pin, &j->facts);

		if (r < 0) {
			say("failed to access mountpoint %s: %s", j->req.mountpoint, strerror(-r));
			return r;
		}
		v = policy_mountpoint(&j->facts, &j->conf);
	}
	explain(v, j);
	return v == V_ALLOW ? 0 : -EPERM;
}

static int warn_unsafe(struct job *j)
{
	if (j->caller != 0 && (j->opt.wishes & WISH_SUID))
		say("unsafe option suid ignored");
	if (j->caller != 0 && (j->opt.wishes & WISH_DEV))
		say("unsafe option dev ignored");
	return 0;
}

static int open_device(struct job *j)
{
	j->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	return j->device < 0 ? -errno : 0;
}

static int may_wait(struct job *j)
{
	return watch_enter("fusermount3-s", j->caller, SYNC_WAITERS);
}

static int may_stay(struct job *j)
{
	return watch_enter("fusermount3-w", j->caller, j->conf.mount_max);
}

static int send_device(struct job *j)
{
	int r = comm_send_device(j->req.comm_fd, j->device);

	j->device_sent = r == 0;
	return r;
}

static int wait_for_go(struct job *j)
{
	int r = comm_wait_for_go(j->req.comm_fd, SYNC_SECONDS);

	alarm(STEP_SECONDS);
	return r;
}

static int create(struct job *j)
{
	int r = plan_build(&j->plan, &j->opt, policy_flags(j->caller, &j->opt), j->device,
			   j->facts.mode);

	return r < 0 ? r : priv_create(&j->plan, &j->mount_fd);
}

/* After mount(2), which gives no descriptor: what is now at the place whose
 * name the kernel tells. confirm() checks that it is what was mounted. */
static int open_mounted(const struct job *j)
{
	static char path[PATH_MAX];
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", j->pin.at);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	n = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return n < 0 ? -errno : (int)n;
}

/* One for the mount, one for the mount table: without these, confirm() could
 * not tell what was mounted. */
static bool two_descriptors_left(void)
{
	CLEANUP_CLOSE int one = dup(STDERR_FILENO);
	CLEANUP_CLOSE int two = dup(STDERR_FILENO);

	return one >= 0 && two >= 0;
}

static void block_signals(void)
{
	sigset_t all;

	alarm(0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* From here until the caller has been told, only SIGKILL can leave a mount
 * without a daemon. */
static int attach(struct job *j)
{
	int r;

	block_signals();
	if (comm_peer_gone(j->req.comm_fd))
		return -EPIPE;
	j->exact = j->mount_fd >= 0;
	if (!j->exact && !two_descriptors_left())
		return -EMFILE;
	r = priv_attach(&j->plan, j->mount_fd, j->pin.at);
	j->attached = r == 0;
	if (j->attached && !j->exact)
		r = j->mount_fd = open_mounted(j);
	return r < 0 ? r : 0;
}

struct rank {
	uid_t caller;
	int id;
	int parent;
	uint64_t mounts; /* the caller's, in order of age, up to this one */
	bool found;
};

static bool count_until(const struct mount_entry *e, void *arg)
{
	struct rank *k = arg;
	bool owned = policy_owns(k->caller, e);

	k->mounts += owned;
	k->found = owned && e->id == k->id;
	k->parent = e->parent;
	return e->id != k->id;
}

/* Early, for a clear answer; confirm() does it in earnest. */
static int count(struct job *j)
{
	struct rank k = {.caller = j->caller, .id = -1};
	int r = mounts_each(count_until, &k);
	enum verdict v = policy_count(j->caller, k.mounts + 1, &j->conf);

	explain(r < 0 ? V_ALLOW : v, j);
	return r < 0 ? r : v == V_ALLOW ? 0 : -EPERM;
}

/* The kernel puts a mount on top of what has been mounted at the place in the
 * meantime, where the caller's rights have not been checked: not for users.
 * And of mounts made at the same time, the limit keeps the oldest. */
static int confirm(struct job *j)
{
	struct rank k = {.caller = j->caller};
	struct mount_id under = {0};
	enum verdict v;
	int r = mount_id_at(j->mount_fd, "", &j->mount);

	if (r == 0)
		r = mount_id_at(j->pin.at, "", &under);
	k.id = j->mount.id;
	if (r == 0)
		r = mounts_each(count_until, &k);
	if (r == 0 && (!k.found || k.parent != under.id)) {
		say("mount failed: something else was mounted on %s", j->req.mountpoint);
		return -EBUSY;
	}
	if (r < 0) {
		say("mount failed: %s", strerror(-r));
		return r;
	}
	v = policy_count(j->caller, k.mounts, &j->conf);
	explain(v, j);
	return v == V_ALLOW ? 0 : -EPERM;
}

/* An open mount is busy, and the caller may want to unmount at once. */
static int let_go(struct job *j)
{
	close(j->mount_fd);
	j->mount_fd = -1;
	return 0;
}

static int send_status(struct job *j)
{
	return comm_send_status(j->req.comm_fd, 0);
}

static int unmount(struct job *j)
{
	int r = unmount_pinned(&j->pin, j->caller, j->req.lazy);

	if (r == -EINVAL) /* not a mount, or not the caller's: none to be found */
		say("entry for %s not found in /etc/mtab", j->req.mountpoint);
	else if (r < 0)
		say("failed to unmount %s: %s", j->req.mountpoint, strerror(-r));
	return r;
}

static int find_mount(struct job *j)
{
	int r = unmount_may(j->pin.at, j->caller, &j->mount);

	if (r < 0)
		say("entry for %s not found in /etc/mtab", j->req.mountpoint);
	return r;
}

static int watch(struct job *j)
{
	block_signals();
	j->attached = false; /* from now on the mount is the daemon's */
	return watch_and_unmount(j->req.comm_fd, &j->mount, j->caller);
}

/* ---- the permitted steps ---- */

enum when {
	MOUNT = 1 << 0,
	SYNC = 1 << 1,	/* mount with --sync-init */
	STAY = 1 << 2,	/* mount with -o auto_unmount */
	WATCH = 1 << 3, /* --auto-unmount alone */
	UMOUNT = 1 << 4,
};

static const struct step {
	int (*run)(struct job *j);
	unsigned int when;	 /* any of these */
	unsigned int privileges; /* what priv.c will do for it */
	const char *failure;
} steps[] = {
	{check_socket, MOUNT | SYNC | WATCH, 0, NULL},
	{read_options, MOUNT | SYNC, 0, NULL},
	{read_conf, MOUNT | SYNC | WATCH, 0, NULL},
	{pin_path, MOUNT | SYNC | WATCH | UMOUNT, 0, NULL},
	{judge, MOUNT | SYNC, 0, NULL},
	{warn_unsafe, MOUNT | SYNC, 0, NULL},
	{open_device, MOUNT | SYNC, 0, "failed to open /dev/fuse"},
	{may_wait, SYNC, 0, "too many helpers of this user wait"},
	{send_device, SYNC, 0, "sending file descriptor failed"},
	{wait_for_go, SYNC, 0, "the caller did not say when to mount"},
	{judge, SYNC, 0, NULL}, /* again: time has passed */
	{may_stay, STAY | WATCH, 0, "too many helpers of this user stay"},
	{count, MOUNT | SYNC, 0, NULL},
	{create, MOUNT | SYNC, PRIV_CREATE, "mount failed"},
	{attach, MOUNT | SYNC, PRIV_ATTACH, "mount failed"},
	{confirm, MOUNT | SYNC, 0, NULL},
	{let_go, MOUNT | SYNC, 0, NULL},
	{send_device, MOUNT, 0, "sending file descriptor failed"},
	{send_status, SYNC, 0, "sending the status failed"},
	{unmount, UMOUNT, PRIV_EXPIRE | PRIV_DETACH, NULL},
	{find_mount, WATCH, 0, NULL},
	{watch, STAY | WATCH, PRIV_EXPIRE | PRIV_DETACH, NULL},
};

static unsigned int now(const struct job *j)
{
	if (j->req.mode == MODE_UNMOUNT)
		return UMOUNT;
	if (j->req.mode == MODE_WATCH)
		return WATCH;
	return (j->req.sync_init ? SYNC : MOUNT) | ((j->opt.wishes & WISH_AUTO_UNMOUNT) ? STAY : 0);
}

/* By its descriptor, or by its number when that has been let go. */
static int undo(struct job *j)
{
	struct mount_id id;
	int r = -EBUSY;

	if (j->mount_fd >= 0)
		return j->exact || unmount_may(j->mount_fd, j->caller, &id) == 0
			       ? priv_detach(j->mount_fd)
			       : r;
	for (int i = 0; r == -EBUSY && j->mount.id && i < 100; i++)
		r = watch_take_away(&j->mount, j->caller, false);
	return r;
}

static int run(struct job *j)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
		if (!(steps[i].when & now(j)))
			continue;
		priv_permit(steps[i].privileges);
		r = steps[i].run(j);
		if (r < 0 && steps[i].failure)
			say("%s: %s", steps[i].failure, strerror(-r));
	}
	priv_permit(PRIV_EXPIRE | PRIV_DETACH);
	if (r < 0 && j->attached && undo(j) < 0)
		say("the mount on %s could not be undone", j->req.mountpoint);
	priv_permit(0);
	if (r < 0 && j->req.sync_init && j->device_sent)
		(void)comm_send_status(j->req.comm_fd, r);
	return r;
}

/* ---- the program ---- */

static void timed_out(int sig)
{
	static const char text[] = "fusermount3: timed out\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(sig == SIGALRM ? 1 : 2);
}

static void set_signals(void)
{
	sigset_t alarm_set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a message to a file at its size limit */
	signal(SIGALRM, timed_out);
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_set, NULL);
	alarm(STEP_SECONDS);
}

static void usage(const char *argv0)
{
	dprintf(STDOUT_FILENO,
		"usage: %s [options] mountpoint\n\n"
		"Mounts a FUSE filesystem for the program at the other end of the socket\n"
		"_FUSE_COMMFD, or unmounts one.\n\n"
		"    -h, --help           print this text\n"
		"    -V, --version        print the version\n"
		"    -o, --options OPTS   mount options, separated by commas\n"
		"    -u, --unmount        unmount\n"
		"    -z, --lazy           with -u: detach now, clean up when no longer busy\n"
		"    -q, --quiet          with -u: say nothing about failure\n"
		"    --auto-unmount       watch an existing mount, unmount when the socket ends\n"
		"    --comm-fd N          the socket, instead of _FUSE_COMMFD\n"
		"    --sync-init          send the device first, mount when told to\n",
		argv0);
}

int main(int argc, char **argv)
{
	static struct job j = {.device = -1, .mount_fd = -1};
	const char *comm_env;

	priv_drop();
	if (argc < 1 || !argv[0])
		_exit(1);
	comm_env = getenv("_FUSE_COMMFD");
	environ = NULL; /* nothing below, libc included, shall find anything there */
	if (fd_ensure_stdio() < 0)
		_exit(1);
	report_init(argv[0]);
	set_signals();
	if (parse_command_line(argc, argv, comm_env, &j.req) < 0)
		_exit(1);
	if (j.req.mode == MODE_HELP)
		usage(argv[0]);
	else if (j.req.mode == MODE_VERSION)
		dprintf(STDOUT_FILENO, "fusermount3 version: %s\n", FUSE_API_VERSION);
	if (j.req.mode == MODE_HELP || j.req.mode == MODE_VERSION)
		_exit(0);
	comm_keep_only(j.req.comm_fd);
	report_quiet(j.req.quiet && j.req.mode == MODE_UNMOUNT);
	j.caller = getuid();
	_exit(run(&j) < 0 ? 1 : 0);
}
