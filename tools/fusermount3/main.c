/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of things: drop what privilege is not needed, read the command
 * line, then run the steps that the table below permits in that mode. A step
 * that fails ends the program; a mount that was attached before is undone.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

/* Of a process that is killed the kernel closes one descriptor after another, and
 * an io_uring holds the device for longer. So a mount that lives when the socket
 * has ended is looked at again, for five seconds in all. */
#define ALIVE_TRIES 100
#define ALIVE_MS    50

/* ---- steps: 0, or below 0. The table has the words to say then, or NULL where
 * the step has said why itself. ---- */

static int obey(const char *verdict, const char *about)
{
	size_t n = verdict ? strcspn(verdict, "%") : 0;

	if (!verdict)
		return 0;
	return say("%.*s%s%s", (int)n, verdict, verdict[n] ? about : "",
		   verdict[n] ? verdict + n + 1 : "");
}

static int judge_options(struct job *j)
{
	const char *bad = options_parse(j->req.given['o'], &j->opt), *about = "", *verdict;

	if (bad)
		return say("unknown option '%s'", bad);
	verdict = policy_options(j->caller, &j->opt, &j->conf, &about);
	if (!verdict && j->caller != 0 && !(j->opt.flags & MS_NOSUID))
		say("unsafe option suid ignored");
	if (!verdict && j->caller != 0 && !(j->opt.flags & MS_NODEV))
		say("unsafe option dev ignored");
	j->to_stay = j->to_stay || j->opt.value[MNT_OPT_AUTO_UNMOUNT];
	return obey(verdict, about);
}

static int judge_place(struct job *j)
{
	const char *about = j->req.mountpoint, *verdict;
	int r = place_facts(&j->pin, &j->facts);

	if (r < 0)
		return say("failed to access mountpoint %s: %s", about, strerror(-r));
	verdict = policy_mountpoint(&j->facts, &j->conf, &about);
	return obey(verdict, about);
}

static int open_device(struct job *j)
{
	j->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	return j->device < 0 ? -errno : 0;
}

static int create(struct job *j)
{
	int r = policy_plan(&j->plan, &j->opt, policy_flags(j->caller, j->opt.flags), j->device,
			    j->facts.mode);

	r = r < 0 ? r : priv_create(&j->plan, &j->mount_fd);
	return r < 0 || j->mount_fd < 0 ? r : place_mount_id(j->mount_fd, "", &j->mount);
}

static void block_signals(void)
{
	sigset_t all;

	alarm(0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* From here until the caller has been told, only SIGKILL can leave a mount
 * without a daemon. An open mount is busy, and the caller may want to unmount
 * at once: so it does not stay open. */
static int attach(struct job *j)
{
	int r;

	block_signals();
	if (comm_peer_gone(j->req.comm_fd))
		return -EPIPE;
	r = priv_attach(&j->plan, j->mount_fd, j->pin.at);
	j->attached = r == 0;
	cleanup_close(&j->mount_fd);
	if (r == 0 && !j->mount.id) /* by mount(2): it is what the name leads to now */
		r = place_mount_id(j->pin.dir, j->pin.name, &j->mount);
	return r;
}

/* The kernel puts a mount on top of what has been mounted at the place in the
 * meantime, where the caller's rights have not been checked: not for users. */
static int confirm(struct job *j)
{
	const struct mount_entry *e;
	struct mount_id under;
	struct table t;
	int r = place_mount_id(j->pin.at, "", &under);

	r = r < 0 ? r : table_read(&t);
	e = r < 0 ? NULL : table_find(&t, j->mount.id);
	return r < 0 ? r : e && e->own && e->parent == under.id ? 0 : -EBUSY;
}

/* Holds nothing but the socket, not even what a message could go to. */
static int watch(struct job *j)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), r;

	j->attached = false; /* from now on the mount is the daemon's */
	block_signals();
	crowd_stay();
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fd != j->req.comm_fd && dup2(null, fd) < 0)
			close(fd);
	comm_keep_only(j->req.comm_fd);
	cleanup_close(&j->device); /* or the daemon would never be dead */
	(void)!setsid();	   /* a group leader stays where it is */
	comm_wait_for_end(j->req.comm_fd);
	r = proc_open(j);
	for (int alive = 0, ms = 100; r == 0;) {
		r = unmount_dead(&j->mount);
		if (r == -EAGAIN && alive++ < ALIVE_TRIES)
			r = usleep(ALIVE_MS * 1000);
		else if (r == -EBUSY)
			r = table_wait(ms = ms < 60000 ? 2 * ms : ms);
		else
			break;
	}
	return r == -EAGAIN ? 0 : r; /* it serves on without us */
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
	{comm_check, MOUNT | SYNC | WATCH, 0, NULL},
	{conf_load, MOUNT | SYNC | WATCH, 0, NULL},
	{judge_options, MOUNT | SYNC, 0, NULL},
	{proc_open, MOUNT | SYNC | WATCH | UMOUNT, 0, "cannot use /proc"},
	{crowd_enter, MOUNT | SYNC | WATCH, PRIV_PROC, NULL},
	{place_pin, MOUNT | SYNC | WATCH | UMOUNT, 0, NULL},
	{judge_place, MOUNT | SYNC, 0, NULL},
	{open_device, MOUNT | SYNC, 0, "failed to open /dev/fuse"},
	{comm_send_device, SYNC, 0, "sending file descriptor failed"},
	{comm_wait_for_go, SYNC, 0, "the caller did not say when to mount"},
	{judge_place, SYNC, 0, NULL}, /* again: time has passed */
	{create, MOUNT | SYNC, PRIV_CREATE, "mount failed"},
	{attach, MOUNT | SYNC, PRIV_ATTACH, "mount failed"},
	{confirm, MOUNT | SYNC, 0, "mount failed"},
	{comm_send_device, MOUNT, 0, "sending file descriptor failed"},
	{comm_send_status, SYNC, 0, "sending the status failed"},
	{unmount_pinned, UMOUNT, PRIV_EXPIRE | PRIV_DETACH, NULL},
	{unmount_find, WATCH, 0, NULL},
	{watch, STAY | WATCH, PRIV_DETACH, NULL},
};

static unsigned int now(const struct job *j)
{
	if (j->req.given['u'])
		return UMOUNT;
	if (!j->to_mount)
		return WATCH;
	return (j->req.given[OPT_SYNC_INIT] ? SYNC : MOUNT) | (j->to_stay ? STAY : 0);
}

/* At the place that we hold, unless root has put something on top by now. */
static int undo(struct job *j)
{
	struct table t;

	if (table_read(&t) == 0)
		for (size_t i = 0; i < t.n; i++)
			if (t.at[i].parent == j->mount.id)
				return -EBUSY;
	priv_permit(PRIV_DETACH);
	return priv_detach(j->pin.at);
}

static int run(struct job *j)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
		if (!(steps[i].when & now(j)))
			continue;
		priv_permit(steps[i].privileges);
		j->status = r = steps[i].run(j);
		if (r < 0 && steps[i].failure)
			say("%s: %s", steps[i].failure, strerror(-r));
	}
	if (r < 0 && j->attached && undo(j) < 0)
		say("the mount on %s could not be undone", j->req.mountpoint);
	if (r < 0 && j->req.given[OPT_SYNC_INIT] && j->device_sent)
		(void)comm_send_status(j);
	return r;
}

/* ---- the program ---- */

/* The alarm ends us as if we had been killed: of all signals that can be had at
 * a given time only such a one interrupts waiting for a FUSE filesystem that
 * does not answer. */
static void set_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a message to a file at its size limit */
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(STEP_SECONDS);
}

static const char usage[] = " [-o OPTIONS] MOUNTPOINT | -u [-z] [-q] MOUNTPOINT\n\n"
			    "  -o OPTIONS      mount for the program at the socket _FUSE_COMMFD\n"
			    "  --comm-fd N     another socket\n"
			    "  --sync-init     send the device first, mount when told to\n"
			    "  --auto-unmount  unmount when the socket ends\n"
			    "  -u, --unmount   unmount; -z, --lazy: even if it is in use\n"
			    "  -q, --quiet     with -u, say nothing about failure\n"
			    "  -h, --help; -V, --version\n";

int main(int argc, char **argv)
{
	static struct job j = {.device = -1, .mount_fd = -1};
	const char *comm_env;

	priv_drop();
	comm_env = getenv("_FUSE_COMMFD");
	environ = NULL; /* nothing below, libc included, shall find anything there */
	if (argc < 1 || fd_ensure_stdio() < 0)
		_exit(1);
	set_signals();
	if (parse_command_line(argc, argv, comm_env, &j.req) < 0)
		_exit(1);
	if (j.req.given['h'])
		dprintf(STDOUT_FILENO, "usage: %s%s", argv[0], usage);
	else if (j.req.given['V'])
		dprintf(STDOUT_FILENO, "fusermount3 version: %s\n", FUSE_API_VERSION);
	if (j.req.given['h'] || j.req.given['V'])
		_exit(0);
	comm_keep_only(j.req.comm_fd);
	say_nothing = j.req.given['q'] && j.req.given['u'];
	j.caller = getuid();
	j.to_stay = j.req.given[OPT_AUTO_UNMOUNT];
	j.to_mount = !j.to_stay && !j.req.given['u'];
	_exit(run(&j) < 0 ? 1 : 0);
}
