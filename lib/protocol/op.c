/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/op.h"

#include <strings.h>

#include "base/compiler.h"

/* "none" stands for an empty structure with no count field. Both are zero
 * sized in the tables; the GNU empty structure keeps the macros uniform. */
struct fuse_none {
};
#define FULL PROTO_SIZE_FULL

#define COUNT_OFFSET(in, count)	 COUNT_OFFSET_##count(in)
#define COUNT_OFFSET_none(in)	 0
#define COUNT_OFFSET_size(in)	 offsetof(struct fuse_##in, size)
#define COUNT_OFFSET_in_size(in) offsetof(struct fuse_##in, in_size)
#define COUNT_OFFSET_count(in)	 offsetof(struct fuse_##in, count)
#define COUNT_OFFSET_namelen(in) offsetof(struct fuse_##in, namelen)

const struct proto_op proto_ops[PROTO_OP_COUNT] = {
#define OP(name_, nr, since_, in, short_, below, tail_, count, reply_, flags_)                     \
	[PROTO_##name_] = {                                                                        \
		.name = #name_,                                                                    \
		.opcode = nr,                                                                      \
		.index = PROTO_##name_,                                                            \
		.since = since_,                                                                   \
		.in_size = sizeof(struct fuse_##in),                                               \
		.short_size = short_,                                                              \
		.short_below = below,                                                              \
		.count_offset = COUNT_OFFSET(in, count),                                           \
		.tail = PROTO_TAIL_##tail_,                                                        \
		.reply = PROTO_REPLY_##reply_,                                                     \
		.flags = flags_,                                                                   \
	},
#include "protocol/ops.def"
#undef OP
};

static const struct proto_notify notifies[] = {
#define NOTIFY(name_, code_, since_, out, tail_, count)                                            \
	[code_] = {                                                                                \
		.name = #name_,                                                                    \
		.code = code_,                                                                     \
		.since = since_,                                                                   \
		.out_size = sizeof(struct fuse_##out),                                             \
		.count_offset = COUNT_OFFSET(out, count),                                          \
		.tail = PROTO_TAIL_##tail_,                                                        \
	},
#include "protocol/notify.def"
#undef NOTIFY
};

/* Row number plus one by opcode, for the contiguous low numbers; a larger
 * opcode in ops.def other than CUSE_INIT does not compile. */
#define LOW_OPCODES 64
static const uint8_t rows[LOW_OPCODES] = {
#define OP(name, nr, ...)                                                                          \
	[(nr) == FUSE_CUSE_INIT ? 0 : (nr)] = (nr) == FUSE_CUSE_INIT ? 0 : PROTO_##name + 1,
#include "protocol/ops.def"
#undef OP
};

/* 51 operations and CUSE_INIT: a row added or lost must be meant. */
static_assert(PROTO_OP_COUNT == 52, "rows of ops.def");
static_assert(ARRAY_SIZE(notifies) == FUSE_NOTIFY_CODE_MAX, "rows of notify.def");

const struct proto_op *proto_op_find(uint32_t opcode)
{
	if (likely(opcode < LOW_OPCODES))
		return rows[opcode] ? &proto_ops[rows[opcode] - 1] : NULL;
	return opcode == FUSE_CUSE_INIT ? &proto_ops[PROTO_CUSE_INIT] : NULL;
}

const char *proto_op_name(uint32_t opcode)
{
	const struct proto_op *op = proto_op_find(opcode);

	return op ? op->name : "UNKNOWN";
}

const struct proto_op *proto_op_by_name(const char *name)
{
	for (size_t i = 0; i < PROTO_OP_COUNT; i++) {
		if (strcasecmp(proto_ops[i].name, name) == 0)
			return &proto_ops[i];
	}
	return NULL;
}

const struct proto_notify *proto_notify_find(uint32_t code)
{
	return code < ARRAY_SIZE(notifies) && notifies[code].name ? &notifies[code] : NULL;
}
