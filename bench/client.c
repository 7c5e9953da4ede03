/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of a benchmark: does one thing over and over and says how often.
 *
 *     client DIR WORKLOAD THREADS SECONDS [pin]
 *
 * Prints: operations, seconds, microseconds of CPU that the client took. With
 * `pin`, thread n stays on CPU n. `client list` names the workloads.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define KIB4 4096
#define MIB  (1 << 20)

struct worker {
	const char *dir;
	char path[512]; /* of this thread's own file */
	int fd;		/* of the common file */
	char *buf;
	unsigned int seed;
	unsigned long operations;
	unsigned int number;
	bool pin;
	pthread_t id;
};

struct workload {
	const char *name;
	bool (*run)(struct worker *w); /* one operation; false on failure */
	const char *what;
};

static _Atomic bool stop, go;
static const struct workload *workload;

/* ---- what is done ---- */

static bool do_fstat(struct worker *w)
{
	struct stat st;

	return fstat(w->fd, &st) == 0;
}

static bool do_stat(struct worker *w)
{
	struct stat st;
	char path[600];

	snprintf(path, sizeof(path), "%s/f", w->dir);
	return stat(path, &st) == 0;
}

static bool do_open(struct worker *w)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/f", w->dir);
	fd = open(path, O_RDONLY);
	return fd >= 0 && close(fd) == 0;
}

static bool do_create(struct worker *w)
{
	int fd = open(w->path, O_RDWR | O_CREAT | O_EXCL, 0644);

	return fd >= 0 && close(fd) == 0 && unlink(w->path) == 0;
}

static bool list(struct worker *w, bool with_stat)
{
	char path[600];
	struct dirent *d;
	struct stat st;
	unsigned int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/d", w->dir);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((d = readdir(dir))) {
		n += d->d_name[0] == 'e';
		if (with_stat && fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			break;
	}
	closedir(dir);
	return n >= 10000;
}

static bool do_readdir(struct worker *w)
{
	return list(w, false);
}

static bool do_readdir_stat(struct worker *w)
{
	return list(w, true);
}

static off_t somewhere(struct worker *w, size_t size)
{
	return (off_t)(rand_r(&w->seed) % (64u * MIB / size)) * (off_t)size;
}

static bool do_read4k(struct worker *w)
{
	return pread(w->fd, w->buf, KIB4, somewhere(w, KIB4)) == KIB4;
}

static bool do_write4k(struct worker *w)
{
	return pwrite(w->fd, w->buf, KIB4, somewhere(w, KIB4)) == KIB4;
}

static bool do_read1m(struct worker *w)
{
	return pread(w->fd, w->buf, MIB, (off_t)(w->operations % 64) * MIB) == MIB;
}

static bool do_write1m(struct worker *w)
{
	return pwrite(w->fd, w->buf, MIB, (off_t)(w->operations % 64) * MIB) == MIB;
}

static const struct workload workloads[] = {
	{"fstat", do_fstat, "fstat of an open file: one GETATTR"},
	{"stat", do_stat, "stat by name: LOOKUP, GETATTR"},
	{"open", do_open, "open and close: LOOKUP, OPEN, FLUSH, RELEASE"},
	{"create", do_create, "create, close, unlink"},
	{"readdir", do_readdir, "a directory of 10,000 entries"},
	{"readdir+stat", do_readdir_stat, "the same with a stat of each"},
	{"read4k", do_read4k, "4 KiB at random places"},
	{"write4k", do_write4k, "4 KiB at random places"},
	{"read1m", do_read1m, "1 MiB in sequence"},
	{"write1m", do_write1m, "1 MiB in sequence"},
};

/* ---- doing it ---- */

static void *work(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set;

	if (w->pin) {
		CPU_ZERO(&set);
		CPU_SET(w->number % (unsigned int)get_nprocs(), &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	while (!atomic_load_explicit(&go, memory_order_acquire))
		sched_yield();
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		if (!workload->run(w)) {
			fprintf(stderr, "client: %s in %s: %s\n", workload->name, w->dir,
				strerror(errno));
			exit(1);
		}
		w->operations++;
	}
	return NULL;
}

static void prepare(struct worker *w, const char *dir, unsigned int number, bool pin)
{
	char path[600];

	*w = (struct worker){.dir = dir, .number = number, .pin = pin, .seed = number + 1};
	snprintf(w->path, sizeof(w->path), "%s/t%u", dir, number);
	snprintf(path, sizeof(path), "%s/f", dir);
	w->fd = open(path, O_RDWR);
	if (w->fd < 0) {
		perror(path);
		exit(1);
	}
	w->buf = aligned_alloc(4096, MIB);
	memset(w->buf, 'x', MIB);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return ((double)r.ru_utime.tv_sec + (double)r.ru_stime.tv_sec) * 1e6 +
	       (double)r.ru_utime.tv_usec + (double)r.ru_stime.tv_usec;
}

static const struct workload *find_workload(const char *name)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		if (strcmp(name, workloads[i].name) == 0)
			return &workloads[i];
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	unsigned long total = 0;
	unsigned int threads;
	double start, seconds, cpu;
	struct worker *w;

	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
			printf("%-14s %s\n", workloads[i].name, workloads[i].what);
		return 0;
	}
	if (argc < 5 || !(workload = find_workload(argv[2])) ||
	    (threads = (unsigned)atoi(argv[3])) == 0) {
		fprintf(stderr, "usage: %s DIR WORKLOAD THREADS SECONDS [pin]\n", argv[0]);
		return 2;
	}
	w = calloc(threads, sizeof(*w));
	for (unsigned int i = 0; i < threads; i++) {
		prepare(&w[i], argv[1], i, argc > 5);
		pthread_create(&w[i].id, NULL, work, &w[i]);
	}
	cpu = cpu_us();
	start = now();
	atomic_store_explicit(&go, true, memory_order_release);
	usleep((useconds_t)(atof(argv[4]) * 1e6));
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(w[i].id, NULL);
		total += w[i].operations;
	}
	seconds = now() - start;
	printf("%lu %.6f %.0f\n", total, seconds, cpu_us() - cpu);
	return 0;
}
