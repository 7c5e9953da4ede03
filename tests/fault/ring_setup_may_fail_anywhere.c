/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever fails while rings are set up, the mount works, over the device, and
 * one line says why. Every call that can fail does so once: the first in the first
 * run, the second in the second, until a run has no more calls. Then the kernel
 * itself refuses: its entries are too small for the connection. Each run is a
 * process of its own with a mount of its own.
 */
#include <profuse.h>

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/queues.h"

/* ---- the calls, by the linker's --wrap ---- */

/* Counted while set-up is under way; the call with this number fails. */
static atomic_bool counting;
static atomic_int calls, victim;
static const char *_Atomic failed;

static bool fails(const char *name)
{
	if (!atomic_load(&counting) || atomic_fetch_add(&calls, 1) + 1 != atomic_load(&victim))
		return false;
	failed = name;
	return true;
}

#define WRAP(type, name, parameters, arguments, failure)                                           \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails(#name) ? (failure) : __real_##name arguments;                         \
	}

static int with_errno(int err)
{
	errno = err;
	return -1;
}

WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t m), (n, m), NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(void *, aligned_alloc, (size_t a, size_t n), (a, n), NULL)
WRAP(void *, mmap, (void *a, size_t n, int p, int f, int fd, off_t o), (a, n, p, f, fd, o),
     (with_errno(ENOMEM), MAP_FAILED))
WRAP(int, madvise, (void *a, size_t n, int advice), (a, n, advice), with_errno(EINVAL))
WRAP(int, eventfd, (unsigned int n, int flags), (n, flags), with_errno(EMFILE))
WRAP(int, pthread_create,
     (pthread_t * id, const pthread_attr_t *attr, void *(*func)(void *), void *arg),
     (id, attr, func, arg), EAGAIN)
WRAP(int, io_uring_queue_init_params,
     (unsigned int n, struct io_uring *ring, struct io_uring_params *p), (n, ring, p), -EPERM)
WRAP(int, io_uring_ring_dontfork, (struct io_uring * ring), (ring), -EINVAL)
WRAP(int, io_uring_register_files, (struct io_uring * ring, const int *fds, unsigned int n),
     (ring, fds, n), -ENOMEM)
WRAP(int, io_uring_register_ring_fd, (struct io_uring * ring), (ring), -EINVAL)

void __real_sess_queues_prepare(struct fuse_session *se, uint64_t offered,
				struct fuse_init_out *out);
void __wrap_sess_queues_prepare(struct fuse_session *se, uint64_t offered,
				struct fuse_init_out *out);
void __wrap_sess_queues_prepare(struct fuse_session *se, uint64_t offered,
				struct fuse_init_out *out)
{
	atomic_store(&counting, true);
	__real_sess_queues_prepare(se, offered, out);
	atomic_store(&counting, false);
}

/* The kernel turns down entries that cannot hold the largest request. */
static bool small_entries;

size_t __real_xport_rings_payload(const struct fuse_init_out *out);
size_t __wrap_xport_rings_payload(const struct fuse_init_out *out);
size_t __wrap_xport_rings_payload(const struct fuse_init_out *out)
{
	return small_entries ? 4096 : __real_xport_rings_payload(out);
}

/* ---- the filesystem ---- */

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = {.st_mode = S_IFDIR | 0755, .st_nlink = 2, .st_ino = ino, .st_size = 4711};

	fuse_reply_attr(req, &st, 0);
}

static const struct fuse_lowlevel_ops ops = {.getattr = do_getattr};

static atomic_int lines;

static void count_line(enum fuse_log_level level, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	if (strstr(text, "no io_uring"))
		lines++;
	else
		fprintf(stderr, "unexpected: %s", text);
}

static bool multi;

static void *loop(void *arg)
{
	return (void *)(intptr_t)(multi ? fuse_session_loop_mt(arg, NULL) : fuse_session_loop(arg));
}

/* ---- a run ---- */

enum result { RINGS = 10, DEVICE, NO_FAULT, WRONG };

static int complain(const char *what)
{
	fprintf(stderr, "%s fails as call %d (%s): %s\n", failed ? failed : "nothing", victim,
		multi ? "several threads" : "one thread", what);
	return WRONG;
}

static int serve_once(const char *mnt)
{
	char *argv[] = {(char *)"x", (char *)"-o", (char *)"io_uring=on", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *se;
	struct stat st;
	pthread_t thread;
	int used;

	fuse_set_log_func(count_line);
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	fuse_opt_free_args(&args);
	if (!se || fuse_session_mount(se, mnt) != 0 || pthread_create(&thread, NULL, loop, se))
		return complain("no session");
	for (int i = 0; i < 20; i++) {
		if (stat(mnt, &st) != 0 || st.st_size != 4711)
			return complain("the mount does not work");
	}
	used = profuse_session_uring(se, NULL, 0);
	fuse_session_exit(se);
	fuse_session_unmount(se);
	pthread_join(thread, NULL);
	fuse_session_destroy(se);
	if (!failed && !small_entries)
		return used ? NO_FAULT : complain("no rings, though nothing failed");
	if (lines != !used)
		return complain("there is not just one line where rings are not used");
	return used ? RINGS : DEVICE;
}

/* In a child, watched: a mount that hangs is a failure. */
static int watched(const char *mnt, int number)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		victim = number;
		exit(serve_once(mnt));
	}
	for (int ms = 0; waitpid(child, &status, WNOHANG) == 0; ms += 2) {
		if (ms > 20000) {
			fprintf(stderr, "call %d: no end\n", number);
			umount2(mnt, MNT_FORCE);
			umount2(mnt, MNT_DETACH);
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return WRONG;
		}
		usleep(2000);
	}
	umount2(mnt, MNT_DETACH);
	return WIFEXITED(status) ? WEXITSTATUS(status) : WRONG;
}

static int run(const char *mnt)
{
	int device = 0, rings = 0, result;

	for (int number = 1; number < 1000; number++) {
		result = watched(mnt, number);
		device += result == DEVICE;
		rings += result == RINGS;
		if (result == NO_FAULT)
			break;
		if (result != DEVICE && result != RINGS)
			return 1;
	}
	printf("%s: %d faults led to the device, %d were of no consequence\n",
	       multi ? "several threads" : "one thread", device, rings);
	return device < 5 || result != NO_FAULT;
}

static int run_refused(const char *mnt)
{
	int result;

	small_entries = true;
	result = watched(mnt, 0);
	small_entries = false;
	printf("%s: entries that the kernel refused led to %s\n",
	       multi ? "several threads" : "one thread",
	       result == DEVICE ? "the device" : "nothing good");
	return result != DEVICE;
}

static bool offered(void)
{
	int fd = open("/sys/module/fuse/parameters/enable_uring", O_RDONLY | O_CLOEXEC);
	char c = 'N';

	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = 'N';
	close(fd);
	return c == 'Y';
}

int main(void)
{
	char mnt[] = "/tmp/ring-faults.XXXXXX";
	int failures = 0;

	if (geteuid() != 0 || !offered()) {
		printf("skipped: needs root and a kernel that offers FUSE over io_uring\n");
		return 77;
	}
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		printf("skipped: no mount namespace: %s\n", strerror(errno));
		return 77;
	}
	if (!mkdtemp(mnt))
		return 1;
	for (int i = 0; i < 2; i++) {
		multi = i;
		failures += run(mnt);
		failures += run_refused(mnt);
	}
	rmdir(mnt);
	return failures != 0;
}
