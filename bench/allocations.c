/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many times does the library allocate while it serves requests?
 *
 * The allocator's functions and mmap are replaced by ones that count and then
 * do what they always did. A peer sends GETATTR over a socket; after a warm-up,
 * in which slabs and buffers come into being, the calls during N requests are
 * counted. With a directory as argument (root), the same over a real mount,
 * by fstat.
 *
 *     allocations [-n REQUESTS] [MOUNTPOINT]
 */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>
#include <profuse.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/wire.h"

/* Until workers, slabs and buffers exist. */
#define WARM_UP 100000

/* ---- counting ---- */

static _Atomic bool counting;
static _Atomic unsigned long allocations, mappings, releases;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static void count(_Atomic unsigned long *what)
{
	if (atomic_load_explicit(&counting, memory_order_relaxed))
		atomic_fetch_add_explicit(what, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
	count(&allocations);
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	count(&allocations);
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	count(&allocations);
	return __libc_realloc(p, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	count(&allocations);
	return __libc_memalign(align, size);
}

void free(void *p)
{
	if (p)
		count(&releases);
	__libc_free(p);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	static void *(*real)(void *, size_t, int, int, int, off_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "mmap");
	count(&mappings);
	return real(addr, len, prot, flags, fd, offset);
}

static void start_counting(void)
{
	allocations = mappings = releases = 0;
	counting = true;
}

static void report(const char *what, unsigned long requests)
{
	counting = false;
	printf("%-24s %10lu requests %8lu allocations %6lu releases %6lu mappings\n", what,
	       requests, allocations, releases, mappings);
	fflush(stdout);
}

/* ---- the filesystem ---- */

static void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = {.st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2};

	fuse_reply_attr(req, &st, 0);
}

static const struct fuse_lowlevel_ops ops = {.getattr = fs_getattr};

static struct fuse_session *new_session(const char *extra)
{
	char *argv[] = {(char *)"allocations", (char *)extra, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(extra ? 2 : 1, argv);
	struct fuse_session *se = fuse_session_new(&args, &ops, sizeof(ops), NULL);

	fuse_opt_free_args(&args);
	if (!se)
		exit(1);
	return se;
}

struct loop {
	struct fuse_session *se;
	bool threaded;
};

static void *run_loop(void *arg)
{
	struct loop *l = arg;

	if (l->threaded)
		fuse_session_loop_mt(l->se, NULL);
	else
		fuse_session_loop(l->se);
	return NULL;
}

/* ---- over a socket ---- */

static void ask(int fd, uint32_t opcode, uint64_t unique, const void *arg, size_t len)
{
	struct fuse_in_header h = {
		.len = (uint32_t)(sizeof(h) + len),
		.opcode = opcode,
		.unique = unique,
		.nodeid = 1,
	};
	struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)arg, len}};
	char answer[512];

	if (writev(fd, iov, 2) < 0 || read(fd, answer, sizeof(answer)) <= 0) {
		perror("peer");
		exit(1);
	}
}

static void over_socket(unsigned long n, bool threaded)
{
	struct fuse_init_in init = {.major = 7, .minor = 45};
	struct fuse_getattr_in getattr = {0};
	struct loop l = {.threaded = threaded};
	uint64_t unique = 2;
	pthread_t thread;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0) {
		perror("socketpair");
		exit(1);
	}
	l.se = new_session(NULL);
	if (profuse_session_stream(l.se, sv[0]) != 0)
		exit(1);
	pthread_create(&thread, NULL, run_loop, &l);
	ask(sv[1], FUSE_INIT, unique, &init, sizeof(init));
	for (int i = 0; i < WARM_UP; i++)
		ask(sv[1], FUSE_GETATTR, unique += 2, &getattr, sizeof(getattr));
	start_counting();
	for (unsigned long i = 0; i < n; i++)
		ask(sv[1], FUSE_GETATTR, unique += 2, &getattr, sizeof(getattr));
	report(threaded ? "socket, multi-threaded" : "socket, single-threaded", n);
	close(sv[1]);
	pthread_join(thread, NULL);
	fuse_session_destroy(l.se);
}

/* ---- over a mount ---- */

/* The client is another process, so that only the server is counted. */
static pid_t start_client(const char *mountpoint, unsigned long n, int go, int done)
{
	pid_t pid = fork();
	struct stat st;
	char c;
	int dir;

	if (pid)
		return pid;
	dir = open(mountpoint, O_RDONLY | O_DIRECTORY);
	for (int i = 0; dir >= 0 && i < WARM_UP; i++)
		fstat(dir, &st);
	if (write(done, "w", 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	for (unsigned long i = 0; dir >= 0 && i < n; i++)
		fstat(dir, &st);
	_exit(write(done, "d", 1) == 1 && dir >= 0 ? 0 : 1);
}

static void over_mount(const char *mountpoint, unsigned long n, bool threaded)
{
	struct loop l = {.threaded = threaded, .se = new_session(NULL)};
	int go[2], done[2], status;
	pthread_t thread;
	pid_t client;
	char c;

	if (pipe2(go, O_CLOEXEC) || pipe2(done, O_CLOEXEC) ||
	    fuse_session_mount(l.se, mountpoint) != 0)
		exit(1);
	client = start_client(mountpoint, n, go[0], done[1]);
	pthread_create(&thread, NULL, run_loop, &l);
	if (read(done[0], &c, 1) != 1)
		exit(1);
	start_counting();
	if (write(go[1], "g", 1) != 1 || read(done[0], &c, 1) != 1)
		exit(1);
	report(threaded ? "mount, multi-threaded" : "mount, single-threaded", n);
	waitpid(client, &status, 0);
	fuse_session_exit(l.se);
	pthread_join(thread, NULL);
	fuse_session_unmount(l.se);
	fuse_session_destroy(l.se);
}

int main(int argc, char *argv[])
{
	unsigned long n = 1000000;
	int opt;

	while ((opt = getopt(argc, argv, "n:")) != -1) {
		if (opt != 'n') {
			fprintf(stderr, "usage: %s [-n REQUESTS] [MOUNTPOINT]\n", argv[0]);
			return 1;
		}
		n = strtoul(optarg, NULL, 10);
	}
	over_socket(n, false);
	over_socket(n, true);
	if (optind < argc) {
		over_mount(argv[optind], n, false);
		over_mount(argv[optind], n, true);
	}
	return 0;
}
