/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path_client DIRECTORY FILES PID
 *
 * Lists and looks at the files of path_fs (DIRECTORY is /top of it), renames the
 * top, removes everything; prints one line of NAME=VALUE. PID is the daemon's, for
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

int main(int argc, char **argv)
{
	char other[4096];
	uint64_t s = 88172645463325252u;
	long files, before, after, listed;
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
	snprintf(other, sizeof(other), "%s-renamed", argv[1]);
	if (rename(argv[1], other))
		err(1, "rename");
	t[4] = now();
	for (long i = 0; i < files; i++) {
		char name[32];

		sprintf(name, "file%ld", i);
		if (unlinkat(fd, name, 0))
			err(1, "unlink %s", name);
	}
	t[5] = now();
	printf("listed=%ld list_us=%.2f stat_us=%.2f random_stat_us=%.2f rename_us=%.0f "
	       "unlink_us=%.2f bytes_per_inode=%.1f rss_after_kib=%ld\n",
	       listed, (t[1] - t[0]) / (double)files, (t[2] - t[1]) / (double)files,
	       (t[3] - t[2]) / RANDOM_STATS, t[4] - t[3], (t[5] - t[4]) / (double)files,
	       (double)(after - before) * 1024 / (double)files, rss_kib(argv[3]));
	return 0;
}
