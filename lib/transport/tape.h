/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tape: what passed over a connection, as a file. A header, then records
 * until the end; a last record that was cut off (the program died) is ignored.
 * Integers are those of the host, as on the wire.
 */
#ifndef PROFUSE_TRANSPORT_TAPE_H
#define PROFUSE_TRANSPORT_TAPE_H

#include <stdint.h>

#define TAPE_MAGIC   "profuse tape\n"
#define TAPE_VERSION 1u

struct tape_header {
	char magic[16];
	uint32_t version;
	uint32_t reserved;
};

enum tape_kind {
	TAPE_REQUEST = 1,
	TAPE_ANSWER = 2,
	TAPE_NOTIFY = 3,
};

/* Followed by `len` bytes: a whole message from its header on. */
struct tape_record {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t kind;	  /* enum tape_kind */
	uint32_t len;
};

/* No message is longer than the largest write of the protocol (65535 pages);
 * a record that claims to be is damage. */
#define TAPE_MAX_MESSAGE (65535u * 4096u + 65536u)

#endif
