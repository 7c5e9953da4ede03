/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workloads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB4 4096

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

const struct workload *workload_at(size_t i)
{
	return i < sizeof(workloads) / sizeof(workloads[0]) ? &workloads[i] : NULL;
}

const struct workload *workload_find(const char *name)
{
	for (size_t i = 0; workload_at(i); i++) {
		if (strcmp(name, workloads[i].name) == 0)
			return &workloads[i];
	}
	return NULL;
}

bool worker_prepare(struct worker *w, const char *dir, unsigned int number)
{
	char path[600];

	*w = (struct worker){.dir = dir, .number = number, .seed = number + 1};
	snprintf(w->path, sizeof(w->path), "%s/t%u", dir, number);
	snprintf(path, sizeof(path), "%s/f", dir);
	w->fd = open(path, O_RDWR);
	w->buf = aligned_alloc(4096, MIB);
	if (w->fd < 0 || !w->buf)
		return false;
	memset(w->buf, 'x', MIB);
	return true;
}
