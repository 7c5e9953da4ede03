/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fcntl locks of processes, of open files, and flock. */
#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_f(void)
{
	return must(open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &fl);
}

/*
 * Where a server keeps the locks, it hears of the last close of a file a little after close(2)
 * has returned.
 */
#define soon(expr)                                                                                 \
	do {                                                                                       \
		int tries_ = 400;                                                                  \
		while ((expr) < 0 && --tries_ > 0)                                                 \
			sleep_ms(5);                                                               \
		if (tries_ == 0)                                                                   \
			fail("%s: %s, also after 2 s", #expr, errno_name(errno));                  \
	} while (0)

/* Run in another process, which has locks of its own. */
#define IN_CHILD(function) reap(spawn(function, NULL))

/* --- conflicts, as a table --- */

struct step {
	char who; /* p: this process, c: another one */
	short type;
	off_t start, len;
	int err;
};

static const struct step conflict_steps[] = {
	{ 'p', F_RDLCK, 0, 10, 0 },	   { 'c', F_RDLCK, 0, 10, 0 },
	{ 'c', F_WRLCK, 0, 10, EAGAIN },   { 'c', F_WRLCK, 9, 1, EAGAIN },
	{ 'c', F_WRLCK, 10, 5, 0 },	   { 'p', F_WRLCK, 20, 10, 0 },
	{ 'c', F_RDLCK, 15, 5, 0 },	   { 'c', F_RDLCK, 15, 6, EAGAIN },
	{ 'c', F_RDLCK, 25, 1, EAGAIN },   { 'c', F_RDLCK, 29, 1, EAGAIN },
	{ 'c', F_RDLCK, 30, 1, 0 },	   { 'p', F_UNLCK, 22, 2, 0 },
	{ 'c', F_WRLCK, 22, 2, 0 },	   { 'c', F_WRLCK, 22, 3, EAGAIN },
	{ 'c', F_WRLCK, 21, 2, EAGAIN },   { 'p', F_RDLCK, 20, 10, 0 },
	{ 'c', F_RDLCK, 20, 10, 0 },	   { 'c', F_WRLCK, 20, 10, EAGAIN },
	{ 'p', F_UNLCK, 0, 0, 0 },	   { 'c', F_WRLCK, 0, 0, 0 },
	{ 'p', F_WRLCK, 1000, 0, 0 },	   { 'c', F_WRLCK, 0, 1000, 0 },
	{ 'c', F_RDLCK, 1LL << 40, 1, EAGAIN }, { 'c', F_RDLCK, 0, 0, EAGAIN },
	{ 'p', F_UNLCK, 2000, 0, 0 },	   { 'c', F_WRLCK, 2000, 0, 0 },
	{ 'c', F_WRLCK, 1999, 1, EAGAIN }, { 'p', F_WRLCK, 500, 500, 0 },
	{ 'c', F_WRLCK, 499, 1, 0 },	   { 'c', F_WRLCK, 499, 2, EAGAIN },
	{ 'p', F_UNLCK, 600, 1, 0 },	   { 'c', F_WRLCK, 600, 1, 0 },
};

static void one_step(const struct step *s)
{
	int fd = open_f();
	int ret = lock(fd, F_SETLK, s->type, s->start, s->len);

	if ((ret < 0 ? errno : 0) != s->err)
		fail("type %d at %lld+%lld: %s, not %s", s->type, (long long)s->start,
		     (long long)s->len, errno_name(ret < 0 ? errno : 0), errno_name(s->err));
}

static void step_in_child(void *arg)
{
	one_step(arg);
}

static void conflicts(void)
{
	int fd = open_f();

	for (size_t i = 0; i < sizeof(conflict_steps) / sizeof(conflict_steps[0]); i++) {
		const struct step *s = &conflict_steps[i];

		/* The child's locks end with it. */
		if (s->who == 'c')
			reap(spawn(step_in_child, (void *)s));
		else
			must(lock(fd, F_SETLK, s->type, s->start, s->len));
	}
}

/* --- who is in the way --- */

static void ask_from_child(void *arg)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_f();

	must(fcntl(fd, F_GETLK, &fl));
	must_be(F_RDLCK, fl.l_type);
	must_be(10, fl.l_start);
	must_be(20, fl.l_len);
	must_be(getppid(), fl.l_pid);
	must_be(SEEK_SET, fl.l_whence);
	fl = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100 };
	must(fcntl(fd, F_GETLK, &fl));
	must_be(F_WRLCK, fl.l_type);
	must_be(200, fl.l_start);
	must_be(0, fl.l_len);
	fl = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 50 };
	must(fcntl(fd, F_GETLK, &fl));
	must_be(F_UNLCK, fl.l_type);
}

static void getlk(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_f();

	must(lock(fd, F_SETLK, F_RDLCK, 10, 20));
	must(lock(fd, F_SETLK, F_WRLCK, 200, 0));
	/* One's own locks are never in the way. */
	must(fcntl(fd, F_GETLK, &fl));
	must_be(F_UNLCK, fl.l_type);
	IN_CHILD(ask_from_child);
}

/* --- when locks end --- */

static void expect_free(void *arg)
{
	must(lock(open_f(), F_SETLK, F_WRLCK, 0, 0));
}

static void expect_taken(void *arg)
{
	must_fail(EAGAIN, lock(open_f(), F_SETLK, F_WRLCK, 0, 0));
}

static void any_close_unlocks(void)
{
	int fd = open_f();

	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	IN_CHILD(expect_taken);
	close(open_f());
	IN_CHILD(expect_free);
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	close(dup(fd));
	IN_CHILD(expect_free);
}

static void closes_inherited(void *arg)
{
	close(*(int *)arg);
}

static void not_inherited(void)
{
	int fd = open_f();

	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	reap(spawn(closes_inherited, &fd));
	IN_CHILD(expect_taken);
}

static void lock_and_die(void *arg)
{
	must(lock(open_f(), F_SETLK, F_WRLCK, 0, 0));
	raise(SIGKILL);
}

static void death_unlocks(void)
{
	pid_t pid = spawn(lock_and_die, NULL);
	int status;

	must_be(pid, waitpid(pid, &status, 0));
	must_be(SIGKILL, WTERMSIG(status));
	IN_CHILD(expect_free);
}

static void needs_modes(void)
{
	int ro, wo;

	close(open_f());
	ro = must(open("f", O_RDONLY));
	wo = must(open("f", O_WRONLY));
	must_fail(EBADF, lock(ro, F_SETLK, F_WRLCK, 0, 0));
	must_fail(EBADF, lock(wo, F_SETLK, F_RDLCK, 0, 0));
	must(lock(ro, F_SETLK, F_RDLCK, 0, 0));
	must(lock(wo, F_SETLK, F_WRLCK, 0, 0));
	must_fail(EINVAL, lock(wo, F_SETLK, F_WRLCK, -1, 0));
	must_fail(EINVAL, lock(wo, F_SETLK, 77, 0, 0));
}

/* --- waiting --- */

/*
 * A child has its parent's descriptors, and with them the locks of open files. It closes the one
 * that its parent wants to be alone with.
 */
static int parents_fd;

/* What parent and child tell each other. */
static struct shared {
	volatile int waiting, got, release;
} *shared;

static void make_shared(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap: %m");
}

static bool is_set(void *arg)
{
	return *(volatile int *)arg != 0;
}

/* Sleeping in the kernel for a while: /proc tells. */
static bool is_blocked(void *arg)
{
	char path[64], text[512];
	FILE *f;
	bool blocked = false;

	snprintf(path, sizeof(path), "/proc/%d/stat", *(pid_t *)arg);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fgets(text, sizeof(text), f)) {
		const char *paren = strrchr(text, ')');

		blocked = paren && (paren[2] == 'S' || paren[2] == 'D');
	}
	fclose(f);
	return blocked;
}

static void wait_until_blocked(pid_t pid)
{
	if (!wait_for(is_set, (void *)&shared->waiting, 10))
		fail("the waiter does not start");
	if (!wait_for(is_blocked, &pid, 10))
		fail("the waiter does not wait");
	/* It sleeps, but perhaps not there yet. */
	sleep_ms(50);
	if (shared->got)
		fail("the lock was given to two");
}

static void wait_posix(void *arg)
{
	int fd = open_f();

	shared->waiting = 1;
	must(lock(fd, F_SETLKW, F_WRLCK, 0, 10));
	shared->got = 1;
}

static void setlkw_waits(void)
{
	int fd = open_f();
	pid_t pid;

	make_shared();
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	pid = spawn(wait_posix, NULL);
	wait_until_blocked(pid);
	must(lock(fd, F_SETLK, F_UNLCK, 5, 0));
	sleep_ms(30);
	must_be(0, shared->got);
	must(lock(fd, F_SETLK, F_UNLCK, 0, 5));
	reap(pid);
	must_be(1, shared->got);
}

static void close_wakes(void)
{
	int fd = open_f();
	pid_t pid;

	make_shared();
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	pid = spawn(wait_posix, NULL);
	wait_until_blocked(pid);
	must(close(fd));
	reap(pid);
}

static void on_signal(int sig)
{
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &sa, NULL);
}

static void wait_interrupted(void *arg)
{
	const char kind = *(const char *)arg;
	int fd = open_f();

	close(parents_fd);
	catch_signals();
	shared->waiting = 1;
	if (kind == 'f')
		must_fail(EINTR, flock(fd, LOCK_EX));
	else
		must_fail(EINTR, lock(fd, kind == 'o' ? F_OFD_SETLKW : F_SETLKW, F_WRLCK, 0, 0));
	/* Nothing is left of the attempt: the same lock can be had later. */
	shared->got = 1;
	if (!wait_for(is_set, (void *)&shared->release, 10))
		fail("never released");
	if (kind == 'f')
		soon(flock(fd, LOCK_EX | LOCK_NB));
	else
		soon(lock(fd, kind == 'o' ? F_OFD_SETLK : F_SETLK, F_WRLCK, 0, 0));
}

static void signal_ends_wait(char kind)
{
	int fd = parents_fd = open_f();
	pid_t pid;

	make_shared();
	if (kind == 'f')
		must(flock(fd, LOCK_EX));
	else
		must(lock(fd, kind == 'o' ? F_OFD_SETLK : F_SETLK, F_WRLCK, 0, 0));
	pid = spawn(wait_interrupted, &kind);
	wait_until_blocked(pid);
	must(kill(pid, SIGUSR1));
	if (!wait_for(is_set, (void *)&shared->got, 10))
		fail("the signal does not end the wait");
	must(close(fd));
	shared->release = 1;
	reap(pid);
}

static void signal_ends_setlkw(void)
{
	signal_ends_wait('p');
}

static void signal_ends_ofd_wait(void)
{
	signal_ends_wait('o');
}

static void signal_ends_flock(void)
{
	signal_ends_wait('f');
}

/* A waiter that is killed leaves the queue to the others. */
static void killed_waiter(void)
{
	int fd = open_f(), status;
	pid_t pid;

	make_shared();
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	pid = spawn(wait_posix, NULL);
	wait_until_blocked(pid);
	must(kill(pid, SIGKILL));
	must_be(pid, waitpid(pid, &status, 0));
	must(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	IN_CHILD(expect_free);
}

/* Many wait for one lock; everybody gets it in turn. */
static void lock_in_turn(void *arg)
{
	int fd = open_f();

	for (int i = 0; i < 20; i++) {
		must(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
		shared->got++;
		must(lock(fd, F_SETLK, F_UNLCK, 0, 1));
	}
}

static void many_waiters(void)
{
	pid_t pids[20];

	make_shared();
	for (int i = 0; i < 20; i++)
		pids[i] = spawn(lock_in_turn, NULL);
	for (int i = 0; i < 20; i++)
		reap(pids[i]);
	must_be(400, shared->got);
}

static void lock_b_then_a(void *arg)
{
	int fd = open_f();

	must(lock(fd, F_SETLK, F_WRLCK, 1, 1));
	shared->waiting = 1;
	must(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
}

static void deadlock(void)
{
	int fd = open_f();
	pid_t pid;

	make_shared();
	must(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	pid = spawn(lock_b_then_a, NULL);
	wait_until_blocked(pid);
	must_fail(EDEADLK, lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	must(lock(fd, F_SETLK, F_UNLCK, 0, 1));
	reap(pid);
}

/* --- locks of open files --- */

static void ofd(void)
{
	int a = open_f(), b = open_f(), c = must(dup(a));

	must(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	must_fail(EAGAIN, lock(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	must(lock(c, F_OFD_SETLK, F_WRLCK, 0, 20));
	must_fail(EAGAIN, lock(b, F_SETLK, F_RDLCK, 15, 1));
	must(lock(b, F_OFD_SETLK, F_WRLCK, 20, 1));
	must(close(open_f()));
	must_fail(EAGAIN, lock(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	must(close(a));
	must_fail(EAGAIN, lock(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	must(close(c));
	soon(lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
}

static void wait_ofd(void *arg)
{
	int fd = open_f();

	shared->waiting = 1;
	must(lock(fd, F_OFD_SETLKW, F_WRLCK, 0, 0));
	shared->got = 1;
}

static void ofd_waits(void)
{
	int fd = open_f();
	pid_t pid;

	make_shared();
	must(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
	pid = spawn(wait_ofd, NULL);
	wait_until_blocked(pid);
	must(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
	reap(pid);
}

/* --- flock --- */

static void flock_modes(void)
{
	int a = open_f(), b = open_f(), c = must(dup(a)), d = must(open("f", O_RDONLY));

	must(flock(a, LOCK_SH));
	must(flock(b, LOCK_SH | LOCK_NB));
	must_fail(EWOULDBLOCK, flock(d, LOCK_EX | LOCK_NB));
	must(flock(b, LOCK_UN));
	must(flock(c, LOCK_EX | LOCK_NB));
	must_fail(EWOULDBLOCK, flock(b, LOCK_SH | LOCK_NB));
	must_fail(EWOULDBLOCK, flock(d, LOCK_SH | LOCK_NB));
	must(close(a));
	must_fail(EWOULDBLOCK, flock(b, LOCK_SH | LOCK_NB));
	must(flock(c, LOCK_SH));
	must(flock(b, LOCK_SH | LOCK_NB));
	must(close(c));
	soon(flock(b, LOCK_EX | LOCK_NB));
	must(flock(b, LOCK_UN));
	must(flock(d, LOCK_EX | LOCK_NB));
}

static void flock_and_fcntl(void)
{
	int a = open_f(), b = open_f();

	must(flock(a, LOCK_EX));
	must(lock(b, F_SETLK, F_WRLCK, 0, 0));
	must_fail(EWOULDBLOCK, flock(b, LOCK_EX | LOCK_NB));
	IN_CHILD(expect_taken);
}

static void wait_flock(void *arg)
{
	int fd = open_f();

	close(parents_fd);
	shared->waiting = 1;
	must(flock(fd, LOCK_EX));
	shared->got = 1;
}

static void flock_waits(void)
{
	int fd = parents_fd = open_f();
	pid_t pid;

	make_shared();
	must(flock(fd, LOCK_EX));
	pid = spawn(wait_flock, NULL);
	wait_until_blocked(pid);
	must(flock(fd, LOCK_UN));
	reap(pid);
	make_shared();
	must(flock(fd, LOCK_SH));
	pid = spawn(wait_flock, NULL);
	wait_until_blocked(pid);
	must(close(fd));
	reap(pid);
}

static void flock_inherited(void)
{
	int fd = open_f(), other = open_f();

	must(flock(fd, LOCK_EX));
	/* A child's close of the inherited descriptor does not unlock; an explicit one does. */
	reap(spawn(closes_inherited, &fd));
	must_fail(EWOULDBLOCK, flock(other, LOCK_EX | LOCK_NB));
	must(flock(fd, LOCK_UN));
	must(flock(other, LOCK_EX | LOCK_NB));
}

/* While a lock is waited for, everything else goes on, on the same file as well. */
static void others_go_on(void)
{
	pid_t pids[16];
	int fd = open_f();
	char c;

	make_shared();
	must(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	for (int i = 0; i < 16; i++)
		pids[i] = spawn(wait_posix, NULL);
	for (int i = 0; i < 16; i++)
		wait_until_blocked(pids[i]);
	must_be(1, pwrite(fd, "x", 1, 0));
	must_be(1, pread(fd, &c, 1, 0));
	put_file("other", 0644, "text");
	must(unlink("other"));
	must(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	for (int i = 0; i < 16; i++)
		reap(pids[i]);
}

const struct check checks_lock[] = {
	{ "conflicts between processes", .run = conflicts },
	{ "who is in the way", .run = getlk },
	{ "any close by the process unlocks", .run = any_close_unlocks },
	{ "a child does not inherit them", .run = not_inherited },
	{ "death unlocks", .run = death_unlocks },
	{ "the descriptor's mode", .run = needs_modes },
	{ "F_SETLKW waits", .run = setlkw_waits },
	{ "a close ends the wait", .run = close_wakes },
	{ "a signal ends the wait", .run = signal_ends_setlkw },
	{ "a killed waiter leaves nothing", .run = killed_waiter },
	{ "many waiters take turns", .run = many_waiters },
	{ "a deadlock is found", .run = deadlock },
	{ "others go on while some wait", .run = others_go_on },
	{ "open file locks", .run = ofd },
	{ "open file locks wait", .run = ofd_waits },
	{ "a signal ends the wait for an open file lock", .run = signal_ends_ofd_wait },
	{ "flock", .run = flock_modes },
	{ "flock and fcntl do not meet", .run = flock_and_fcntl },
	{ "flock waits", .run = flock_waits },
	{ "a signal ends flock", .run = signal_ends_flock },
	{ "flock is inherited", .run = flock_inherited },
	{ NULL }
};
