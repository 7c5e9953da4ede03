/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How best to wait for requests on /dev/fuse? The bare loop in variants; what they
 * gave stands in docs/internals/performance.md.
 *
 *     waiting [-n THREADS] [-u] [-c] [-w read|poll|uring] [-s MICROSECONDS]
 *             [-f REQUESTS] [-a [-C TIMES]] [-v] MOUNTPOINT
 *
 * -n: threads, by default one a CPU; -u: not pinned; -c: a clone of the device
 * for each; -w: how to wait; -s: look again and again for so long before waiting;
 * -f: every so many requests look where the caller is, and go there (with -n 1);
 * -a: instead of going there, see to it that the thread there listens, and once
 * it was the caller's CPU -C times, that no other does;
 * -v: at the end say how often threads woke up in vain.
 */
#include "bare_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "protocol/op.h"

#define BUFFER ((1 << 20) + 8192)

enum way { READ, POLL, RING };

static int device;
static enum way way = POLL;
static bool unpinned, cloned, verbose;
static long spin_ns;
static unsigned int follow;

struct thread {
	int cpu; /* -1: any */
	int fd;
	char *buf, *body;
	struct fuse_out_header out;
	struct iovec iov[2];
	unsigned long requests, in_vain, moves;
	int epoll;
	unsigned int calm;
	pthread_t id;
};

static bool attention;
static unsigned int calm_after = 4;
static struct thread *all;
static int all_count;
static pthread_mutex_t attention_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned long listening;

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* ---- following the caller ---- */

/* The CPU that a sleeping thread ran on last, or -1. */
static int cpu_of(pid_t tid)
{
	static _Thread_local int fd = -1;
	static _Thread_local pid_t of;
	char text[1024], *p;
	ssize_t n;
	int field;

	if (of != tid || fd < 0) {
		if (fd >= 0)
			close(fd);
		snprintf(text, sizeof(text), "/proc/%d/stat", tid);
		fd = open(text, O_RDONLY | O_CLOEXEC);
		of = tid;
	}
	n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	p = strrchr(text, ')');
	for (field = 2; p && field < 39; field++)
		p = strchr(p + 1, ' ');
	return p ? atoi(p + 1) : -1;
}

static void go_after(struct thread *t, const struct fuse_in_header *h)
{
	int cpu;

	if (t->requests % follow || !h->pid)
		return;
	cpu = cpu_of((pid_t)h->pid);
	if (cpu >= 0 && cpu != t->cpu) {
		stay_on(cpu);
		t->cpu = cpu;
		t->moves++;
	}
}

/* ---- who listens ---- */

static void listen_to(struct thread *t, bool yes)
{
	struct epoll_event e = {.events = EPOLLIN};
	unsigned long bit = 1ul << (t - all);

	if (!!(listening & bit) == yes)
		return;
	epoll_ctl(t->epoll, yes ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, device, &e);
	if (yes)
		listening |= bit;
	else
		listening &= ~bit;
}

static void attend(struct thread *t, const struct fuse_in_header *h)
{
	int cpu;

	if (t->requests % follow || !h->pid)
		return;
	cpu = cpu_of((pid_t)h->pid);
	if (cpu < 0)
		return;
	if (cpu != t->cpu) {
		t->calm = 0;
		t->moves++;
		pthread_mutex_lock(&attention_lock);
		listen_to(&all[cpu], true);
		pthread_mutex_unlock(&attention_lock);
	} else if (++t->calm >= calm_after && listening != 1ul << (t - all)) {
		pthread_mutex_lock(&attention_lock);
		listen_to(t, true);
		for (int i = 0; i < all_count; i++)
			if (&all[i] != t)
				listen_to(&all[i], false);
		pthread_mutex_unlock(&attention_lock);
	}
}

/* ---- one request ---- */

/* What is to be written; false if nothing. */
static bool prepare(struct thread *t)
{
	const struct fuse_in_header *h = (const void *)t->buf;
	const struct proto_op *op = proto_op_find(h->opcode);
	size_t in = op ? op->in_size : 0;
	struct bare_answer a = bare_serve(h, h + 1, (const char *)(h + 1) + in, t->body);

	t->requests++;
	t->out = (struct fuse_out_header){(uint32_t)(sizeof(t->out) + a.len), a.error, h->unique};
	t->iov[0] = (struct iovec){&t->out, sizeof(t->out)};
	t->iov[1] = (struct iovec){a.data ? (void *)a.data : t->body, a.len};
	return !a.none;
}

static bool passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOENT;
}

static void by_system_calls(struct thread *t)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	int64_t until = 0;

	for (;;) {
		ssize_t n;

		if (attention) {
			struct epoll_event e;

			epoll_wait(t->epoll, &e, 1, -1);
		} else if (way == POLL && (!spin_ns || now_ns() > until))
			poll(&p, 1, -1);
		n = read(t->fd, t->buf, BUFFER);
		if (n < 0 && errno == EAGAIN)
			t->in_vain++;
		if (n < 0 && passing(errno))
			continue;
		if (n < 0)
			return;
		if (prepare(t) && writev(t->fd, t->iov, 2) < 0 && !passing(errno))
			return;
		if (attention)
			attend(t, (const void *)t->buf);
		else if (follow)
			go_after(t, (const void *)t->buf);
		until = spin_ns ? now_ns() + spin_ns : 0;
	}
}

/* The answer and the next read in one system call. */
static void by_ring(struct thread *t)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	struct io_uring ring;

	if (io_uring_queue_init_params(8, &ring, &p) < 0)
		exit(1);
	for (bool answer = false;;) {
		struct io_uring_sqe *sqe;
		struct io_uring_cqe *cqe;
		int n;

		if (answer) {
			sqe = io_uring_get_sqe(&ring);
			io_uring_prep_writev(sqe, t->fd, t->iov, 2, 0);
			sqe->flags |= IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
		}
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read(sqe, t->fd, t->buf, BUFFER, 0);
		sqe->user_data = 1;
		io_uring_submit_and_wait(&ring, 1);
		do {
			if (io_uring_wait_cqe(&ring, &cqe) < 0)
				return;
			n = cqe->res;
			if (cqe->user_data != 1)
				n = 0; /* an answer that nobody wanted any more */
			io_uring_cqe_seen(&ring, cqe);
		} while (n == 0);
		if (n < 0 && n != -EAGAIN && n != -EINTR && n != -ENOENT)
			return;
		answer = n > 0 && prepare(t);
	}
}

static void *serve(void *arg)
{
	struct thread *t = arg;

	t->buf = aligned_alloc(4096, BUFFER);
	t->body = aligned_alloc(4096, 1 << 20);
	if (t->cpu >= 0)
		stay_on(t->cpu);
	if (way == RING)
		by_ring(t);
	else
		by_system_calls(t);
	if (verbose)
		fprintf(stderr, "cpu %d: %lu requests, %lu times in vain, %lu moves\n", t->cpu,
			t->requests, t->in_vain, t->moves);
	if (attention)
		exit(0); /* who does not listen does not hear the end */
	return NULL;
}

static int clone_of(int fd)
{
	int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC | (way == POLL ? O_NONBLOCK : 0));
	uint32_t source = (uint32_t)fd;

	if (clone < 0 || ioctl(clone, FUSE_DEV_IOC_CLONE, &source) < 0) {
		perror("clone");
		exit(1);
	}
	return clone;
}

int main(int argc, char *argv[])
{
	int threads = get_nprocs(), opt;
	struct thread *t;

	while ((opt = getopt(argc, argv, "n:ucw:s:f:vaC:")) != -1) {
		switch (opt) {
		case 'n':
			threads = atoi(optarg);
			break;
		case 'u':
			unpinned = true;
			break;
		case 'c':
			cloned = true;
			break;
		case 'w':
			way = !strcmp(optarg, "read")	 ? READ
			      : !strcmp(optarg, "uring") ? RING
							 : POLL;
			break;
		case 's':
			spin_ns = atol(optarg) * 1000;
			break;
		case 'f':
			follow = (unsigned)atoi(optarg);
			break;
		case 'a':
			attention = true;
			break;
		case 'C':
			calm_after = (unsigned)atoi(optarg);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1 || threads < 1)
		return 2;
	device = bare_mount(argv[optind], way == POLL ? O_NONBLOCK : 0);
	t = calloc((size_t)threads, sizeof(*t));
	if (device < 0 || !t)
		return 1;
	all = t;
	all_count = threads;
	for (int i = 0; i < threads && attention; i++) {
		t[i].epoll = epoll_create1(0);
		listen_to(&t[i], true);
	}
	for (int i = 0; i < threads; i++) {
		t[i].cpu = unpinned ? -1 : i % get_nprocs();
		t[i].fd = cloned && i ? clone_of(device) : device;
		pthread_create(&t[i].id, NULL, serve, &t[i]);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(t[i].id, NULL);
	return 0;
}
