/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generate.h"

#include <string.h>

#include "base/compiler.h"
#include "protocol/fields.h"

#define HEADER sizeof(struct fuse_in_header)

uint64_t generate_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static size_t below(uint64_t *seed, size_t n)
{
	return (size_t)(generate_random(seed) % n);
}

/* Values at which arithmetic goes wrong, as often as any. */
static uint64_t interesting(uint64_t *seed)
{
	static const uint64_t edges[] = {
		0,	    1,		2,	    7,		8,
		4095,	    4096,	0x7fffffff, 0x80000000, 0xffffffff,
		0xfffffff8, 1ULL << 32, INT64_MAX,  1ULL << 63, UINT64_MAX,
	};

	return below(seed, 2) ? edges[below(seed, ARRAY_SIZE(edges))] : generate_random(seed);
}

static void fill(const struct proto_layout *layout, void *object, uint64_t *seed)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct proto_field *f = &layout->fields[i];

		if (f->inner)
			fill(f->inner, (char *)object + f->offset, seed);
		else if (f->show != PROTO_SHOW_PAD)
			proto_field_set(f, object, interesting(seed));
	}
}

static void random_bytes(void *buf, size_t len, uint64_t *seed)
{
	unsigned char *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)generate_random(seed);
}

static void random_name(char *buf, size_t size, uint64_t *seed)
{
	size_t len = 1 + below(seed, below(seed, 4) ? 12 : size - 1);

	for (size_t i = 0; i < len; i++)
		buf[i] = (char)('a' + below(seed, 26));
	buf[len < size ? len : size - 1] = '\0';
}

static size_t random_extensions(unsigned char *buf, size_t size, uint64_t *seed)
{
	size_t pos = 0;
	uint32_t count = (uint32_t)below(seed, 3), gid = 5000;

	if (below(seed, 2) && proto_ext_put_secctx(buf, size, &pos, count)) {
		for (uint32_t i = 0; i < count; i++) {
			if (!proto_ext_add_secctx(buf, size, &pos, 0, "security.x", "label",
						  (uint32_t)below(seed, 6)))
				break;
		}
	}
	if (below(seed, 2) && !proto_ext_put_groups(buf, size, &pos, &gid, 1))
		return pos;
	return pos;
}

size_t generate_valid(const struct proto_conn *conn, const struct proto_op *op, uint64_t *seed,
		      void *buf)
{
	unsigned char in[128] = {0}, data[128], ext[128];
	char first[200], second[200];
	struct proto_out out = {
		.op = op,
		.unique = (generate_random(seed) | 2) & ~1ULL,
		.nodeid = 1 + below(seed, 8),
		.in = in,
		.name = {first, second},
		.data = data,
		.data_len = below(seed, 5) * 16,
		.era = below(seed, 2) ? PROTO_ERA_OLD : PROTO_ERA_TODAY,
	};

	fill(proto_op_layout(op), in, seed);
	random_bytes(data, sizeof(data), seed);
	random_name(first, sizeof(first), seed);
	random_name(second, sizeof(second), seed);
	if (proto_op_has(op, PROTO_F_EXT) && below(seed, 2)) {
		out.ext = ext;
		out.ext_len = random_extensions(ext, sizeof(ext), seed);
	}
	return proto_encode(conn, &out, buf, GENERATE_MAX);
}

static const struct proto_op *random_op(uint64_t *seed)
{
	return &proto_ops[below(seed, PROTO_OP_COUNT)];
}

static size_t wrong_length(unsigned char *buf, size_t len, uint64_t *seed)
{
	size_t by = 1 + below(seed, below(seed, 2) ? 4 : 64);

	if (below(seed, 2)) {
		len = len < HEADER + by ? HEADER : len - by;
	} else {
		random_bytes(buf + len, by, seed);
		len += by;
	}
	return len;
}

static void wrong_count(unsigned char *buf, size_t len, const struct proto_op *op, uint64_t *seed)
{
	uint32_t count = (uint32_t)interesting(seed);
	size_t at = HEADER + (op->count_offset ? op->count_offset : below(seed, 10) * 4);

	if (at + sizeof(count) <= len)
		memcpy(buf + at, &count, sizeof(count));
}

static void wrong_string(unsigned char *buf, size_t len, uint64_t *seed)
{
	size_t at = HEADER + below(seed, len - HEADER + 1);

	switch (below(seed, 3)) {
	case 0: /* the last terminator, if strings end the request */
		buf[len - 1] = 'x';
		break;
	case 1:
		if (at < len)
			buf[at] = '/';
		break;
	default:
		if (at < len)
			buf[at] = '\0';
		break;
	}
}

static void wrong_bits(unsigned char *buf, size_t len, uint64_t *seed)
{
	for (size_t n = 1 + below(seed, 8); n > 0; n--)
		buf[below(seed, len)] = (unsigned char)interesting(seed);
}

static void wrong_extensions(unsigned char *buf, size_t len, uint64_t *seed)
{
	struct fuse_in_header h;

	memcpy(&h, buf, sizeof(h));
	h.total_extlen = (uint16_t)(below(seed, 2) ? below(seed, 20) : interesting(seed));
	memcpy(buf, &h, sizeof(h));
	if (len >= HEADER + 16)
		wrong_bits(buf + len - 16, 16, seed);
}

size_t generate_request(const struct proto_conn *conn, enum generate_kind kind, uint64_t *seed,
			void *buf)
{
	const struct proto_op *op = random_op(seed);
	size_t len = generate_valid(conn, op, seed, buf);
	uint32_t claimed;

	switch (kind) {
	case GENERATE_LENGTH:
		len = wrong_length(buf, len, seed);
		break;
	case GENERATE_COUNT:
		wrong_count(buf, len, op, seed);
		break;
	case GENERATE_STRING:
		wrong_string(buf, len, seed);
		break;
	case GENERATE_BITS:
		wrong_bits(buf, len, seed);
		break;
	case GENERATE_EXTENSION:
		wrong_extensions(buf, len, seed);
		break;
	case GENERATE_HEADER:
		len = HEADER + below(seed, 200);
		random_bytes((unsigned char *)buf + 8, len - 8, seed);
		break;
	case GENERATE_GARBAGE:
		len = HEADER + below(seed, 200);
		random_bytes(buf, len, seed);
		break;
	default:
		break;
	}
	claimed = (uint32_t)len;
	memcpy(buf, &claimed, sizeof(claimed));
	return len;
}
