/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests made from the rows alone, for tests that go over all of them. */
#ifndef PROFUSE_TESTS_PROTO_COMMON_H
#define PROFUSE_TESTS_PROTO_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/decode.h"
#include "protocol/encode.h"
#include "protocol/fields.h"

/* xorshift: the same numbers in every run. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Fills the fields of a structure, reserved ones excepted. */
static inline void fill_struct(const struct proto_layout *layout, void *object, uint64_t *seed)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct proto_field *f = &layout->fields[i];

		if (f->inner)
			fill_struct(f->inner, (char *)object + f->offset, seed);
		else if (f->show != PROTO_SHOW_PAD)
			proto_field_set(f, object, next_random(seed));
	}
}

/* A message in memory of its very size, so that a sanitizer sees the first
 * byte too many. */
struct exact {
	void *buf;
	size_t len;
};

static inline struct exact exact_copy(const void *bytes, size_t len)
{
	struct exact e = {malloc(len ? len : 1), len};

	assert_non_null(e.buf);
	memcpy(e.buf, bytes, len);
	return e;
}

/* The first `len` bytes as a message whose header says so. */
static inline enum proto_error decode_exact(const struct proto_conn *conn, const void *bytes,
					    size_t len)
{
	struct exact e = exact_copy(bytes, len);
	enum proto_error err = PROTO_ERR_HEADER;
	struct proto_msg msg;
	struct proto_req req;

	if (len >= sizeof(struct fuse_in_header))
		((struct fuse_in_header *)e.buf)->len = (uint32_t)len;
	if (proto_msg_flat(&msg, e.buf, len))
		err = proto_decode(conn, &msg, &req);
	free(e.buf);
	return err;
}

#endif
