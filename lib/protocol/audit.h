/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel would do with an answer. The test kit plays the kernel with
 * it; the rules are those of Linux 6.18 (fs/fuse: dev.c, dir.c, file.c,
 * readdir.c), most of them confirmed by experiment.
 */
#ifndef PROFUSE_PROTOCOL_AUDIT_H
#define PROFUSE_PROTOCOL_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/decode.h"

enum proto_verdict {
	PROTO_ACCEPTED,	       /* the caller gets what the answer says */
	PROTO_REJECTED,	       /* write succeeds; the caller gets `error` all the same */
	PROTO_REFUSED,	       /* write fails, EINVAL; the request is over, the caller gets EIO */
	PROTO_REFUSED_PENDING, /* write fails, EINVAL; the request waits for another answer */
	PROTO_REFUSED_UNKNOWN, /* write fails, ENOENT; nobody waits for this unique */
};

struct proto_audit {
	enum proto_verdict verdict;
	int error;	 /* what the caller gets, 0 or negative errno */
	const char *why; /* NULL if accepted */
	const void *body;
	size_t body_len;
};

/* Judges `len` bytes, from the out header on, as the answer to req, which has
 * passed proto_decode. Never reads beyond the bytes. */
struct proto_audit proto_audit_reply(const struct proto_conn *conn, const struct proto_req *req,
				     const void *bytes, size_t len);

/* Judges a notification; accepted means well formed, whatever nodes it names.
 * Malformed ones are PROTO_REFUSED. body is the fixed part. */
struct proto_audit proto_audit_notify(const struct proto_conn *conn, const void *bytes, size_t len);

/*
 * Entries and their lifetime. A successful answer may hand out lookups: one
 * for the ops with PROTO_F_LOOKUP, any number for READDIRPLUS. Walks those
 * of an accepted answer: *pos starts at 0; false at the end.
 */
bool proto_reply_next_lookup(const struct proto_conn *conn, const struct proto_req *req,
			     const struct proto_audit *reply, size_t *pos, uint64_t *nodeid);

/* The open_out of an accepted OPEN, OPENDIR, CREATE or TMPFILE. */
bool proto_reply_open(const struct proto_conn *conn, const struct proto_req *req,
		      const struct proto_audit *reply, struct fuse_open_out *out);

/* Walks directory records, plain or with entries. *pos starts at 0. Returns 1
 * and a record, 0 at the end (a record cut short ends the stream), -EIO at
 * one that makes the kernel give up. */
struct proto_dirent {
	struct fuse_entry_out entry; /* READDIRPLUS only, else zero */
	struct fuse_dirent dirent;
	const char *name; /* dirent.namelen bytes, not terminated */
};
int proto_dirent_next(bool plus, const void *body, size_t len, size_t *pos,
		      struct proto_dirent *out);

/* What the kernel asks of attributes: a type, and a size below 2^63. */
bool proto_attr_valid(const struct fuse_attr *attr);

#endif
