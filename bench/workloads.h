/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a benchmark's client does over and over. */
#ifndef PROFUSE_BENCH_WORKLOADS_H
#define PROFUSE_BENCH_WORKLOADS_H

#include <stdbool.h>
#include <stddef.h>

#define MIB (1 << 20)

/* A client thread's part. */
struct worker {
	const char *dir;
	char path[512]; /* of this thread's own file */
	int fd;		/* of the common file */
	char *buf;	/* a MiB */
	unsigned int seed;
	unsigned int number;
	unsigned long operations; /* done so far */
};

struct workload {
	const char *name;
	bool (*run)(struct worker *w); /* one operation; false with errno set */
	const char *what;
};

/* NULL past the last, or for an unknown name. */
const struct workload *workload_at(size_t i);
const struct workload *workload_find(const char *name);

/* Opens what the workloads need; false with errno set. */
bool worker_prepare(struct worker *w, const char *dir, unsigned int number);

#endif
