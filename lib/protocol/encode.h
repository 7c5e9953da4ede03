/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's side of the wire: requests as bytes. For the test kit, the
 * fuzzers and replay; a filesystem never needs it.
 */
#ifndef PROFUSE_PROTOCOL_ENCODE_H
#define PROFUSE_PROTOCOL_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "protocol/decode.h"

/* Which kernel is played towards a server that answered with an old minor. */
enum proto_era {
	PROTO_ERA_TODAY, /* 7.45: short forms only where Linux still makes them */
	PROTO_ERA_OLD,	 /* the kernel of that minor: every short form */
};

struct proto_out {
	const struct proto_op *op;
	uint64_t unique;
	uint64_t nodeid;
	uint32_t uid, gid, pid;
	const void *in;	     /* the argument in its full, current size; NULL is all zero */
	const char *name[2]; /* as many as the tail has */
	const void *data;    /* counted bytes or array */
	size_t data_len;     /* in bytes; fills the argument's count field */
	const void *ext;     /* ready-made extensions */
	size_t ext_len;	     /* a multiple of 8 */
	enum proto_era era;
};

/* Bytes that `out` takes as a message; 0 if it cannot be one (more than
 * 4 GiB, extensions that are no multiple of 8). */
size_t proto_encoded_size(const struct proto_conn *conn, const struct proto_out *out);

/* Writes the message and returns its size; 0, with buf untouched, if it has
 * none or size is too small. Names are written as they are, even where a
 * kernel would never send them. */
PROFUSE_NODISCARD size_t proto_encode(const struct proto_conn *conn, const struct proto_out *out,
				      void *buf, size_t size);

/* The size of op's fixed argument as sent to this connection. */
size_t proto_encoded_argument(const struct proto_conn *conn, const struct proto_op *op,
			      enum proto_era era);

/*
 * Extension records, appended to buf at *pos. False, with *pos unchanged, if
 * `size` is too small. A record of security contexts is opened with their
 * number, then filled with exactly that many, each of which grows the record
 * that begins at `record` (the *pos at which it was opened).
 */
PROFUSE_NODISCARD bool proto_ext_put_secctx(void *buf, size_t size, size_t *pos, uint32_t count);
PROFUSE_NODISCARD bool proto_ext_add_secctx(void *buf, size_t size, size_t *pos, size_t record,
					    const char *name, const void *value,
					    uint32_t value_len);
PROFUSE_NODISCARD bool proto_ext_put_groups(void *buf, size_t size, size_t *pos,
					    const uint32_t *groups, uint32_t count);

/* A notification as bytes, header included; 0 if size is too small. fixed is
 * the notification's structure, whose count field is filled in from tail_len
 * (a name's terminator is added and not counted). */
PROFUSE_NODISCARD size_t proto_encode_notify(const struct proto_notify *notify, const void *fixed,
					     const void *tail, size_t tail_len, void *buf,
					     size_t size);

#endif
