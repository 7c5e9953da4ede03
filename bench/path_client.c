/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path_client DIRECTORY FILES PID
 *
 * Lists and looks at the files of path_fs (DIRECTORY is /top of it), renames the
 * top to and fro, removes everything; prints one line of NAME=VALUE. PID is the daemon's, for
 * its memory.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RANDOM_STATS 100000
#define RENAMES      1001

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static long rss_kib(const char *pid)
{
	char path[64];
	long pages = 0, all;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/statm", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
		err(1, "%s", path);
	fclose(f);
	return pages * 4;
}

/* The directory that holds the files. */
static int descend(const char *top)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY), sub;

	if (fd < 0)
		err(1, "%s", top);
	while ((sub = openat(fd, "dir", O_RDONLY | O_DIRECTORY)) >= 0) {
		close(fd);
		fd = sub;
	}
	return fd;
}

static long list(int fd)
{
	DIR *d = fdopendir(dup(fd));
	long n = 0;

	if (!d)
		err(1, "opendir");
	rewinddir(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void look_at(int fd, long n)
{
	struct stat st;
	char name[32];

	sprintf(name, "file%ld", n);
	if (fstatat(fd, name, &st, 0))
		err(1, "%s", name);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* To and fro; an odd number of times, so that the new name stays. The first one
 * pays for everything that is done for the first time, so it stands apart. */
static void rename_top(const char *top, double *first, double *median)
{
	static double took[RENAMES];
	char other[4096];

	snprintf(other, sizeof(other), "%s-renamed", top);
	for (int i = 0; i < RENAMES; i++) {
		double begin = now();

		if (rename(i % 2 ? other : top, i % 2 ? top : other))
			err(1, "rename");
		took[i] = now() - begin;
	}
	*first = took[0];
	qsort(took, RENAMES, sizeof(took[0]), by_size);
	*median = took[RENAMES / 2];
}

int main(int argc, char **argv)
{
	double first_rename, renames;
	uint64_t s = 88172645463325252u;
	long files, before, after, final, listed;
	double t[7];
	int fd;

	if (argc != 4)
		errx(2, "usage: path_client DIRECTORY FILES PID");
	files = atol(argv[2]);
	fd = descend(argv[1]);
	before = rss_kib(argv[3]);
	t[0] = now();
	listed = list(fd);
	t[1] = now();
	for (long i = 0; i < files; i++)
		look_at(fd, i);
	t[2] = now();
	after = rss_kib(argv[3]);
	for (int i = 0; i < RANDOM_STATS; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		look_at(fd, (long)(s % (uint64_t)files));
	}
	t[3] = now();
	rename_top(argv[1], &first_rename, &renames);
	t[4] = now();
	for (long i = 0; i < files; i++) {
		char name[32];

		sprintf(name, "file%ld", i);
		if (unlinkat(fd, name, 0))
			err(1, "unlink %s", name);
	}
	t[5] = now();
	final = rss_kib(argv[3]);
	printf("listed=%ld list_us=%.2f stat_us=%.2f random_stat_us=%.2f rename_us=%.2f "
	       "first_rename_us=%.0f "
	       "unlink_us=%.2f bytes_per_inode=%.1f left_per_inode=%.1f\n",
	       listed, (t[1] - t[0]) / (double)files, (t[2] - t[1]) / (double)files,
	       (t[3] - t[2]) / RANDOM_STATS, renames, first_rename, (t[5] - t[4]) / (double)files,
	       (double)(after - before) * 1024 / (double)files,
	       (double)(final - before) * 1024 / (double)files);
	return 0;
}
