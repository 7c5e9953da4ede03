/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of messages: golden lines, and the buffer's end. */
#include "proto_common.h"

#include <errno.h>

#include "base/compiler.h"
#include "protocol/trace.h"

static const struct proto_conn conn = {.minor = 45};

static void expect_request(const struct proto_out *out, const char *want)
{
	_Alignas(8) unsigned char wire[512];
	size_t len = proto_encode(&conn, out, wire, sizeof(wire));
	struct proto_msg msg;
	struct proto_req req;
	char text[1024];

	assert_true(proto_msg_flat(&msg, wire, len));
	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_OK);
	assert_int_equal(proto_trace_request(text, sizeof(text), &req), strlen(want));
	assert_string_equal(text, want);
}

static void requests_name_every_field(void **state)
{
	struct fuse_setattr_in set = {.valid = 0x209, .size = 5, .mode = 0100644, .uid = 7};
	struct fuse_write_in wr = {.fh = 16, .offset = 4096, .write_flags = 1, .flags = 0x8002};
	struct fuse_lk_in lk = {.fh = 1, .owner = 2, .lk = {3, 4, 1, 5}, .lk_flags = 1};

	expect_request(&(struct proto_out){.op = &proto_ops[PROTO_LOOKUP],
					   .unique = 4,
					   .nodeid = 1,
					   .uid = 1,
					   .gid = 2,
					   .pid = 3,
					   .name = {"a\"b\\c\n\x7f\xc3"}},
		       "LOOKUP unique=4 nodeid=1 uid=1 gid=2 pid=3 "
		       "name=\"a\\\"b\\\\c\\x0a\\x7f\\xc3\"");
	expect_request(
		&(struct proto_out){
			.op = &proto_ops[PROTO_SETATTR], .unique = 6, .nodeid = 2, .in = &set},
		"SETATTR unique=6 nodeid=2 uid=0 gid=0 pid=0 valid=0x209 fh=0x0 size=5 "
		"lock_owner=0x0 atime=0 mtime=0 ctime=0 atimensec=0 mtimensec=0 "
		"ctimensec=0 mode=0100644 uid=7 gid=0");
	expect_request(&(struct proto_out){.op = &proto_ops[PROTO_WRITE],
					   .unique = 8,
					   .nodeid = 2,
					   .in = &wr,
					   .data = "hello",
					   .data_len = 5},
		       "WRITE unique=8 nodeid=2 uid=0 gid=0 pid=0 fh=0x10 offset=4096 size=5 "
		       "write_flags=0x1 lock_owner=0x0 flags=0x8002 data=5");
	expect_request(
		&(struct proto_out){
			.op = &proto_ops[PROTO_SETLK], .unique = 10, .nodeid = 2, .in = &lk},
		"SETLK unique=10 nodeid=2 uid=0 gid=0 pid=0 fh=0x1 owner=0x2 "
		"lk={start=3 end=4 type=1 pid=5} lk_flags=0x1");
	expect_request(&(struct proto_out){.op = &proto_ops[PROTO_RENAME2],
					   .unique = 12,
					   .nodeid = 1,
					   .name = {"x", "y"}},
		       "RENAME2 unique=12 nodeid=1 uid=0 gid=0 pid=0 newdir=0 flags=0x0 "
		       "name=\"x\" name2=\"y\"");
	expect_request(
		&(struct proto_out){.op = &proto_ops[PROTO_SYNCFS], .unique = 14, .nodeid = 1},
		"SYNCFS unique=14 nodeid=1 uid=0 gid=0 pid=0");
}

static void expect_reply(unsigned int op, int error, const void *body, size_t body_len,
			 const char *want)
{
	unsigned char wire[512];
	struct fuse_out_header h = {(uint32_t)(sizeof(h) + body_len), error, 4};
	char text[1024];

	memcpy(wire, &h, sizeof(h));
	if (body_len)
		memcpy(wire + sizeof(h), body, body_len);
	assert_int_equal(
		proto_trace_reply(text, sizeof(text), &proto_ops[op], wire, sizeof(h) + body_len),
		strlen(want));
	assert_string_equal(text, want);
}

static void replies_name_every_field(void **state)
{
	struct fuse_open_out open = {.fh = 255, .open_flags = 3, .backing_id = -1};
	struct fuse_entry_out entry = {
		.nodeid = 2, .entry_valid = 1, .attr = {.ino = 2, .mode = 040755, .nlink = 2}};
	unsigned char created[sizeof(entry) + sizeof(open)];

	expect_reply(PROTO_LOOKUP, -ENOENT, NULL, 0, "LOOKUP unique=4 error=-2 ENOENT");
	expect_reply(PROTO_LOOKUP, -510, NULL, 0, "LOOKUP unique=4 error=-510");
	expect_reply(PROTO_LOOKUP, INT32_MIN, NULL, 0, "LOOKUP unique=4 error=-2147483648");
	expect_reply(PROTO_UNLINK, 0, NULL, 0, "UNLINK unique=4");
	expect_reply(PROTO_OPEN, 0, &open, sizeof(open),
		     "OPEN unique=4 fh=0xff open_flags=0x3 backing_id=-1");
	expect_reply(PROTO_READ, 0, "abc", 3, "READ unique=4 data=3");
	expect_reply(PROTO_READ, 0, NULL, 0, "READ unique=4");
	expect_reply(PROTO_READ, -EIO, "abc", 3, "READ unique=4 error=-5 EIO data=3");
	expect_reply(PROTO_GETXATTR, 0, "\7\0\0\0\0\0\0\0", 8, "GETXATTR unique=4 size=7");
	expect_reply(PROTO_GETXATTR, 0, "1234", 4, "GETXATTR unique=4 data=4");
	expect_reply(PROTO_OPEN, 0, &open, 12, "OPEN unique=4 fh=0xff open_flags=0x3");
	memcpy(created, &entry, sizeof(entry));
	memcpy(created + sizeof(entry), &open, sizeof(open));
	expect_reply(PROTO_CREATE, 0, created, sizeof(created),
		     "CREATE unique=4 nodeid=2 generation=0 entry_valid=1 attr_valid=0 "
		     "entry_valid_nsec=0 attr_valid_nsec=0 attr={ino=2 size=0 blocks=0 atime=0 "
		     "mtime=0 ctime=0 atimensec=0 mtimensec=0 ctimensec=0 mode=040755 nlink=2 "
		     "uid=0 gid=0 rdev=0 blksize=0 flags=0x0} fh=0xff open_flags=0x3 "
		     "backing_id=-1");
	/* A peer of 7.8: 120 bytes of entry in front of the handle. */
	memcpy(created + FUSE_COMPAT_ENTRY_OUT_SIZE, &open, sizeof(open));
	expect_reply(PROTO_CREATE, 0, created, FUSE_COMPAT_ENTRY_OUT_SIZE + sizeof(open),
		     "CREATE unique=4 nodeid=2 generation=0 entry_valid=1 attr_valid=0 "
		     "entry_valid_nsec=0 attr_valid_nsec=0 attr={ino=2 size=0 blocks=0 atime=0 "
		     "mtime=0 ctime=0 atimensec=0 mtimensec=0 ctimensec=0 mode=040755 nlink=2 "
		     "uid=0 gid=0 rdev=0} fh=0xff open_flags=0x3 backing_id=-1");
}

static void expect_notify(unsigned int code, const void *fixed, const void *tail, size_t tail_len,
			  const char *want)
{
	unsigned char wire[512];
	size_t len = proto_encode_notify(proto_notify_find(code), fixed, tail, tail_len, wire,
					 sizeof(wire));
	char text[512];

	assert_true(len > 0);
	assert_int_equal(proto_trace_notify(text, sizeof(text), wire, len), strlen(want));
	assert_string_equal(text, want);
}

static void notifications_name_every_field(void **state)
{
	struct fuse_notify_inval_inode_out inode = {.ino = 3, .off = -1, .len = 0};
	struct fuse_notify_inval_entry_out entry = {.parent = 1, .flags = 1};
	struct fuse_notify_prune_out prune = {0};
	uint64_t ids[2] = {2, 3};

	expect_notify(FUSE_NOTIFY_INVAL_INODE, &inode, NULL, 0,
		      "NOTIFY_INVAL_INODE ino=3 off=-1 len=0");
	expect_notify(FUSE_NOTIFY_INVAL_ENTRY, &entry, "na\nme", 5,
		      "NOTIFY_INVAL_ENTRY parent=1 namelen=5 flags=0x1 name=\"na\\x0ame\"");
	expect_notify(FUSE_NOTIFY_PRUNE, &prune, ids, sizeof(ids), "NOTIFY_PRUNE count=2 data=16");
	expect_notify(FUSE_NOTIFY_RESEND, "", NULL, 0, "NOTIFY_RESEND");
}

static void debug_lines_are_those_that_people_know(void **state)
{
	struct fuse_in_header in = {.len = 47, .opcode = 1, .unique = 2, .nodeid = 1, .pid = 123};
	struct fuse_out_header out = {.len = 144, .unique = 2};
	char text[128];

	proto_debug_request(text, sizeof(text), &in);
	assert_string_equal(text, "unique: 2, opcode: LOOKUP (1), nodeid: 1, insize: 47, pid: 123");
	in.opcode = 77;
	proto_debug_request(text, sizeof(text), &in);
	assert_string_equal(text,
			    "unique: 2, opcode: UNKNOWN (77), nodeid: 1, insize: 47, pid: 123");
	proto_debug_reply(text, sizeof(text), &out);
	assert_string_equal(text, "   unique: 2, success, outsize: 144");
	out = (struct fuse_out_header){.len = 16, .error = -2, .unique = 2};
	proto_debug_reply(text, sizeof(text), &out);
	assert_string_equal(text,
			    "   unique: 2, error: -2 (No such file or directory), outsize: 16");
}

/* Whatever room there is, the text is cut and terminated in it, and the length
 * of the whole is told. */
static void short_buffers_are_respected(void **state)
{
	struct fuse_notify_inval_entry_out entry = {.parent = 1};
	unsigned char wire[128];
	size_t len = proto_encode_notify(proto_notify_find(FUSE_NOTIFY_INVAL_ENTRY), &entry, "name",
					 4, wire, sizeof(wire));
	char whole[256];
	size_t n = proto_trace_notify(whole, sizeof(whole), wire, len);

	assert_int_equal(n, strlen(whole));
	assert_int_equal(proto_trace_notify(NULL, 0, wire, len), n);
	for (size_t size = 1; size <= n + 1; size++) {
		struct exact e = {malloc(size), size};

		memset(e.buf, 'x', size);
		assert_int_equal(proto_trace_notify(e.buf, size, wire, len), n);
		assert_int_equal(strlen(e.buf), size - 1);
		assert_memory_equal(e.buf, whole, size - 1);
		free(e.buf);
	}
}

static void garbage_is_described_without_reading_past_it(void **state)
{
	uint64_t seed = 42;
	char text[256];

	for (int i = 0; i < 20000; i++) {
		size_t len = next_random(&seed) % 300;
		struct exact e = {malloc(len + 1), len};
		unsigned char *p = e.buf;

		for (size_t k = 0; k < len; k++)
			p[k] = (unsigned char)next_random(&seed);
		if (len > 8 && i % 2)
			memset(p + 4, i % 4 == 1 ? 0 : i % 10, 4);
		p = realloc(e.buf, len ? len : 1);
		proto_trace_reply(text, sizeof(text), &proto_ops[i % PROTO_OP_COUNT], p, len);
		proto_trace_reply(text, sizeof(text), NULL, p, len);
		proto_trace_notify(text, sizeof(text), p, len);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_name_every_field),
		cmocka_unit_test(replies_name_every_field),
		cmocka_unit_test(notifications_name_every_field),
		cmocka_unit_test(debug_lines_are_those_that_people_know),
		cmocka_unit_test(short_buffers_are_respected),
		cmocka_unit_test(garbage_is_described_without_reading_past_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
