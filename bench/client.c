/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of a benchmark: does one thing over and over and says how often,
 * and what it cost whom.
 *
 *     client [-p] [-w SECONDS] [-s PID] DIR WORKLOAD THREADS SECONDS
 *
 * -p: thread n stays on CPU n; -w: first so long without counting; -s: the
 * server's process, whose CPU time is measured too. `client list` names the
 * workloads. Prints, as NAME=VALUE: operations, seconds, CPU time of the client
 * and of the server in microseconds, and what others took of the machine
 * meanwhile, in percent of one CPU.
 */
#include "workloads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

struct thread {
	struct worker worker;
	pthread_t id;
	/* Where the counted part began; by the thread itself. */
	unsigned long warm;
};

enum phase { WAIT, WARM_UP, COUNT, STOP };

static _Atomic enum phase phase;
static const struct workload *workload;
static bool pin;

static void stay_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (unsigned int)get_nprocs(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *work(void *arg)
{
	struct thread *t = arg;
	struct worker *w = &t->worker;
	enum phase before = WAIT, now;

	if (pin)
		stay_on(w->number);
	while ((now = atomic_load_explicit(&phase, memory_order_acquire)) != STOP) {
		if (now == WAIT) {
			sched_yield();
			continue;
		}
		if (now == COUNT && before != COUNT)
			t->warm = w->operations;
		before = now;
		if (!workload->run(w)) {
			fprintf(stderr, "client: %s in %s: %s\n", workload->name, w->dir,
				strerror(errno));
			exit(1);
		}
		w->operations++;
	}
	if (before != COUNT)
		t->warm = w->operations; /* its last one outlasted everything */
	return NULL;
}

/* ---- what is measured ---- */

struct figures {
	double seconds, client_us, server_us, busy_us;
};

static double read_clock(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Microseconds that the machine's CPUs were not idle, since some moment. The
 * idle times of a tickless kernel are exact to the unit, a hundredth second. */
static double machine_busy_us(double now_us)
{
	unsigned long user, nice, sys, idle = 0, iowait = 0;
	FILE *f = fopen("/proc/stat", "re");

	if (!f)
		return 0;
	if (fscanf(f, "cpu %lu %lu %lu %lu %lu", &user, &nice, &sys, &idle, &iowait) != 5)
		idle = 0;
	fclose(f);
	return now_us * get_nprocs() - (double)(idle + iowait) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static struct figures take(pid_t server)
{
	double now = read_clock(CLOCK_MONOTONIC);
	struct figures f = {
		.seconds = now / 1e6,
		.client_us = read_clock(CLOCK_PROCESS_CPUTIME_ID),
		.busy_us = machine_busy_us(now),
	};
	clockid_t clock;

	if (server && clock_getcpuclockid(server, &clock) == 0)
		f.server_us = read_clock(clock);
	return f;
}

static void print(unsigned long operations, const struct figures *a, const struct figures *b)
{
	double seconds = b->seconds - a->seconds;
	double client = b->client_us - a->client_us, server = b->server_us - a->server_us;
	double others = b->busy_us - a->busy_us - client - server;

	printf("operations=%lu seconds=%.6f client_us=%.0f server_us=%.0f others=%.1f\n",
	       operations, seconds, client, server, others / seconds / 1e4);
}

/* ---- the run ---- */

static void pass(double seconds)
{
	struct timespec t = {.tv_sec = (time_t)seconds};

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static void measure(struct thread *threads, unsigned int count, double warm_up, double seconds,
		    pid_t server)
{
	struct figures before, after;
	unsigned long total = 0;

	if (warm_up > 0) {
		atomic_store(&phase, WARM_UP);
		pass(warm_up);
	}
	before = take(server);
	atomic_store(&phase, COUNT);
	pass(seconds);
	atomic_store(&phase, STOP);
	for (unsigned int i = 0; i < count; i++) {
		pthread_join(threads[i].id, NULL);
		total += threads[i].worker.operations - threads[i].warm;
	}
	after = take(server);
	print(total, &before, &after);
}

static int list(void)
{
	for (size_t i = 0; workload_at(i); i++)
		printf("%-14s %s\n", workload_at(i)->name, workload_at(i)->what);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: client [-p] [-w SECONDS] [-s PID] DIR WORKLOAD THREADS SECONDS\n"
			"       client list\n");
	return 2;
}

int main(int argc, char *argv[])
{
	double warm_up = 0;
	pid_t server = 0;
	struct thread *threads;
	unsigned int count;
	int opt;

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list();
	while ((opt = getopt(argc, argv, "pw:s:")) != -1) {
		if (opt == 'p')
			pin = true;
		else if (opt == 'w')
			warm_up = atof(optarg);
		else if (opt == 's')
			server = atoi(optarg);
		else
			return usage();
	}
	argv += optind;
	if (argc - optind != 4 || !(workload = workload_find(argv[1])) ||
	    (count = (unsigned)atoi(argv[2])) == 0)
		return usage();
	threads = calloc(count, sizeof(*threads));
	for (unsigned int i = 0; threads && i < count; i++) {
		if (!worker_prepare(&threads[i].worker, argv[0], i)) {
			perror(argv[0]);
			return 1;
		}
		if (pthread_create(&threads[i].id, NULL, work, &threads[i]))
			return 1;
	}
	measure(threads, count, warm_up, atof(argv[3]), server);
	free(threads);
	return 0;
}
