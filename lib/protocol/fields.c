/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/fields.h"

#include <string.h>

#include "base/compiler.h"

#define SIGNED_u8  false
#define SIGNED_u16 false
#define SIGNED_u32 false
#define SIGNED_u64 false
#define SIGNED_s32 true
#define SIGNED_s64 true

/* clang-format off */
#define WIRE_STRUCT(s) static const struct proto_field fields_##s[] = {
#define WIRE_FIELD(s, type, name_, show_)                                      \
	{                                                                      \
		.name = #name_,                                                \
		.offset = offsetof(struct fuse_##s, name_),                    \
		.size = sizeof(wire_##type),                                   \
		.show = PROTO_SHOW_##show_,                                    \
		.is_signed = SIGNED_##type,                                    \
	},
#define WIRE_ARRAY(s, type, name_, count_)                                     \
	{                                                                      \
		.name = #name_,                                                \
		.offset = offsetof(struct fuse_##s, name_),                    \
		.size = sizeof(wire_##type) * (count_),                        \
		.show = PROTO_SHOW_PAD,                                        \
	},
#define WIRE_NESTED(s, inner_, name_)                                          \
	{                                                                      \
		.name = #name_,                                                \
		.inner = &layout_##inner_,                                     \
		.offset = offsetof(struct fuse_##s, name_),                    \
		.size = sizeof(struct fuse_##inner_),                          \
	},
#define WIRE_END(s, size_)                                                     \
	};                                                                     \
	static const struct proto_layout layout_##s = {                        \
		.name = #s,                                                    \
		.size = size_,                                                 \
		.count = ARRAY_SIZE(fields_##s),                               \
		.fields = fields_##s,                                          \
	};
#include "protocol/structs.def"
#undef WIRE_STRUCT
#undef WIRE_FIELD
#undef WIRE_ARRAY
#undef WIRE_NESTED
#undef WIRE_END

static const struct proto_layout layout_none = {.name = "none"};

static const struct proto_layout *const all[] = {
#define WIRE_STRUCT(s)
#define WIRE_FIELD(s, type, name, show)
#define WIRE_ARRAY(s, type, name, count)
#define WIRE_NESTED(s, inner, name)
#define WIRE_END(s, size) &layout_##s,
#include "protocol/structs.def"
};

static const struct proto_layout *const arguments[PROTO_OP_COUNT] = {
#define OP(name, nr, since, in, ...) [PROTO_##name] = &layout_##in,
#include "protocol/ops.def"
#undef OP
};

static const struct proto_layout *const notifications[FUSE_NOTIFY_CODE_MAX] = {
#define NOTIFY(name, code, since, out, ...) [code] = &layout_##out,
#include "protocol/notify.def"
#undef NOTIFY
};
/* clang-format on */

const struct proto_layout *proto_op_layout(const struct proto_op *op)
{
	return arguments[op->index];
}

void proto_reply_layout(const struct proto_op *op, const struct proto_layout *out[2])
{
	static const struct proto_layout *const of_kind[][2] = {
		[PROTO_REPLY_NONE] = {NULL},
		[PROTO_REPLY_EMPTY] = {NULL},
		[PROTO_REPLY_ENTRY] = {&layout_entry_out},
		[PROTO_REPLY_ATTR] = {&layout_attr_out},
		[PROTO_REPLY_OPEN] = {&layout_open_out},
		[PROTO_REPLY_CREATE] = {&layout_entry_out, &layout_open_out},
		[PROTO_REPLY_BYTES] = {NULL},
		[PROTO_REPLY_XATTR] = {&layout_getxattr_out},
		[PROTO_REPLY_WRITE] = {&layout_write_out},
		[PROTO_REPLY_STATFS] = {&layout_statfs_out},
		[PROTO_REPLY_LK] = {&layout_lk_out},
		[PROTO_REPLY_BMAP] = {&layout_bmap_out},
		[PROTO_REPLY_IOCTL] = {&layout_ioctl_out},
		[PROTO_REPLY_POLL] = {&layout_poll_out},
		[PROTO_REPLY_LSEEK] = {&layout_lseek_out},
		[PROTO_REPLY_STATX] = {&layout_statx_out},
		[PROTO_REPLY_COPY] = {&layout_copy_file_range_out},
		[PROTO_REPLY_INIT] = {&layout_init_out},
	};

	out[0] = of_kind[op->reply][0];
	out[1] = of_kind[op->reply][1];
	if (op->opcode == FUSE_CUSE_INIT)
		out[0] = &layout_cuse_init_out;
}

const struct proto_layout *proto_notify_layout(const struct proto_notify *notify)
{
	return notifications[notify->code];
}

const struct proto_layout *proto_layout_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}

uint64_t proto_field_get(const struct proto_field *field, const void *object)
{
	const char *p = (const char *)object + field->offset;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (field->size) {
	case 8:
		memcpy(&u64, p, sizeof(u64));
		return u64;
	case 4:
		memcpy(&u32, p, sizeof(u32));
		return field->is_signed ? (uint64_t)(int32_t)u32 : u32;
	case 2:
		memcpy(&u16, p, sizeof(u16));
		return u16;
	default:
		return *(const unsigned char *)p;
	}
}

void proto_field_set(const struct proto_field *field, void *object, uint64_t value)
{
	char *p = (char *)object + field->offset;
	uint32_t u32 = (uint32_t)value;
	uint16_t u16 = (uint16_t)value;

	switch (field->size) {
	case 8:
		memcpy(p, &value, sizeof(value));
		break;
	case 4:
		memcpy(p, &u32, sizeof(u32));
		break;
	case 2:
		memcpy(p, &u16, sizeof(u16));
		break;
	default:
		*(unsigned char *)p = (unsigned char)value;
		break;
	}
}
