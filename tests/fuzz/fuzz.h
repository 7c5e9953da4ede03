/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a fuzz target is made of. With clang's libFuzzer fuzz_one is fed by it;
 * otherwise driver.c feeds it from fuzz_make, deterministically. */
#ifndef PROFUSE_TESTS_FUZZ_FUZZ_H
#define PROFUSE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_INPUT_MAX 4096

/* Must neither crash nor read beyond the input; aborts when it finds a fault
 * that a sanitizer would not see. */
void fuzz_one(const uint8_t *input, size_t len);

/* The n-th generated input, into FUZZ_INPUT_MAX bytes; returns its length. The
 * first fuzz_seeds ones are correct and make a corpus. */
size_t fuzz_make(uint64_t n, uint8_t *buf);
extern const unsigned int fuzz_seeds;

#endif
