/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One file by several ways, such as a filesystem and a mount that shows it:
 *
 *     same_file WORKLOAD SECONDS DIRECTORY...
 *
 * The ways take turns, a few milliseconds each, in one process and on one thread, so that
 * all of them have the same machine. Prints for each the median of the microseconds that an
 * operation took in a turn, and the quartiles.
 */
#include "workloads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_WAYS = 16, MAX_TURNS = 20000 };

#define TURN_US 3000.0

struct way {
	struct worker w;
	unsigned long batch; /* operations of a turn */
	size_t turns;
	double us[MAX_TURNS];
};

static struct way ways[MAX_WAYS];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double turn(struct way *way, const struct workload *workload, unsigned long operations)
{
	double began = now_us();

	for (unsigned long i = 0; i < operations; i++) {
		if (!workload->run(&way->w)) {
			fprintf(stderr, "same_file: %s in %s: %s\n", workload->name, way->w.dir,
				strerror(errno));
			exit(1);
		}
		way->w.operations++;
	}
	return (now_us() - began) / (double)operations;
}

static void warm_up(struct way *way, const struct workload *workload)
{
	double us;

	turn(way, workload, 64);
	us = turn(way, workload, 16);
	way->batch = us > 0 && us < TURN_US ? (unsigned long)(TURN_US / us) : 1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct way *way)
{
	qsort(way->us, way->turns, sizeof(way->us[0]), compare);
	printf("us=%.4f first_quartile=%.4f third_quartile=%.4f turns=%zu\n",
	       way->us[way->turns / 2], way->us[way->turns / 4], way->us[way->turns * 3 / 4],
	       way->turns);
}

int main(int argc, char *argv[])
{
	const struct workload *workload = argc > 3 ? workload_find(argv[1]) : NULL;
	int count = argc - 3;
	double end;

	if (!workload || count > MAX_WAYS) {
		fprintf(stderr, "usage: same_file WORKLOAD SECONDS DIRECTORY...\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		if (!worker_prepare(&ways[i].w, argv[3 + i], 0)) {
			perror(argv[3 + i]);
			return 1;
		}
	}
	for (int i = 0; i < count; i++)
		warm_up(&ways[i], workload);
	end = now_us() + atof(argv[2]) * 1e6;
	for (size_t round = 0; round < MAX_TURNS && (now_us() < end || round == 0); round++) {
		/* Nobody always comes after the same one. */
		for (int i = 0; i < count; i++) {
			size_t n = round % 2 ? (size_t)(count - 1 - i) : (size_t)i;
			struct way *way = &ways[(n + round / 2) % (size_t)count];

			way->us[way->turns++] = turn(way, workload, way->batch);
		}
	}
	for (int i = 0; i < count; i++)
		print(&ways[i]);
	return 0;
}
