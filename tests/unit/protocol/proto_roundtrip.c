/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every operation of every minor is decoded to what was encoded, and refused
 * at every other length. */
#include "proto_common.h"

#include "base/compiler.h"

struct sample {
	struct proto_conn conn;
	struct proto_out out;
	unsigned char in[128];
	unsigned char data[64];
	unsigned char wire[512];
	size_t len;
};

/* A request of this row with random fields and something in every tail. */
static void make_sample(struct sample *s, const struct proto_op *op, uint32_t minor, uint64_t flags,
			enum proto_era era, uint64_t *seed)
{
	*s = (struct sample){.conn = {.minor = minor, .flags = flags}};
	fill_struct(proto_op_layout(op), s->in, seed);
	for (size_t i = 0; i < sizeof(s->data); i++)
		s->data[i] = (unsigned char)next_random(seed);
	s->out = (struct proto_out){
		.op = op,
		.unique = next_random(seed),
		.nodeid = next_random(seed),
		.uid = (uint32_t)next_random(seed),
		.gid = (uint32_t)next_random(seed),
		.pid = (uint32_t)next_random(seed),
		.in = s->in,
		.name = {"first", "second one"},
		.data = s->data,
		.data_len = op->tail == PROTO_TAIL_ARRAY ? 48 : 37,
		.era = era,
	};
	s->len = proto_encode(&s->conn, &s->out, s->wire, sizeof(s->wire));
	assert_true(s->len > 0);
	assert_int_equal(s->len, proto_encoded_size(&s->conn, &s->out));
}

static bool has_tail(const struct proto_op *op, unsigned int a, unsigned int b, unsigned int c)
{
	return op->tail == a || op->tail == b || op->tail == c;
}

static void check_fields(const struct sample *s, const struct proto_req *req)
{
	size_t sent = proto_encoded_argument(&s->conn, s->out.op, s->out.era);
	const struct proto_layout *layout = proto_op_layout(s->out.op);

	for (size_t i = 0; i < layout->count; i++) {
		const struct proto_field *f = &layout->fields[i];
		uint64_t want = 0;

		/* Reserved space; and what the encoder fills in itself. */
		if (f->show == PROTO_SHOW_PAD || f->inner ||
		    (s->out.op->tail >= PROTO_TAIL_STRDATA && f->offset == s->out.op->count_offset))
			continue;
		if ((size_t)f->offset + f->size <= sent)
			want = proto_field_get(f, s->in);
		assert_true(proto_field_get(f, req->in) == want);
	}
}

static void check_decoded(const struct sample *s, const struct proto_req *req)
{
	const struct proto_op *op = s->out.op;

	assert_ptr_equal(req->op, op);
	assert_true(req->hdr->unique == s->out.unique && req->hdr->nodeid == s->out.nodeid);
	assert_true(req->hdr->uid == s->out.uid && req->hdr->gid == s->out.gid);
	assert_int_equal(req->hdr->pid, s->out.pid);
	check_fields(s, req);
	if (has_tail(op, PROTO_TAIL_NAME, PROTO_TAIL_STR, PROTO_TAIL_STRDATA)) {
		assert_string_equal(req->name[0], "first");
		assert_null(req->name[1]);
	} else if (has_tail(op, PROTO_TAIL_NAMES, PROTO_TAIL_NAMESTR, PROTO_TAIL_NAMES)) {
		assert_string_equal(req->name[0], "first");
		assert_string_equal(req->name[1], "second one");
	} else {
		assert_null(req->name[0]);
	}
	if (has_tail(op, PROTO_TAIL_DATA, PROTO_TAIL_STRDATA, PROTO_TAIL_ARRAY)) {
		assert_int_equal(req->data_len, s->out.data_len);
		assert_memory_equal(req->data, s->data, req->data_len);
		assert_int_equal(req->count, op->tail == PROTO_TAIL_ARRAY ? 3 : 0);
	} else {
		assert_null(req->data);
	}
	assert_int_equal(req->ext_len, 0);
}

static void for_all(void (*check)(const struct sample *s))
{
	static const uint64_t flag_sets[] = {0, FUSE_INIT_FLAG(SETXATTR_EXT)};
	uint64_t seed = 0x9e3779b97f4a7c15ULL;
	struct sample s;

	for (size_t i = 0; i < PROTO_OP_COUNT; i++) {
		for (uint32_t minor = FUSE_KERNEL_MINOR_MIN; minor <= FUSE_KERNEL_MINOR_VERSION;
		     minor++) {
			if (proto_ops[i].since > minor)
				continue;
			for (size_t k = 0; k < 4; k++) {
				make_sample(&s, &proto_ops[i], minor, flag_sets[k / 2],
					    k % 2 ? PROTO_ERA_OLD : PROTO_ERA_TODAY, &seed);
				check(&s);
			}
		}
	}
}

static void round_trip(const struct sample *s)
{
	struct exact e = exact_copy(s->wire, s->len);
	struct proto_msg msg;
	struct proto_req req;

	assert_true(proto_msg_flat(&msg, e.buf, e.len));
	assert_int_equal(proto_decode(&s->conn, &msg, &req), PROTO_OK);
	check_decoded(s, &req);
	free(e.buf);
}

/* A ring delivers the same request in two buffers. */
static void round_trip_split(const struct sample *s)
{
	size_t arg = proto_encoded_argument(&s->conn, s->out.op, s->out.era);
	size_t head = sizeof(struct fuse_in_header) + arg;
	struct exact hdr = exact_copy(s->wire, sizeof(struct fuse_in_header));
	struct exact fixed = exact_copy(s->wire + sizeof(struct fuse_in_header), arg);
	struct exact rest = exact_copy(s->wire + head, s->len - head);
	struct proto_msg msg = {.hdr = hdr.buf,
				.arg = fixed.buf,
				.arg_len = fixed.len,
				.rest = rest.buf,
				.rest_len = rest.len,
				.split = true};
	struct proto_req req;

	assert_int_equal(proto_decode(&s->conn, &msg, &req), PROTO_OK);
	check_decoded(s, &req);
	free(hdr.buf);
	free(fixed.buf);
	free(rest.buf);
}

/* Lengths other than the sent one that are complete requests as well: an
 * argument's short form where both may come, and any later INIT. */
static bool may_have_length(const struct sample *s, size_t len)
{
	const struct proto_op *op = s->out.op;
	size_t arg = len - sizeof(struct fuse_in_header);

	if (len < sizeof(struct fuse_in_header))
		return false;
	if (op->opcode == FUSE_INIT)
		return arg >= 8 && (arg >= op->in_size || arg % 4 == 0);
	return op->tail == PROTO_TAIL_NONE && s->conn.minor < op->short_below &&
	       (arg == op->short_size || arg == op->in_size);
}

static void refuse_lengths(const struct sample *s)
{
	unsigned char longer[sizeof(s->wire)] = {0};

	memcpy(longer, s->wire, s->len);
	for (size_t len = 0; len <= s->len + 16; len++) {
		enum proto_error err = decode_exact(&s->conn, longer, len);

		if (len == s->len || may_have_length(s, len))
			assert_int_equal(err, PROTO_OK);
		else
			assert_int_not_equal(err, PROTO_OK);
	}
}

static void refuse_counts(const struct sample *s)
{
	size_t at = sizeof(struct fuse_in_header) + s->out.op->count_offset;
	unsigned char copy[sizeof(s->wire)];
	uint32_t right, wrong;

	if (!has_tail(s->out.op, PROTO_TAIL_DATA, PROTO_TAIL_STRDATA, PROTO_TAIL_ARRAY))
		return;
	memcpy(&right, s->wire + at, sizeof(right));
	for (int i = 0; i < 4 + 32; i++) {
		wrong = i < 4 ? right + (uint32_t[]){1, UINT32_MAX, 2, 16}[i] : ~0u >> (i - 4);
		if (wrong == right)
			continue;
		memcpy(copy, s->wire, s->len);
		memcpy(copy + at, &wrong, sizeof(wrong));
		assert_int_not_equal(decode_exact(&s->conn, copy, s->len), PROTO_OK);
	}
}

static void refuse_names(const struct sample *s)
{
	unsigned char copy[sizeof(s->wire)];
	unsigned char *name;

	if (!has_tail(s->out.op, PROTO_TAIL_NAME, PROTO_TAIL_NAMES, PROTO_TAIL_NAMESTR))
		return;
	memcpy(copy, s->wire, s->len);
	name = memmem(copy, s->len, "first", 6);
	assert_non_null(name);
	name[2] = '/';
	assert_int_equal(decode_exact(&s->conn, copy, s->len), PROTO_ERR_STRING);
	name[2] = '\0'; /* leaves something over, or one name too many */
	assert_int_not_equal(decode_exact(&s->conn, copy, s->len), PROTO_OK);
	memcpy(name, "first", 5);
	name[0] = '\0';
	assert_int_not_equal(decode_exact(&s->conn, copy, s->len), PROTO_OK);
	memcpy(name, "first", 5);
	copy[s->len - 1] = 'x'; /* the last terminator */
	assert_int_equal(decode_exact(&s->conn, copy, s->len), PROTO_ERR_STRING);
}

static void every_request_round_trips(void **state)
{
	for_all(round_trip);
	for_all(round_trip_split);
}

static void every_other_length_is_refused(void **state)
{
	for_all(refuse_lengths);
}

static void counts_that_lie_are_refused(void **state)
{
	for_all(refuse_counts);
}

static void names_that_are_none_are_refused(void **state)
{
	for_all(refuse_names);
}

static void short_forms_have_the_sizes_of_old_kernels(void **state)
{
	static const struct {
		unsigned int op, minor;
		uint64_t flags;
		size_t today, old;
	} rows[] = {
		{PROTO_GETATTR, 8, 0, 16, 0},
		{PROTO_GETATTR, 9, 0, 16, 16},
		{PROTO_READ, 8, 0, 40, 24},
		{PROTO_READ, 9, 0, 40, 40},
		{PROTO_WRITE, 8, 0, 24, 24},
		{PROTO_WRITE, 9, 0, 40, 40},
		{PROTO_MKNOD, 11, 0, 8, 8},
		{PROTO_MKNOD, 12, 0, 16, 16},
		{PROTO_CREATE, 11, 0, 8, 8},
		{PROTO_CREATE, 12, 0, 16, 16},
		{PROTO_INIT, 35, 0, 64, 16},
		{PROTO_INIT, 36, 0, 64, 64},
		{PROTO_SETLK, 8, 0, 48, 40},
		{PROTO_SETXATTR, 45, 0, 8, 8},
		{PROTO_SETXATTR, 45, FUSE_INIT_FLAG(SETXATTR_EXT), 16, 16},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct proto_conn conn = {rows[i].minor, rows[i].flags};
		const struct proto_op *op = &proto_ops[rows[i].op];

		assert_int_equal(proto_encoded_argument(&conn, op, PROTO_ERA_TODAY), rows[i].today);
		assert_int_equal(proto_encoded_argument(&conn, op, PROTO_ERA_OLD), rows[i].old);
	}
}

static void an_unknown_opcode_still_has_a_header(void **state)
{
	struct fuse_in_header h = {.len = sizeof(h), .opcode = 54, .unique = 6};
	struct proto_conn conn = {.minor = 45};
	struct proto_msg msg;
	struct proto_req req;

	assert_true(proto_msg_flat(&msg, &h, sizeof(h)));
	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_ERR_OPCODE);
	assert_null(req.op);
	assert_true(req.hdr->unique == 6);
}

static void a_length_field_that_lies_is_refused(void **state)
{
	struct fuse_in_header h = {.opcode = FUSE_STATFS};
	struct proto_msg msg;

	h.len = sizeof(h) - 1;
	assert_false(proto_msg_flat(&msg, &h, sizeof(h)));
	h.len = sizeof(h) + 1;
	assert_false(proto_msg_flat(&msg, &h, sizeof(h)));
	h.len = UINT32_MAX;
	assert_false(proto_msg_flat(&msg, &h, sizeof(h)));
	h.len = sizeof(h);
	assert_false(proto_msg_flat(&msg, &h, sizeof(h) - 1));
	assert_true(proto_msg_flat(&msg, &h, sizeof(h)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_round_trips),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(counts_that_lie_are_refused),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(short_forms_have_the_sizes_of_old_kernels),
		cmocka_unit_test(an_unknown_opcode_still_has_a_header),
		cmocka_unit_test(a_length_field_that_lies_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
