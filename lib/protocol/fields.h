/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The structures of structs.def as tables of fields, for whoever treats
 * messages generically: trace text, the test kit, generated documentation.
 */
#ifndef PROFUSE_PROTOCOL_FIELDS_H
#define PROFUSE_PROTOCOL_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/op.h"

enum proto_show {
	PROTO_SHOW_DEC,
	PROTO_SHOW_HEX,
	PROTO_SHOW_OCT,
	PROTO_SHOW_PAD, /* reserved: zero on the wire, never shown */
};

struct proto_layout;

struct proto_field {
	const char *name;
	const struct proto_layout *inner; /* of a nested structure, else NULL */
	uint16_t offset;
	uint16_t size; /* in bytes, of all elements if reserved space */
	uint8_t show;  /* enum proto_show */
	bool is_signed;
};

struct proto_layout {
	const char *name; /* without "fuse_" */
	uint16_t size;
	uint16_t count;
	const struct proto_field *fields;
};

/* The fixed argument of a request; an empty layout for "none". */
const struct proto_layout *proto_op_layout(const struct proto_op *op);

/* The structures of a successful answer's fixed part: up to two (CREATE has
 * two), fewer entries are NULL. Byte streams have none. */
void proto_reply_layout(const struct proto_op *op, const struct proto_layout *out[2]);

/* The fixed part of a notification. */
const struct proto_layout *proto_notify_layout(const struct proto_notify *notify);

/* By name without "fuse_"; NULL if there is none. */
const struct proto_layout *proto_layout_find(const char *name);

/* The value of an integer field in an object of the layout. */
uint64_t proto_field_get(const struct proto_field *field, const void *object);
void proto_field_set(const struct proto_field *field, void *object, uint64_t value);

#endif
