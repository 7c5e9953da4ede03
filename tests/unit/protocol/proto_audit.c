/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel does with answers, right and wrong. */
#include "proto_common.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "protocol/audit.h"

#define UNIQUE 4

static _Alignas(8) unsigned char request[512];
static struct proto_conn conn;
static struct proto_req req;

/* The request that the next answers belong to. */
static void ask(unsigned int op, uint32_t minor, const void *in)
{
	struct proto_out out = {.op = &proto_ops[op],
				.unique = UNIQUE,
				.nodeid = 1,
				.in = in,
				.name = {"a", "b"},
				.data = "12345678901234567890123456789012",
				.data_len = proto_ops[op].tail == PROTO_TAIL_ARRAY ? 32 : 10};
	struct proto_msg msg;
	size_t len;

	conn = (struct proto_conn){.minor = minor};
	len = proto_encode(&conn, &out, request, sizeof(request));
	assert_true(len > 0 && proto_msg_flat(&msg, request, len));
	assert_int_equal(proto_decode(&conn, &msg, &req), PROTO_OK);
}

/* `len_off` falsifies the length field. */
static void answer(uint64_t unique, int error, int len_off, const void *body, size_t body_len,
		   enum proto_verdict verdict, int caller)
{
	unsigned char wire[8192] = {0};
	struct fuse_out_header h = {(uint32_t)(sizeof(h) + body_len) + (uint32_t)len_off, error,
				    unique};
	struct proto_audit a;
	struct exact e;

	memcpy(wire, &h, sizeof(h));
	if (body)
		memcpy(wire + sizeof(h), body, body_len);
	e = exact_copy(wire, sizeof(h) + body_len);
	a = proto_audit_reply(&conn, &req, e.buf, e.len);
	if (a.verdict != verdict || a.error != caller)
		print_message("%s error %d body %zu: verdict %d, caller gets %d (%s)\n",
			      req.op->name, error, body_len, a.verdict, a.error,
			      a.why ? a.why : "accepted");
	assert_int_equal(a.verdict, verdict);
	assert_int_equal(a.error, caller);
	assert_int_equal(a.why == NULL, verdict == PROTO_ACCEPTED);
	free(e.buf);
}

static void ok(const void *body, size_t len)
{
	answer(UNIQUE, 0, 0, body, len, PROTO_ACCEPTED, 0);
}

static void eio(const void *body, size_t len)
{
	answer(UNIQUE, 0, 0, body, len, PROTO_REJECTED, -EIO);
}

static void refused(const void *body, size_t len)
{
	answer(UNIQUE, 0, 0, body, len, PROTO_REFUSED, -EIO);
}

static void headers_that_are_wrong_leave_the_request_pending(void **state)
{
	struct proto_audit a;

	ask(PROTO_STATFS, 45, NULL);
	a = proto_audit_reply(&conn, &req, "123456789012345", 15);
	assert_int_equal(a.verdict, PROTO_REFUSED_PENDING);
	answer(UNIQUE, 0, 1, NULL, 80, PROTO_REFUSED_PENDING, 0);
	answer(UNIQUE, 0, -1, NULL, 80, PROTO_REFUSED_PENDING, 0);
	answer(UNIQUE, 1, 0, NULL, 0, PROTO_REFUSED_PENDING, 0);
	answer(UNIQUE, -512, 0, NULL, 0, PROTO_REFUSED_PENDING, 0);
	answer(UNIQUE, INT32_MIN, 0, NULL, 0, PROTO_REFUSED_PENDING, 0);
	answer(UNIQUE, -511, 0, NULL, 0, PROTO_ACCEPTED, -511);
	answer(UNIQUE + 2, 0, 0, NULL, 80, PROTO_REFUSED_UNKNOWN, 0);
	answer(UNIQUE | FUSE_UNIQUE_RESEND, 0, 0, NULL, 80, PROTO_REFUSED_UNKNOWN, 0);
	answer(UNIQUE, -ENOENT, 0, NULL, 8, PROTO_REFUSED, -EIO);
}

/* For every op and minor: the bounds are accepted or at most judged by
 * content; a byte beyond them is refused. */
static void bodies_have_the_size_of_their_kind(void **state)
{
	for (size_t i = 0; i < PROTO_OP_COUNT; i++) {
		const struct proto_op *op = &proto_ops[i];

		if (op->reply == PROTO_REPLY_INIT || proto_op_has(op, PROTO_F_NOREPLY))
			continue;
		for (uint32_t minor = op->since > 8 ? op->since : 8; minor <= 45; minor++) {
			unsigned char wire[8192] = {0};
			struct fuse_out_header h = {.unique = UNIQUE};
			size_t min, max;

			ask((unsigned int)i, minor, NULL);
			proto_reply_bounds(&conn, &req, &min, &max);
			for (size_t len = 0; len <= max + 8; len++) {
				struct proto_audit a;

				h.len = (uint32_t)(sizeof(h) + len);
				memcpy(wire, &h, sizeof(h));
				a = proto_audit_reply(&conn, &req, wire, sizeof(h) + len);
				assert_int_equal(a.verdict == PROTO_REFUSED,
						 len < min || len > max);
			}
		}
	}
}

static void old_peers_get_shorter_bodies(void **state)
{
	struct fuse_entry_out e = {.nodeid = 2, .attr = {.mode = S_IFREG}};
	struct fuse_attr_out a = {.attr = {.mode = S_IFREG}};

	ask(PROTO_LOOKUP, 8, NULL);
	ok(&e, 120);
	refused(&e, 128);
	ask(PROTO_LOOKUP, 9, NULL);
	ok(&e, 128);
	refused(&e, 120);
	ask(PROTO_GETATTR, 8, NULL);
	ok(&a, 96);
	refused(&a, 104);
}

static void entries_must_make_sense(void **state)
{
	struct fuse_mknod_in fifo = {.mode = S_IFIFO | 0600};
	struct fuse_entry_out e = {.nodeid = 2, .attr = {.mode = S_IFREG | 0644}};

	ask(PROTO_LOOKUP, 45, NULL);
	ok(&e, sizeof(e));
	e.nodeid = 0;
	ok(&e, sizeof(e)); /* negative */
	e.nodeid = 1;
	eio(&e, sizeof(e));
	e.nodeid = 2;
	e.attr.mode = 0644;
	eio(&e, sizeof(e));
	e.attr.mode = S_IFREG;
	e.attr.size = 1ULL << 63;
	eio(&e, sizeof(e));
	e.attr.size--;
	ok(&e, sizeof(e));

	ask(PROTO_MKDIR, 45, NULL);
	eio(&e, sizeof(e));
	e.attr.mode = S_IFDIR;
	ok(&e, sizeof(e));
	e.nodeid = 0;
	eio(&e, sizeof(e));
	e.nodeid = 2;
	ask(PROTO_MKNOD, 45, &fifo);
	eio(&e, sizeof(e));
	e.attr.mode = S_IFIFO;
	ok(&e, sizeof(e));
	ask(PROTO_LINK, 45, NULL);
	ok(&e, sizeof(e));
}

static void counts_must_not_exceed_what_was_asked(void **state)
{
	struct fuse_copy_file_range_in cp = {.len = 100};
	struct fuse_copy_file_range_out c64 = {.bytes_copied = 100};
	struct fuse_write_out w = {.size = 10};

	ask(PROTO_WRITE, 45, NULL);
	ok(&w, sizeof(w));
	w.size = 9;
	ok(&w, sizeof(w));
	w.size = 11;
	eio(&w, sizeof(w));
	w.size = 0;
	eio(&w, sizeof(w));
	ask(PROTO_COPY_FILE_RANGE, 45, &cp);
	w.size = 101;
	eio(&w, sizeof(w));
	w.size = 100;
	ok(&w, sizeof(w));
	ask(PROTO_COPY_FILE_RANGE_64, 45, &cp);
	ok(&c64, sizeof(c64));
	c64.bytes_copied = 1ULL << 40;
	eio(&c64, sizeof(c64));
}

static void locks_and_lists_are_validated(void **state)
{
	struct fuse_lk_out l = {.lk = {.type = F_UNLCK}};
	struct fuse_getxattr_in sized = {.size = 100};

	ask(PROTO_GETLK, 45, NULL);
	ok(&l, sizeof(l));
	l.lk.type = 3;
	eio(&l, sizeof(l));
	l.lk = (struct fuse_file_lock){.start = 2, .end = 1, .type = F_RDLCK};
	eio(&l, sizeof(l));
	l.lk.end = 2;
	ok(&l, sizeof(l));
	ask(PROTO_LISTXATTR, 45, &sized);
	ok(NULL, 0);
	ok("user.a\0user.b", 14);
	eio("user.a\0user.b", 13);
	eio("user.a\0\0", 8);
}

static size_t put_record(unsigned char *buf, size_t pos, const char *name, size_t namelen)
{
	struct fuse_dirent d = {.ino = 5, .off = pos + 1, .namelen = (uint32_t)namelen};

	memcpy(buf + pos, &d, sizeof(d));
	memcpy(buf + pos + sizeof(d), name, namelen);
	return pos + FUSE_REC_ALIGN(sizeof(d) + namelen);
}

static void directory_streams_are_walked(void **state)
{
	struct fuse_read_in in = {.size = 4096};
	unsigned char buf[4096] = {0};
	struct proto_dirent d;
	size_t len, pos = 0;

	ask(PROTO_READDIR, 45, &in);
	ok(NULL, 0);
	len = put_record(buf, 0, "one", 3);
	len = put_record(buf, len, "..", 2);
	ok(buf, len);
	assert_int_equal(proto_dirent_next(false, buf, len, &pos, &d), 1);
	assert_int_equal(d.dirent.namelen, 3);
	assert_memory_equal(d.name, "one", 3);
	assert_int_equal(proto_dirent_next(false, buf, len, &pos, &d), 1);
	assert_int_equal(proto_dirent_next(false, buf, len, &pos, &d), 0);
	ok(buf, len - 1); /* the cut record is dropped */
	eio(buf, put_record(buf, len, "a/b", 3));
	eio(buf, put_record(buf, len, "", 0));
}

static void lookups_are_counted_as_the_kernel_counts(void **state)
{
	static const struct {
		const char *name;
		uint64_t nodeid;
	} given[] = {{".", 1}, {"..", 7}, {"a", 2}, {"b", 0}, {"c", 3}};
	struct fuse_read_in in = {.size = 4096};
	unsigned char buf[4096] = {0};
	struct proto_audit a = {.verdict = PROTO_ACCEPTED, .body = buf};
	uint64_t nodeid, seen[8];
	size_t pos = 0, n = 0;

	ask(PROTO_READDIRPLUS, 45, &in);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		struct fuse_direntplus d = {.entry_out = {.nodeid = given[i].nodeid},
					    .dirent = {.namelen = (uint32_t)strlen(given[i].name)}};

		memcpy(buf + a.body_len, &d, sizeof(d));
		memcpy(buf + a.body_len + sizeof(d), given[i].name, d.dirent.namelen);
		a.body_len += FUSE_REC_ALIGN(sizeof(d) + d.dirent.namelen);
	}
	while (proto_reply_next_lookup(&conn, &req, &a, &pos, &nodeid))
		seen[n++] = nodeid;
	assert_int_equal(n, 2);
	assert_true(seen[0] == 2 && seen[1] == 3);
}

static void interrupts_may_be_answered_with_an_error_only(void **state)
{
	ask(PROTO_INTERRUPT, 45, NULL);
	answer(UNIQUE, -EAGAIN, 0, NULL, 0, PROTO_ACCEPTED, -EAGAIN);
	answer(UNIQUE, -ENOSYS, 0, NULL, 0, PROTO_ACCEPTED, -ENOSYS);
	answer(UNIQUE, 0, 0, NULL, 8, PROTO_REFUSED_PENDING, 0);
	ask(PROTO_FORGET, 45, NULL);
	answer(UNIQUE, 0, 0, NULL, 0, PROTO_REFUSED_UNKNOWN, 0);
}

static void a_wrong_init_ends_the_connection(void **state)
{
	struct fuse_init_out out = {.major = 7, .minor = 45};
	unsigned char longer[72] = {7};

	ask(PROTO_INIT, 45, NULL);
	ok(&out, sizeof(out));
	ok(&out, FUSE_COMPAT_INIT_OUT_SIZE);
	ok(&out, FUSE_COMPAT_22_INIT_OUT_SIZE);
	answer(UNIQUE, 0, 0, longer, sizeof(longer), PROTO_REFUSED, -ECONNREFUSED);
	answer(UNIQUE, -EPROTO, 0, NULL, 0, PROTO_ACCEPTED, -ECONNREFUSED);
	out.major = 8;
	answer(UNIQUE, 0, 0, &out, sizeof(out), PROTO_REJECTED, -ECONNREFUSED);
}

static void expect_notify(int code, uint32_t minor, const void *body, size_t len, bool good)
{
	struct fuse_out_header h = {(uint32_t)(sizeof(h) + len), code, 0};
	struct proto_conn c = {.minor = minor};
	unsigned char wire[256];

	memcpy(wire, &h, sizeof(h));
	if (len)
		memcpy(wire + sizeof(h), body, len);
	assert_int_equal(proto_audit_notify(&c, wire, sizeof(h) + len).verdict == PROTO_ACCEPTED,
			 good);
}

static void notifications_have_the_size_of_their_kind(void **state)
{
	struct {
		struct fuse_notify_inval_entry_out fixed;
		char name[8];
	} entry = {{.parent = 1, .namelen = 3}, "abc"};
	struct {
		struct fuse_notify_prune_out fixed;
		uint64_t ids[2];
	} prune = {{.count = 2}, {2, 3}};

	expect_notify(FUSE_NOTIFY_INVAL_ENTRY, 12, &entry, 20, true);
	expect_notify(FUSE_NOTIFY_INVAL_ENTRY, 11, &entry, 20, false);
	expect_notify(FUSE_NOTIFY_INVAL_ENTRY, 12, &entry, 19, false);
	expect_notify(FUSE_NOTIFY_INVAL_ENTRY, 12, &entry, 21, false);
	entry.name[3] = 'd';
	expect_notify(FUSE_NOTIFY_INVAL_ENTRY, 12, &entry, 20, false);
	expect_notify(FUSE_NOTIFY_PRUNE, 45, &prune, 32, true);
	expect_notify(FUSE_NOTIFY_PRUNE, 45, &prune, 24, false);
	expect_notify(FUSE_NOTIFY_RESEND, 45, NULL, 0, true);
	expect_notify(FUSE_NOTIFY_RESEND, 39, NULL, 0, false);
	expect_notify(FUSE_NOTIFY_INC_EPOCH, 45, "excess", 6, true);
	expect_notify(10, 45, NULL, 0, false);
	expect_notify(-5, 45, NULL, 0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_that_are_wrong_leave_the_request_pending),
		cmocka_unit_test(bodies_have_the_size_of_their_kind),
		cmocka_unit_test(old_peers_get_shorter_bodies),
		cmocka_unit_test(entries_must_make_sense),
		cmocka_unit_test(counts_must_not_exceed_what_was_asked),
		cmocka_unit_test(locks_and_lists_are_validated),
		cmocka_unit_test(directory_streams_are_walked),
		cmocka_unit_test(lookups_are_counted_as_the_kernel_counts),
		cmocka_unit_test(interrupts_may_be_answered_with_an_error_only),
		cmocka_unit_test(a_wrong_init_ends_the_connection),
		cmocka_unit_test(notifications_have_the_size_of_their_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
