/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command lines: the input is a first byte that chooses what the processing
 * function answers, then arguments, separated by zero bytes.
 *
 * Beyond not touching foreign memory, whatever is left over must be a fixed
 * point: a parser that knows no options must pass it on unchanged, or programs
 * that parse in several steps would see something else in each of them.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <fuse_log.h>
#include <fuse_opt.h>

#define MAX_ARGS 64

struct conf {
	int flag;
	unsigned int number;
	unsigned long big;
	double real;
	char *text, *more;
};

static const struct fuse_opt spec[] = {
	{"-f", offsetof(struct conf, flag), 1},
	{"flag", offsetof(struct conf, flag), 2},
	{"set=", offsetof(struct conf, flag), 3},
	{"number=%u", offsetof(struct conf, number), 0},
	{"-n %u", offsetof(struct conf, number), 0},
	{"--big=%li", offsetof(struct conf, big), 0},
	{"real=%lf", offsetof(struct conf, real), 0},
	{"text=%s", offsetof(struct conf, text), 0},
	{"-t %s", offsetof(struct conf, more), 0},
	{"twice", offsetof(struct conf, flag), 4},
	FUSE_OPT_KEY("twice", 1),
	FUSE_OPT_KEY("key=", 2),
	FUSE_OPT_KEY("-p ", 3),
	FUSE_OPT_KEY("keep", FUSE_OPT_KEY_KEEP),
	FUSE_OPT_KEY("drop", FUSE_OPT_KEY_DISCARD),
	FUSE_OPT_END,
};

static const char *const words[] = {
	"-f",
	"-o",
	"-oflag,set=1",
	"number=7",
	"-n",
	"9",
	"--big=-0x7f",
	"-oreal=1e9",
	"-otext=a\\,b",
	"-t",
	"-tx",
	"--",
	"twice",
	"-okey=\\141\\\\,twice",
	"-p",
	"-p1",
	"-okeep,drop,",
	"dir",
	"",
	"-",
	"-o,\\",
};

const unsigned int fuzz_seeds = 64;

static uint8_t answer;

static void quiet(enum fuse_log_level level, const char *fmt, va_list ap)
{
}

static int decide(void *data, const char *arg, int key, struct fuse_args *out)
{
	switch ((answer ^ (uint8_t)key ^ (uint8_t)arg[0]) & 7) {
	case 0:
		return 0;
	case 1:
		return fuse_opt_add_arg(out, "added") ? -1 : 1;
	case 2:
		return (answer & 128) ? -1 : 1;
	default:
		return 1;
	}
}

size_t fuzz_make(uint64_t n, uint8_t *out)
{
	uint64_t seed = n * 0x9e3779b97f4a7c15u + 1;
	size_t len = 1;

	out[0] = (uint8_t)(seed >> 56);
	for (unsigned int i = 0; i < 6; i++) {
		const char *w;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		w = words[(seed >> 33) % (sizeof(words) / sizeof(words[0]))];
		memcpy(out + len, w, strlen(w) + 1);
		len += strlen(w) + 1;
	}
	/* Every second input has one byte wrong. */
	if (n & 1)
		out[1 + (seed >> 40) % (len - 1)] = (uint8_t)(seed >> 20);
	return len;
}

static void check_fixed_point(struct fuse_args *args)
{
	struct fuse_args again = FUSE_ARGS_INIT(args->argc, args->argv);

	if (fuse_opt_parse(&again, NULL, NULL, NULL) != 0 || again.argc != args->argc)
		abort();
	for (int i = 0; i < args->argc; i++)
		if (strcmp(again.argv[i], args->argv[i]) != 0)
			abort();
	fuse_opt_free_args(&again);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	char *argv[MAX_ARGS + 1] = {(char *)"prog"};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct conf conf = {0};
	char *copy;

	if (len < 2)
		return;
	fuse_set_log_func(quiet);
	answer = data[0];
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, data + 1, len - 1);
	copy[len - 1] = '\0';
	for (char *p = copy; p < copy + len - 1 && args.argc < MAX_ARGS; p += strlen(p) + 1)
		argv[args.argc++] = p;

	if (fuse_opt_parse(&args, &conf, spec, decide) == 0)
		check_fixed_point(&args);
	fuse_opt_free_args(&args);
	free(conf.text);
	free(conf.more);
	free(copy);
}
