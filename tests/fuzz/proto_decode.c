/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever passes the decoder is a valid view: every pointer lies inside the
 * message, every string ends there, and printing and walking it reads nothing
 * else. Input: minor, flag bits, delivery, then the message.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "generate.h"
#include "protocol/audit.h"
#include "protocol/trace.h"

#define PREFIX 3

static volatile unsigned int sink;

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void touch(const void *p, size_t len)
{
	const unsigned char *b = p;
	unsigned int sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += b[i];
	sink = sum;
}

static bool inside(const void *p, size_t len, const void *begin, size_t total)
{
	const char *a = p, *b = begin;

	return a >= b && len <= total && a + len <= b + total;
}

static void check_component(const struct proto_req *req, int i)
{
	bool free_string = req->op->tail == PROTO_TAIL_STR || req->op->tail == PROTO_TAIL_STRDATA ||
			   (req->op->tail == PROTO_TAIL_NAMESTR && i == 1);

	if (!req->name[i])
		return;
	touch(req->name[i], strlen(req->name[i]) + 1);
	require(free_string || (req->name[i][0] && !strchr(req->name[i], '/')));
}

static void check_extensions(const struct proto_req *req)
{
	struct proto_secctx ctx;
	struct proto_ext ext;
	size_t pos = 0, steps = 0;

	touch(req->ext, req->ext_len);
	while (proto_ext_next(req, &pos, &ext)) {
		require(++steps <= req->ext_len);
		require(inside(ext.body, ext.len, req->ext, req->ext_len));
		for (size_t at = 0; proto_secctx_next(&ext, &at, &ctx);) {
			require(++steps <= req->ext_len);
			touch(ctx.name, strlen(ctx.name));
			touch(ctx.value, ctx.value_len);
		}
	}
}

static void check_view(const struct proto_conn *conn, const struct proto_msg *msg,
		       const struct proto_req *req)
{
	const void *tail = msg->split ? msg->rest : msg->arg;
	size_t tail_len = msg->split ? msg->rest_len : msg->arg_len, min, max;
	char text[300];

	require(req->op && req->op->opcode == req->hdr->opcode);
	touch(req->in, req->op->in_size);
	check_component(req, 0);
	check_component(req, 1);
	if (req->data)
		require(inside(req->data, req->data_len, tail, tail_len));
	require(req->op->tail != PROTO_TAIL_ARRAY || req->data_len == req->count * 16ULL);
	touch(req->data, req->data_len);
	if (req->ext)
		require(inside(req->ext, req->ext_len, tail, tail_len));
	check_extensions(req);
	proto_trace_request(text, sizeof(text), req);
	proto_debug_request(text, sizeof(text), req->hdr);
	proto_reply_bounds(conn, req, &min, &max);
	require(min <= max);
}

/* The bytes of the request read once more as an answer to it. */
static void check_as_reply(const struct proto_conn *conn, const struct proto_req *req,
			   const void *bytes, size_t len)
{
	struct proto_audit a;
	struct fuse_open_out open;
	uint64_t nodeid;
	size_t pos = 0, steps = 0;
	char text[300];

	proto_trace_reply(text, sizeof(text), req->op, bytes, len);
	proto_trace_notify(text, sizeof(text), bytes, len);
	proto_audit_notify(conn, bytes, len);
	a = proto_audit_reply(conn, req, bytes, len);
	require((a.why == NULL) == (a.verdict == PROTO_ACCEPTED));
	while (proto_reply_next_lookup(conn, req, &a, &pos, &nodeid))
		require(++steps <= len);
	if (proto_reply_open(conn, req, &a, &open))
		touch(&open, sizeof(open));
}

static void decode(const struct proto_conn *conn, const struct proto_msg *msg, const void *bytes,
		   size_t len)
{
	struct proto_req req;

	if (proto_decode(conn, msg, &req) != PROTO_OK) {
		require(req.hdr == msg->hdr);
		return;
	}
	check_view(conn, msg, &req);
	check_as_reply(conn, &req, bytes, len);
}

/* Parts in blocks of their exact size, as a ring would deliver them. */
static void decode_split(const struct proto_conn *conn, const void *bytes, size_t len)
{
	const struct fuse_in_header *hdr = bytes;
	const struct proto_op *op = proto_op_find(hdr->opcode);
	size_t arg = op ? op->in_size : 0, body = len - sizeof(*hdr);
	unsigned char arg_buf[128] = {0}; /* a ring's area for it */
	void *rest;

	if (arg > body)
		arg = body;
	memcpy(arg_buf, hdr + 1, arg);
	rest = malloc(body - arg + 1);
	require(rest != NULL);
	memcpy(rest, (const char *)(hdr + 1) + arg, body - arg);
	rest = realloc(rest, body - arg ? body - arg : 1);
	decode(conn,
	       &(struct proto_msg){.hdr = hdr,
				   .arg = arg_buf,
				   .arg_len = arg,
				   .rest = rest,
				   .rest_len = body - arg,
				   .split = true},
	       bytes, len);
	free(rest);
}

void fuzz_one(const uint8_t *input, size_t len)
{
	struct proto_conn conn;
	struct proto_msg msg;
	void *exact;

	if (len < PREFIX)
		return;
	conn.minor = FUSE_KERNEL_MINOR_MIN + input[0] % 38;
	conn.flags = (input[1] & 1 ? FUSE_INIT_FLAG(SETXATTR_EXT) : 0) |
		     (input[1] & 2 ? FUSE_INIT_FLAG(SECURITY_CTX) : 0);
	len -= PREFIX;
	exact = malloc(len ? len : 1);
	require(exact != NULL);
	memcpy(exact, input + PREFIX, len);
	if (proto_msg_flat(&msg, exact, len)) {
		if (input[2] & 1)
			decode_split(&conn, exact, len);
		else
			decode(&conn, &msg, exact, len);
	}
	free(exact);
}

const unsigned int fuzz_seeds = PROTO_OP_COUNT * 2;

size_t fuzz_make(uint64_t n, uint8_t *buf)
{
	uint64_t seed = (n + 1) * 0x9e3779b97f4a7c15ULL;
	_Alignas(8) unsigned char request[GENERATE_MAX];
	struct proto_conn conn;
	size_t len;

	generate_random(&seed);
	buf[0] = (uint8_t)generate_random(&seed);
	buf[1] = (uint8_t)generate_random(&seed);
	buf[2] = (uint8_t)generate_random(&seed);
	if (n < fuzz_seeds)
		buf[0] = n < PROTO_OP_COUNT ? 37 : 0; /* 7.45 and 7.8 */
	conn.minor = FUSE_KERNEL_MINOR_MIN + buf[0] % 38;
	conn.flags = (buf[1] & 1 ? FUSE_INIT_FLAG(SETXATTR_EXT) : 0) |
		     (buf[1] & 2 ? FUSE_INIT_FLAG(SECURITY_CTX) : 0);
	if (n < fuzz_seeds)
		len = generate_valid(&conn, &proto_ops[n % PROTO_OP_COUNT], &seed, request);
	else
		len = generate_request(&conn, n % GENERATE_KINDS, &seed, request);
	memcpy(buf + PREFIX, request, len);
	return PREFIX + len;
}
