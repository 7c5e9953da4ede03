/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests as a hostile or broken peer would send them, made from the rows of
 * ops.def. The same seed makes the same requests.
 */
#ifndef PROFUSE_TESTS_FUZZ_GENERATE_H
#define PROFUSE_TESTS_FUZZ_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/encode.h"

/* Room that every generated request fits in. */
#define GENERATE_MAX 1024

enum generate_kind {
	GENERATE_VALID,	    /* correct to the last byte */
	GENERATE_LENGTH,    /* cut or lengthened, header adjusted */
	GENERATE_COUNT,	    /* a count that lies */
	GENERATE_STRING,    /* a terminator lost, a slash or an empty name put in */
	GENERATE_BITS,	    /* some bytes overwritten */
	GENERATE_EXTENSION, /* extensions cut, lengthened or invented */
	GENERATE_HEADER,    /* random header, random body */
	GENERATE_GARBAGE,   /* random bytes; only the length is right */
	GENERATE_KINDS,
};

/* Writes a request into buf (GENERATE_MAX bytes, 8-byte aligned) and returns
 * its length. The header's length field always equals it. */
size_t generate_request(const struct proto_conn *conn, enum generate_kind kind, uint64_t *seed,
			void *buf);

/* A correct request of this operation with random fields. */
size_t generate_valid(const struct proto_conn *conn, const struct proto_op *op, uint64_t *seed,
		      void *buf);

uint64_t generate_random(uint64_t *seed);

#endif
