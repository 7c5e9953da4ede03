/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extensions of creating requests: security contexts and groups. */
#include "proto_common.h"

#include <stdio.h>

#include "base/compiler.h"

static struct proto_req with_extensions(const void *ext, size_t len)
{
	return (struct proto_req){.ext = ext, .ext_len = len};
}

static size_t build_contexts(unsigned char *buf, size_t size, uint32_t count)
{
	size_t pos = 0;
	char name[32], value[32];

	assert_true(proto_ext_put_secctx(buf, size, &pos, count));
	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "security.number%u", i);
		snprintf(value, sizeof(value), "label-%u", i);
		assert_true(proto_ext_add_secctx(buf, size, &pos, 0, name, value,
						 (uint32_t)strlen(value)));
	}
	return pos;
}

static void contexts_round_trip(void **state)
{
	unsigned char buf[4096];

	for (uint32_t count = 0; count <= FUSE_MAX_NR_SECCTX; count++) {
		size_t len = build_contexts(buf, sizeof(buf), count), pos = 0, at = 0;
		struct proto_req req = with_extensions(buf, len);
		struct proto_secctx ctx;
		struct proto_ext ext;
		char want[32];

		assert_true(proto_ext_next(&req, &pos, &ext));
		assert_int_equal(ext.type, count);
		for (uint32_t i = 0; i < count; i++) {
			assert_true(proto_secctx_next(&ext, &at, &ctx));
			snprintf(want, sizeof(want), "security.number%u", i);
			assert_string_equal(ctx.name, want);
			snprintf(want, sizeof(want), "label-%u", i);
			assert_int_equal(ctx.value_len, strlen(want));
			assert_memory_equal(ctx.value, want, ctx.value_len);
		}
		assert_false(proto_secctx_next(&ext, &at, &ctx));
		assert_false(proto_ext_next(&req, &pos, &ext));
	}
}

static void groups_follow_contexts(void **state)
{
	static const unsigned char as_seen_on_the_wire[16] = {0x10, 0, 0, 0, 0x20, 0,	 0,
							      0,    1, 0, 0, 0,	   0x88, 0x13};
	unsigned char buf[256];
	size_t pos = build_contexts(buf, sizeof(buf), 1), begin = pos, at = 0;
	uint32_t gid = 5000;
	struct proto_req req;
	struct proto_ext ext;

	assert_true(proto_ext_put_groups(buf, sizeof(buf), &pos, &gid, 1));
	assert_memory_equal(buf + begin, as_seen_on_the_wire, 16);
	req = with_extensions(buf, pos);
	assert_true(proto_ext_next(&req, &at, &ext));
	assert_int_equal(ext.type, 1);
	assert_true(proto_ext_next(&req, &at, &ext));
	assert_int_equal(ext.type, FUSE_EXT_GROUPS);
	assert_int_equal(ext.len, 8);
	assert_false(proto_ext_next(&req, &at, &ext));
}

static void unknown_types_are_stepped_over(void **state)
{
	unsigned char buf[256] = {24, 0, 0, 0, 99};
	size_t pos = 24, at = 0;
	uint32_t gid = 1;
	struct proto_req req;
	struct proto_ext ext;

	assert_true(proto_ext_put_groups(buf, sizeof(buf), &pos, &gid, 1));
	req = with_extensions(buf, pos);
	assert_true(proto_ext_next(&req, &at, &ext));
	assert_int_equal(ext.type, 99);
	assert_int_equal(ext.len, 16);
	assert_true(proto_ext_next(&req, &at, &ext));
	assert_int_equal(ext.type, FUSE_EXT_GROUPS);
}

static volatile unsigned char keep;

/* Walks everything there is; the sanitizer is the judge. Bounded, because a
 * walker that stands still would never end. */
static void walk(const void *bytes, size_t len)
{
	struct exact e = exact_copy(bytes, len);
	struct proto_req req = with_extensions(e.buf, e.len);
	struct proto_secctx ctx;
	struct proto_ext ext;
	size_t pos = 0, at, steps = 0;
	unsigned char sum = 0;

	while (proto_ext_next(&req, &pos, &ext)) {
		assert_true(++steps <= len);
		for (at = 0; proto_secctx_next(&ext, &at, &ctx);) {
			assert_true(++steps <= len);
			sum += (unsigned char)strlen(ctx.name);
			for (uint32_t i = 0; i < ctx.value_len; i++)
				sum += ((const unsigned char *)ctx.value)[i];
		}
	}
	keep = sum;
	free(e.buf);
}

static void broken_records_end_the_walk(void **state)
{
	unsigned char good[512], bad[512];
	size_t len = build_contexts(good, sizeof(good), 3);
	uint32_t gid = 7;
	uint64_t seed = 1;

	assert_true(proto_ext_put_groups(good, sizeof(good), &len, &gid, 1));
	for (size_t cut = 0; cut <= len; cut++)
		walk(good, cut);
	for (int i = 0; i < 50000; i++) {
		memcpy(bad, good, len);
		for (int k = 0; k < 1 + i % 4; k++)
			bad[next_random(&seed) % len] = (unsigned char)next_random(&seed);
		walk(bad, len - next_random(&seed) % 8);
	}
}

static void sizes_that_lie_are_not_believed(void **state)
{
	static const uint32_t sizes[] = {0, 1, 7, 9, 25, 0x7fffffff, 0xfffffff8, UINT32_MAX};
	unsigned char buf[24];
	struct proto_req req = with_extensions(buf, sizeof(buf));
	struct proto_ext ext;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t pos = 0;

		memset(buf, 0, sizeof(buf));
		memcpy(buf, &sizes[i], 4);
		assert_int_equal(proto_ext_next(&req, &pos, &ext), sizes[i] == 9);
	}
}

/* Extensions are cut off the end before the tail is looked at. */
static void a_request_keeps_its_name_apart(void **state)
{
	unsigned char ext[256], wire[512];
	struct proto_conn conn = {.minor = 45, .flags = FUSE_INIT_FLAG(SECURITY_CTX)};
	struct proto_out out = {.op = &proto_ops[PROTO_SYMLINK],
				.name = {"n", "target"},
				.ext = ext,
				.ext_len = build_contexts(ext, sizeof(ext), 2)};

	for (uint32_t minor = 36; minor <= 45; minor++) {
		struct proto_msg msg;
		struct proto_req req;
		size_t len;

		conn.minor = minor;
		out.era = PROTO_ERA_OLD;
		len = proto_encode(&conn, &out, wire, sizeof(wire));
		assert_true(len > 0 && proto_msg_flat(&msg, wire, len));
		assert_int_equal(msg.hdr->total_extlen, minor < 38 ? 0 : out.ext_len / 8);
		assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_OK);
		assert_string_equal(req.name[1], "target");
		assert_int_equal(req.ext_len, out.ext_len);
		assert_memory_equal(req.ext, ext, out.ext_len);
	}
}

static void extensions_longer_than_the_message_are_refused(void **state)
{
	unsigned char wire[256];
	struct proto_conn conn = {.minor = 45};
	struct proto_out out = {.op = &proto_ops[PROTO_MKDIR], .name = {"n"}};
	size_t len = proto_encode(&conn, &out, wire, sizeof(wire));
	struct fuse_in_header *h = (struct fuse_in_header *)wire;

	h->total_extlen = 1;
	assert_int_equal(decode_exact(&conn, wire, len), PROTO_ERR_EXT);
	h->total_extlen = UINT16_MAX;
	assert_int_equal(decode_exact(&conn, wire, len), PROTO_ERR_EXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts_round_trip),
		cmocka_unit_test(groups_follow_contexts),
		cmocka_unit_test(unknown_types_are_stepped_over),
		cmocka_unit_test(broken_records_end_the_walk),
		cmocka_unit_test(sizes_that_lie_are_not_believed),
		cmocka_unit_test(a_request_keeps_its_name_apart),
		cmocka_unit_test(extensions_longer_than_the_message_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
