/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/encode.h"

#include <string.h>

#include "base/checked.h"

size_t proto_encoded_argument(const struct proto_conn *conn, const struct proto_op *op,
			      enum proto_era era)
{
	if (op->opcode == FUSE_SETXATTR)
		return conn->flags & FUSE_INIT_FLAG(SETXATTR_EXT) ? op->in_size : op->short_size;
	if (op->opcode == FUSE_INIT)
		return era == PROTO_ERA_OLD && conn->minor < 36 ? 16 : op->in_size;
	if (op->short_size == PROTO_SIZE_FULL || conn->minor >= op->short_below)
		return op->in_size;
	/* Linux kept the short forms of arguments with a tail, where the
	 * server could not tell; the others it sends in full to everybody. */
	if (era == PROTO_ERA_TODAY && op->tail == PROTO_TAIL_NONE)
		return op->in_size;
	return op->short_size;
}

static int names_of(const struct proto_op *op)
{
	switch ((enum proto_tail)op->tail) {
	case PROTO_TAIL_NAME:
	case PROTO_TAIL_STR:
	case PROTO_TAIL_STRDATA:
		return 1;
	case PROTO_TAIL_NAMES:
	case PROTO_TAIL_NAMESTR:
		return 2;
	default:
		return 0;
	}
}

static const char *name_of(const struct proto_out *out, int i)
{
	return out->name[i] ? out->name[i] : "";
}

static bool has_data(const struct proto_op *op)
{
	return op->tail == PROTO_TAIL_DATA || op->tail == PROTO_TAIL_STRDATA ||
	       op->tail == PROTO_TAIL_ARRAY;
}

size_t proto_encoded_size(const struct proto_conn *conn, const struct proto_out *out)
{
	size_t n = sizeof(struct fuse_in_header) + proto_encoded_argument(conn, out->op, out->era);

	for (int i = 0; i < names_of(out->op); i++) {
		if (!size_add(n, strlen(name_of(out, i)) + 1, &n))
			return 0;
	}
	if (has_data(out->op) && !size_add(n, out->data_len, &n))
		return 0;
	if (out->ext_len % 8 || out->ext_len / 8 > UINT16_MAX || !size_add(n, out->ext_len, &n))
		return 0;
	return n > UINT32_MAX ? 0 : n;
}

static char *append(char *p, const void *bytes, size_t len)
{
	if (len)
		memcpy(p, bytes, len);
	return p + len;
}

static char *put_argument(char *p, const struct proto_out *out, size_t size)
{
	const struct proto_op *op = out->op;
	uint32_t count = (uint32_t)out->data_len;

	if (out->in)
		memcpy(p, out->in, size);
	else
		memset(p, 0, size);
	if (op->tail == PROTO_TAIL_ARRAY)
		count /= 16;
	if (has_data(op))
		memcpy(p + op->count_offset, &count, sizeof(count));
	return p + size;
}

size_t proto_encode(const struct proto_conn *conn, const struct proto_out *out, void *buf,
		    size_t size)
{
	const struct proto_op *op = out->op;
	size_t len = proto_encoded_size(conn, out);
	struct fuse_in_header h = {
		.len = (uint32_t)len,
		.opcode = op->opcode,
		.unique = out->unique,
		.nodeid = out->nodeid,
		.uid = out->uid,
		.gid = out->gid,
		.pid = out->pid,
		.total_extlen = (uint16_t)(out->ext_len / 8),
	};
	char *p = buf;

	if (len == 0 || len > size)
		return 0;
	/* The header field is younger than the first extension. */
	if (out->era == PROTO_ERA_OLD && conn->minor < 38)
		h.total_extlen = 0;
	p = append(p, &h, sizeof(h));
	p = put_argument(p, out, proto_encoded_argument(conn, op, out->era));
	for (int i = 0; i < names_of(op); i++)
		p = append(p, name_of(out, i), strlen(name_of(out, i)) + 1);
	if (has_data(op))
		p = append(p, out->data, out->data_len);
	append(p, out->ext, out->ext_len);
	return len;
}

/* Zeroed room for `len` bytes rounded up to 8, at *pos. */
static char *ext_room(void *buf, size_t size, size_t *pos, size_t len)
{
	char *p = (char *)buf + *pos;
	size_t end;

	if (!size_round_up(len, 8, &len) || !size_add(*pos, len, &end) || end > size)
		return NULL;
	memset(p, 0, len);
	*pos = end;
	return p;
}

bool proto_ext_put_secctx(void *buf, size_t size, size_t *pos, uint32_t count)
{
	struct fuse_ext_header h = {.size = sizeof(h), .type = count};
	char *p = ext_room(buf, size, pos, sizeof(h));

	if (!p)
		return false;
	memcpy(p, &h, sizeof(h));
	return true;
}

bool proto_ext_add_secctx(void *buf, size_t size, size_t *pos, size_t record, const char *name,
			  const void *value, uint32_t value_len)
{
	struct fuse_secctx ctx = {.size = value_len};
	size_t name_len = strlen(name) + 1;
	uint32_t grown;
	char *p = ext_room(buf, size, pos, sizeof(ctx) + name_len + value_len);

	if (!p)
		return false;
	p = append(p, &ctx, sizeof(ctx));
	p = append(p, name, name_len);
	append(p, value, value_len);
	grown = (uint32_t)(*pos - record);
	memcpy((char *)buf + record, &grown, sizeof(grown));
	return true;
}

bool proto_ext_put_groups(void *buf, size_t size, size_t *pos, const uint32_t *groups,
			  uint32_t count)
{
	struct fuse_ext_header h = {.type = FUSE_EXT_GROUPS};
	struct fuse_supp_groups g = {.nr_groups = count};
	size_t begin = *pos;
	char *p = ext_room(buf, size, pos, sizeof(h) + sizeof(g) + count * sizeof(*groups));

	if (!p)
		return false;
	h.size = (uint32_t)(*pos - begin);
	p = append(p, &h, sizeof(h));
	p = append(p, &g, sizeof(g));
	append(p, groups, count * sizeof(*groups));
	return true;
}

size_t proto_encode_notify(const struct proto_notify *notify, const void *fixed, const void *tail,
			   size_t tail_len, void *buf, size_t size)
{
	struct fuse_out_header h = {.error = notify->code};
	size_t nul = notify->tail == PROTO_TAIL_NAME;
	uint32_t count = (uint32_t)(notify->tail == PROTO_TAIL_IDS ? tail_len / 8 : tail_len);
	size_t len = sizeof(h) + notify->out_size;
	char *p = buf;

	if (!size_add(len, tail_len + nul, &len) || len > size || len > UINT32_MAX)
		return 0;
	h.len = (uint32_t)len;
	p = append(p, &h, sizeof(h));
	p = append(p, fixed, notify->out_size);
	if (notify->tail != PROTO_TAIL_NONE)
		memcpy(p - notify->out_size + notify->count_offset, &count, sizeof(count));
	p = append(p, tail, tail_len);
	if (nul)
		*p = '\0';
	return len;
}
