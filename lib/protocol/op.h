/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of ops.def and notify.def as constant tables. */
#ifndef PROFUSE_PROTOCOL_OP_H
#define PROFUSE_PROTOCOL_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

/* Dense index of an operation: its row number in ops.def. Statistics and
 * dispatch tables are arrays over it. */
enum proto_index {
#define OP(name, ...) PROTO_##name,
#include "protocol/ops.def"
#undef OP
	PROTO_OP_COUNT
};

enum proto_tail {
	PROTO_TAIL_NONE,
	PROTO_TAIL_NAME,
	PROTO_TAIL_STR,
	PROTO_TAIL_NAMES,
	PROTO_TAIL_NAMESTR,
	PROTO_TAIL_STRDATA,
	PROTO_TAIL_DATA,
	PROTO_TAIL_ARRAY,
	PROTO_TAIL_IDS, /* notifications only */
};

/* What a successful answer carries after the header. */
enum proto_reply {
	PROTO_REPLY_NONE,   /* no answer at all */
	PROTO_REPLY_EMPTY,  /* header only */
	PROTO_REPLY_ENTRY,  /* entry_out */
	PROTO_REPLY_ATTR,   /* attr_out */
	PROTO_REPLY_OPEN,   /* open_out */
	PROTO_REPLY_CREATE, /* entry_out, open_out */
	PROTO_REPLY_BYTES,  /* up to the requested size */
	PROTO_REPLY_XATTR,  /* getxattr_out if size was 0, else bytes */
	PROTO_REPLY_WRITE,  /* write_out */
	PROTO_REPLY_STATFS, /* statfs_out */
	PROTO_REPLY_LK,	    /* lk_out */
	PROTO_REPLY_BMAP,   /* bmap_out */
	PROTO_REPLY_IOCTL,  /* ioctl_out, bytes */
	PROTO_REPLY_POLL,   /* poll_out */
	PROTO_REPLY_LSEEK,  /* lseek_out */
	PROTO_REPLY_STATX,  /* statx_out */
	PROTO_REPLY_COPY,   /* copy_file_range_out */
	PROTO_REPLY_INIT,   /* init_out or cuse_init_out */
};

#define PROTO_F_NOREPLY	   (1u << 0) /* never answered (INTERRUPT: optional) */
#define PROTO_F_LOOKUP	   (1u << 1) /* success adds one to a lookup count */
#define PROTO_F_OPENS	   (1u << 2) /* success hands out a file handle */
#define PROTO_F_FH	   (1u << 3) /* carries a file handle, first field of the argument */
#define PROTO_F_STICKY	   (1u << 4) /* the kernel remembers ENOSYS for the connection */
#define PROTO_F_ROOT_OK	   (1u << 5) /* may be sent on behalf of anybody in spite of allow_root */
#define PROTO_F_IDEMPOTENT (1u << 6) /* may run twice after a resend */
#define PROTO_F_EXT	   (1u << 7) /* may end in extensions */
#define PROTO_F_PREINIT	   (1u << 8) /* valid before the handshake */
#define PROTO_F_PAYLOAD	   (1u << 9) /* bulk data: worth receiving without a copy */

#define PROTO_SIZE_FULL 0xffff

struct proto_op {
	const char *name;      /* "LOOKUP" */
	uint16_t opcode;       /* FUSE_LOOKUP */
	uint8_t index;	       /* PROTO_LOOKUP */
	uint8_t since;	       /* protocol minor */
	uint16_t in_size;      /* of the fixed argument, today */
	uint16_t short_size;   /* for peers below short_below, or PROTO_SIZE_FULL */
	uint16_t count_offset; /* of the 32-bit count inside the argument */
	uint8_t short_below;
	uint8_t tail;	/* enum proto_tail */
	uint8_t reply;	/* enum proto_reply */
	uint16_t flags; /* PROTO_F_* */
};

struct proto_notify {
	const char *name;
	uint8_t code;
	uint8_t since;
	uint16_t out_size;
	uint16_t count_offset;
	uint8_t tail; /* enum proto_tail */
};

extern const struct proto_op proto_ops[PROTO_OP_COUNT];

/* The row of an opcode, or NULL if 7.45 does not know it. */
const struct proto_op *proto_op_find(uint32_t opcode);

/* Never NULL; "UNKNOWN" for a number without a row. */
const char *proto_op_name(uint32_t opcode);

/* Case-insensitive; NULL if there is none. */
const struct proto_op *proto_op_by_name(const char *name);

/* NULL if the code is unknown. */
const struct proto_notify *proto_notify_find(uint32_t code);

static inline bool proto_op_has(const struct proto_op *op, unsigned int flag)
{
	return (op->flags & flag) != 0;
}

#endif
