/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What passes between a filesystem that runs as a service and the program that
 * mounts for it: lib/cli is the one side, tools/mount.fuse3 the other.
 * docs/internals/service.md has the conversation.
 *
 * One packet of a SOCK_SEQPACKET socket is one message. Numbers are big-endian,
 * strings end in a NUL which is the packet's last byte.
 */
#ifndef PROFUSE_MOUNT_SERVICE_WIRE_H
#define PROFUSE_MOUNT_SERVICE_WIRE_H

#include <limits.h>
#include <stdint.h>

#define SERVICE_VERSION	     1
#define SERVICE_MAX_MESSAGE  65536
#define SERVICE_MAX_ARGUMENT (1U << 20) /* the file of arguments */

/* The first word of a message: four letters. */
enum service_word {
	SERVICE_ARGS = 0x41524753, /* begins the file of arguments */

	/* From who mounts. */
	SERVICE_HELLO = 0x53414654,
	SERVICE_FILE = 0x46494c45,  /* with a descriptor, or an error */
	SERVICE_REPLY = 0x5245504c, /* to everything but the opening of files */

	/* From the service. */
	SERVICE_HELLO_REPLY = 0x4c415354,
	SERVICE_OPEN = 0x4f50454e,
	SERVICE_OPEN_BDEV = 0x42444556,
	SERVICE_TYPE = 0x54595045,
	SERVICE_SOURCE = 0x4e414d45,
	SERVICE_OPTIONS = 0x4f505453,
	SERVICE_MTAB = 0x4d544142,
	SERVICE_PLACE = 0x4d4e5450,
	SERVICE_MOUNT = 0x444f4954,
	SERVICE_BYE = 0x42594545,
};

/* Names of the two files that come unasked. */
#define SERVICE_FILE_ARGS   "argv"
#define SERVICE_FILE_DEVICE "fusedev"

#define SERVICE_CAN_ALLOW_OTHER (1U << 0)
#define SERVICE_CAN_FUSEBLK	(1U << 1)

struct service_hello {
	uint32_t word;
	uint16_t min_version, max_version;
	uint32_t flags; /* SERVICE_CAN_* */
};

struct service_hello_reply {
	uint32_t word;
	uint16_t version, padding;
};

/* SERVICE_REPLY, TYPE (1: fuseblk), MOUNT (MS_*), BYE (the exit status); and what
 * FILE begins with, before the path. Errors are positive errnos. */
struct service_number {
	uint32_t word, value;
};

/* OPEN and OPEN_BDEV; the path follows. */
struct service_open {
	uint32_t word;
	uint32_t flags, mode; /* of open(2) */
	uint32_t request;     /* SERVICE_QUIET */
	uint32_t block_size;  /* of OPEN_BDEV; 0: as it is */
};
#define SERVICE_QUIET (1U << 0)

/* PLACE; the mountpoint follows. */
struct service_place {
	uint32_t word;
	uint16_t format, padding; /* S_IFDIR, S_IFREG, or 0 for any */
};

/* The file of arguments: a head, `count` of these, the strings. */
struct service_args_head {
	uint32_t word, count;
};
struct service_arg {
	uint32_t pos, len; /* from the start of the file; without the NUL */
};

_Static_assert(sizeof(struct service_hello) == 12, "on the wire");
_Static_assert(sizeof(struct service_hello_reply) == 8, "on the wire");
_Static_assert(sizeof(struct service_number) == 8, "on the wire");
_Static_assert(sizeof(struct service_open) == 20, "on the wire");
_Static_assert(sizeof(struct service_place) == 8, "on the wire");
_Static_assert(sizeof(struct service_arg) == 8, "on the wire");

#endif
