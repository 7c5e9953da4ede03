/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: TARGET [COUNT [FIRST]]      feeds generated inputs FIRST.. to the target
 *        TARGET -corpus DIRECTORY    writes the correct ones to files
 *        TARGET -run FILE...         feeds files
 *
 * COUNT defaults to the variable PROFUSE_FUZZ_RUNS, else to 200000.
 */
#include "fuzz.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_corpus(const char *directory)
{
	uint8_t buf[FUZZ_INPUT_MAX];
	char path[4096];

	for (unsigned int n = 0; n < fuzz_seeds; n++) {
		size_t len = fuzz_make(n, buf);
		FILE *f;

		snprintf(path, sizeof(path), "%s/seed-%03u", directory, n);
		f = fopen(path, "wb");
		if (!f || fwrite(buf, 1, len, f) != len || fclose(f) != 0) {
			fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
			return 1;
		}
	}
	return 0;
}

static int run_file(const char *path)
{
	uint8_t buf[FUZZ_INPUT_MAX];
	FILE *f = fopen(path, "rb");

	if (!f) {
		fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
		return 1;
	}
	fuzz_one(buf, fread(buf, 1, sizeof(buf), f));
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	const char *runs = getenv("PROFUSE_FUZZ_RUNS");
	uint64_t count = runs ? strtoull(runs, NULL, 0) : 200000, first = 0;
	uint8_t buf[FUZZ_INPUT_MAX];
	int failed = 0;

	if (argc == 3 && strcmp(argv[1], "-corpus") == 0)
		return write_corpus(argv[2]);
	if (argc > 2 && strcmp(argv[1], "-run") == 0) {
		for (int i = 2; i < argc; i++)
			failed |= run_file(argv[i]);
		return failed;
	}
	if (argc > 1)
		count = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		first = strtoull(argv[2], NULL, 0);
	for (uint64_t n = first; n < first + count; n++)
		fuzz_one(buf, fuzz_make(n, buf));
	printf("%" PRIu64 " inputs\n", count);
	return 0;
}
