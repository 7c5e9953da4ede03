/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages as text, derived from the rows. Two forms:
 *
 * trace   one line with every field by name; modes in octal, flags and
 *         handles in hex, names quoted with anything unprintable escaped
 *
 *             LOOKUP unique=4 nodeid=1 uid=0 gid=0 pid=7 name="a\x01"
 *             LOOKUP unique=4 nodeid=2 generation=0 ... attr={ino=2 ...}
 *             LOOKUP unique=4 error=-2 ENOENT
 *
 * debug   the lines of the option `-d`, which people search for in reports
 *
 * All write into the caller's buffer, never more than size bytes including the
 * terminator (nothing at all if size is 0), allocate nothing, end in no
 * newline, and return the length of the full text, which may be larger than
 * what fitted. They may be used from any thread.
 */
#ifndef PROFUSE_PROTOCOL_TRACE_H
#define PROFUSE_PROTOCOL_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/decode.h"

/* Of a request that passed proto_decode. */
size_t proto_trace_request(char *buf, size_t size, const struct proto_req *req);

/* Of an answer: `len` bytes from its out header on, to a request of this op
 * (NULL if unknown). Whatever the bytes are, only `len` of them are read. */
size_t proto_trace_reply(char *buf, size_t size, const struct proto_op *op, const void *bytes,
			 size_t len);

/* Of a notification: `len` bytes from its out header on. */
size_t proto_trace_notify(char *buf, size_t size, const void *bytes, size_t len);

/* unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 47, pid: 123 */
size_t proto_debug_request(char *buf, size_t size, const struct fuse_in_header *hdr);

/*    unique: 4, success, outsize: 144
 *    unique: 4, error: -2 (No such file or directory), outsize: 16 */
size_t proto_debug_reply(char *buf, size_t size, const struct fuse_out_header *hdr);

/* NOTIFY: code=3 length=34 */
size_t proto_debug_notify(char *buf, size_t size, const struct fuse_out_header *hdr);

#endif
