/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crowd [-t THREADS] [-s SECONDS] [-p] DIRECTORY
 *
 * Many threads at once, each with files of its own and all with one they share: create, write,
 * read back, stat, rename, list, remove. Every result is checked. -p: only the shared one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 6000, SHARED_SIZE = 1 << 20 };

static int threads = 1000, seconds = 5;
static int dirfd_, shared_fd;
static atomic_ulong rounds, errors;
static atomic_bool stop;
static bool only_shared;

static void wrong(int id, const char *what, long long got)
{
	const int err = errno;

	if (atomic_fetch_add(&errors, 1) < 20)
		printf("thread %d: %s gives %lld (%s)\n", id, what, got, strerrorname_np(err));
}

#define expect(id, want, expr)                                                                     \
	do {                                                                                       \
		const long long got_ = (long long)(expr);                                          \
		if (got_ != (long long)(want))                                                     \
			wrong(id, #expr, got_);                                                    \
	} while (0)

/* One's own part of the shared file, which others write and read around. */
static void shared_part(int id, unsigned round)
{
	const off_t off = (off_t)id * 64 % SHARED_SIZE;
	char buf[64], got[64];

	if (id >= SHARED_SIZE / 64)
		return;
	memset(buf, 'a' + round % 26, sizeof(buf));
	expect(id, 64, pwrite(shared_fd, buf, 64, off));
	expect(id, 64, pread(shared_fd, got, 64, off));
	expect(id, 0, memcmp(buf, got, 64));
}

static void own_file(int id, unsigned round)
{
	char name[32], other[32], buf[SIZE], got[SIZE];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "f%d", id);
	snprintf(other, sizeof(other), "g%d", id);
	memset(buf, 'A' + (id + round) % 26, SIZE);
	fd = openat(dirfd_, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		wrong(id, "open(O_CREAT)", fd);
		return;
	}
	expect(id, SIZE, write(fd, buf, SIZE));
	expect(id, 0, close(fd));
	fd = openat(dirfd_, name, O_RDONLY | O_CLOEXEC);
	expect(id, SIZE, read(fd, got, SIZE));
	expect(id, 0, memcmp(buf, got, SIZE));
	expect(id, 0, fstat(fd, &st));
	expect(id, SIZE, st.st_size);
	expect(id, 0, renameat(dirfd_, name, dirfd_, other));
	expect(id, 0, unlinkat(dirfd_, other, 0));
	expect(id, 0, fstat(fd, &st));
	expect(id, 0, st.st_nlink);
	expect(id, 1, pread(fd, got, 1, SIZE - 1));
	expect(id, buf[0], got[0]);
	expect(id, 0, close(fd));
}

/* Whatever happens around, a listing ends and contains what was there before. */
static void list(int id)
{
	int fd = openat(dirfd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int found = 0;

	if (!dir) {
		wrong(id, "opendir", fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		found += strcmp(entry->d_name, "shared") == 0;
	expect(id, 1, found);
	closedir(dir);
}

static void *worker(void *arg)
{
	const int id = (int)(intptr_t)arg;

	for (unsigned round = 0; !atomic_load(&stop); round++) {
		if (!only_shared)
			own_file(id, round);
		shared_part(id, round);
		if (!only_shared && (id + round) % 50 == 0)
			list(id);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static int run(void)
{
	pthread_t *ids = calloc(threads, sizeof(*ids));
	pthread_attr_t attr;
	int started = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	while (started < threads &&
	       pthread_create(&ids[started], &attr, worker, (void *)(intptr_t)started) == 0)
		started++;
	sleep(seconds);
	atomic_store(&stop, true);
	for (int i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	printf("%s %d threads, %lu rounds, %lu errors\n", errors ? "FAIL" : "ok", started, rounds,
	       errors);
	return errors || started < threads ? 1 : 0;
}

int main(int argc, char **argv)
{
	char dir[] = "crowd-XXXXXX";
	int opt, ret;

	while ((opt = getopt(argc, argv, "t:s:p")) != -1) {
		if (opt == 't')
			threads = atoi(optarg);
		else if (opt == 's')
			seconds = atoi(optarg);
		else if (opt == 'p')
			only_shared = true;
		else
			return 2;
	}
	if (optind != argc - 1 || chdir(argv[optind]) < 0 || !mkdtemp(dir)) {
		fprintf(stderr, "usage: crowd [-t THREADS] [-s SECONDS] [-p] DIRECTORY\n");
		return 2;
	}
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	shared_fd = openat(dirfd_, "shared", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (dirfd_ < 0 || shared_fd < 0 || ftruncate(shared_fd, SHARED_SIZE) < 0) {
		fprintf(stderr, "crowd: cannot start in %s: %s\n", argv[optind], strerror(errno));
		return 2;
	}
	ret = run();
	close(shared_fd);
	if (unlinkat(dirfd_, "shared", 0) < 0 || rmdir(dir) < 0) {
		printf("FAIL: something is left in %s: %s\n", dir, strerror(errno));
		ret = 1;
	}
	return ret;
}
