/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From bytes to a checked view of a request. The view points into the bytes;
 * nothing is copied but short argument forms of old peers, which are extended
 * with zeros. Whatever passes here is safe to hand to a callback: strings are
 * terminated inside the message, counts match what is there, components hold
 * no '/'. Whatever does not pass never reaches one.
 */
#ifndef PROFUSE_PROTOCOL_DECODE_H
#define PROFUSE_PROTOCOL_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "protocol/op.h"
#include "protocol/wire.h"

/* What the handshake settled and the layout of messages depends on. */
struct proto_conn {
	uint32_t minor; /* the smaller of both sides' */
	uint64_t flags; /* accepted INIT flags */
};

/* A message as transports deliver it. /dev/fuse and streams deliver one piece:
 * `arg` holds everything after the header and `rest` is empty. A ring delivers
 * the fixed argument and the rest apart. Both must be 8-byte aligned. */
struct proto_msg {
	const struct fuse_in_header *hdr;
	const void *arg;
	size_t arg_len;
	const void *rest;
	size_t rest_len;
	bool split;
};

struct proto_req {
	const struct proto_op *op;
	const struct fuse_in_header *hdr;
	const void *in; /* the fixed argument in its full, current size */
	const char *name[2];
	const void *data; /* counted bytes or array */
	size_t data_len;  /* in bytes */
	uint32_t count;	  /* elements of an array */
	const void *ext;  /* extensions, any alignment */
	size_t ext_len;
	union {
		uint64_t align;
		unsigned char bytes[64];
	} extended; /* a short argument, zero-extended */
};

enum proto_error {
	PROTO_OK = 0,
	PROTO_ERR_HEADER,   /* shorter than a header, or the length field disagrees */
	PROTO_ERR_OPCODE,   /* not in the table */
	PROTO_ERR_ARGUMENT, /* fixed argument cut short */
	PROTO_ERR_STRING,   /* a string is not terminated, empty, or not a component */
	PROTO_ERR_COUNT,    /* a count disagrees with what is there */
	PROTO_ERR_EXCESS,   /* bytes left over */
	PROTO_ERR_EXT,	    /* extensions longer than the message */
	PROTO_ERR_DEMAND,   /* wants a longer answer than was agreed on; see the session */
};

/* Describes a message in one piece. False if it is shorter than a header or
 * its length field is not `len`. buf must be 8-byte aligned. */
PROFUSE_NODISCARD bool proto_msg_flat(struct proto_msg *msg, const void *buf, size_t len);

/* Checks msg and fills *req, whose pointers live as long as msg's bytes and
 * as *req itself. On failure *req has hdr set (and op unless the opcode is
 * unknown), so that the caller can answer. */
PROFUSE_NODISCARD enum proto_error proto_decode(const struct proto_conn *conn,
						const struct proto_msg *msg, struct proto_req *req);

/* For log lines. */
const char *proto_error_text(enum proto_error err);

/* The largest body that an answer to req may carry, by its reply kind and the
 * size the caller asked for; and the smallest. */
void proto_reply_bounds(const struct proto_conn *conn, const struct proto_req *req, size_t *min,
			size_t *max);

/* Body sizes that depend on the peer's age. */
size_t proto_entry_size(const struct proto_conn *conn);
size_t proto_attr_size(const struct proto_conn *conn);

/*
 * Extensions. proto_ext_next walks the records of req->ext: *pos starts at 0;
 * returns true and a record's type, body and body length, or false at the end
 * or at a record that does not fit. Bodies may be unaligned.
 */
struct proto_ext {
	uint32_t type; /* FUSE_EXT_GROUPS, or a count of security contexts */
	const unsigned char *body;
	size_t len;
};
bool proto_ext_next(const struct proto_req *req, size_t *pos, struct proto_ext *ext);

/* Walks the security contexts of one record of type <= FUSE_MAX_NR_SECCTX. */
struct proto_secctx {
	const char *name;
	const void *value;
	uint32_t value_len;
};
bool proto_secctx_next(const struct proto_ext *ext, size_t *pos, struct proto_secctx *ctx);

#endif
