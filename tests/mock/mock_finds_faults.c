/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mock kernel itself: a small server that makes every mistake, and the
 * mock that must see each of them and none besides. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mock.h"

/* How the server answers everything but INIT. */
enum manners {
	CORRECT,
	TWICE,
	NEVER,
	SHORT_BODY,
	LONG_BODY,
	ERROR_WITH_BODY,
	POSITIVE_ERROR,
	LYING_LENGTH,
	TO_NOBODY,
	NO_FILE_TYPE,
	INTERRUPT_AGAIN, /* answers the first INTERRUPT with EAGAIN */
	INTERRUPT_NOSYS,
};

struct server {
	struct mock *m;
	enum mock_wire wire;
	enum manners manners;
	int fd;
	int refused; /* errno of the first answer that was, MOCK_DEVICE only */
	int interrupts;
	pthread_t thread;
};

static void put(struct server *s, uint64_t unique, int error, int len_off, const void *body,
		size_t len)
{
	struct fuse_out_header h = {(uint32_t)(sizeof(h) + len) + (uint32_t)len_off, error, unique};
	struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)(uintptr_t)body, len}};
	ssize_t n;

	if (s->wire == MOCK_DEVICE)
		n = mock_device_writev(s->m, iov, len ? 2 : 1);
	else
		n = writev(s->fd, iov, len ? 2 : 1);
	if (n < 0 && s->refused == 0)
		s->refused = errno;
}

static void answer_init(struct server *s, const struct fuse_in_header *h)
{
	struct fuse_init_out out = {.major = 7, .minor = 45, .max_write = 131072};

	put(s, h->unique, 0, 0, &out, sizeof(out));
}

static void answer_interrupt(struct server *s, const struct fuse_in_header *h)
{
	struct fuse_interrupt_in in;

	memcpy(&in, h + 1, sizeof(in));
	s->interrupts++;
	if (s->manners == INTERRUPT_AGAIN && s->interrupts < 3)
		put(s, h->unique, -EAGAIN, 0, NULL, 0);
	else if (s->manners == INTERRUPT_NOSYS)
		put(s, h->unique, -ENOSYS, 0, NULL, 0);
	if (s->manners != INTERRUPT_AGAIN || s->interrupts == 3)
		put(s, in.unique, -EINTR, 0, NULL, 0);
}

static void answer_entry(struct server *s, const struct fuse_in_header *h)
{
	struct fuse_entry_out e = {.nodeid = 2, .attr = {.mode = S_IFREG | 0644, .ino = 2}};
	char longer[sizeof(e) + 8] = {0};

	switch (s->manners) {
	case NEVER:
	case INTERRUPT_AGAIN:
	case INTERRUPT_NOSYS:
		return;
	case TWICE:
		put(s, h->unique, 0, 0, &e, sizeof(e));
		break;
	case SHORT_BODY:
		put(s, h->unique, 0, 0, &e, sizeof(e) - 8);
		return;
	case LONG_BODY:
		put(s, h->unique, 0, 0, longer, sizeof(longer));
		return;
	case ERROR_WITH_BODY:
		put(s, h->unique, -ENOENT, 0, &e, sizeof(e));
		return;
	case POSITIVE_ERROR:
		put(s, h->unique, ENOENT, 0, NULL, 0);
		break;
	case LYING_LENGTH:
		put(s, h->unique, 0, 8, &e, sizeof(e));
		break;
	case TO_NOBODY:
		put(s, h->unique + 1000, 0, 0, &e, sizeof(e));
		break;
	case NO_FILE_TYPE:
		e.attr.mode = 0644;
		break;
	default:
		break;
	}
	put(s, h->unique, 0, 0, &e, sizeof(e));
}

static void *serve(void *arg)
{
	struct server *s = arg;
	static _Thread_local _Alignas(8) char buf[65536];

	for (;;) {
		const struct fuse_in_header *h = (void *)buf;
		ssize_t n = recv(s->fd, buf, s->wire == MOCK_STREAM ? sizeof(*h) : sizeof(buf), 0);

		if (n <= 0)
			return NULL;
		if (s->wire == MOCK_STREAM && h->len > sizeof(*h) &&
		    recv(s->fd, buf + n, h->len - sizeof(*h), MSG_WAITALL) <= 0)
			return NULL;
		if (h->opcode == FUSE_INIT)
			answer_init(s, h);
		else if (h->opcode == FUSE_INTERRUPT)
			answer_interrupt(s, h);
		else if (h->opcode == FUSE_UNLINK || h->opcode == FUSE_RELEASE)
			put(s, h->unique, 0, 0, NULL, 0);
		else if (h->opcode == FUSE_OPEN)
			put(s, h->unique, 0, 0, "\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
		else if (h->opcode != FUSE_FORGET && h->opcode != FUSE_BATCH_FORGET)
			answer_entry(s, h);
	}
}

static struct mock *begin(struct server *s, enum mock_wire wire, enum manners manners)
{
	struct mock *m =
		mock_new(&(struct mock_options){.wire = wire, .quiet = true, .deadline_ms = 5000});

	*s = (struct server){.m = m, .wire = wire, .manners = manners};
	s->fd = mock_take_server_fd(m);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	assert_int_equal(mock_init(m), 0);
	return m;
}

static int end(struct server *s)
{
	int faults;

	mock_abort(s->m);
	pthread_join(s->thread, NULL);
	close(s->fd);
	faults = mock_finish(s->m);
	return faults;
}

static void for_all_wires(void (*test)(enum mock_wire wire))
{
	test(MOCK_SEQPACKET);
	test(MOCK_STREAM);
	test(MOCK_DEVICE);
}

static void correct(enum mock_wire wire)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	struct server s;
	struct mock *m = begin(&s, wire, CORRECT);

	assert_int_equal(mock_lookup(m, 1, "a", &e), 0);
	assert_int_equal(mock_lookup(m, 1, "a", &e), 0);
	assert_int_equal(e.nodeid, 2);
	assert_int_equal(mock_lookups(m, 2), 2);
	assert_int_equal(mock_open(m, 2, 0, &o), 0);
	assert_int_equal(mock_open_handles(m), 1);
	assert_int_equal(mock_release(m, 2, o.fh, 0), 0);
	assert_int_equal(mock_unlink(m, 1, "a"), 0);
	assert_int_equal(mock_forget(m, 2, 1), 0);
	assert_int_equal(mock_lookups_total(m), 1);
	mock_forget_all(m);
	assert_int_equal(mock_lookups_total(m), 0);
	assert_int_equal(end(&s), 0);
}

static void leaky(enum mock_wire wire)
{
	struct fuse_entry_out e;
	struct fuse_open_out o;
	struct server s;
	struct mock *m = begin(&s, wire, CORRECT);

	mock_lookup(m, 1, "a", &e);
	mock_open(m, 2, 0, &o);
	assert_int_equal(end(&s), 2);
}

static void wrong(enum mock_wire wire, enum manners manners, int want, const char *fault,
		  int refused)
{
	struct fuse_entry_out e;
	struct server s;
	struct mock *m = begin(&s, wire, manners);

	assert_int_equal(mock_lookup(m, 1, "a", &e), want);
	assert_int_equal(mock_unlink(m, 1, "a"), 0); /* the connection lives */
	assert_int_equal(mock_faults(m), 1);
	assert_true(mock_expect_fault(m, fault));
	assert_int_equal(mock_faults(m), 0);
	mock_forget_all(m);
	assert_int_equal(end(&s), 0);
	if (wire == MOCK_DEVICE)
		assert_int_equal(s.refused, refused);
}

static void faulty(enum mock_wire wire)
{
	wrong(wire, TWICE, 0, "second answer to LOOKUP", ENOENT);
	wrong(wire, SHORT_BODY, -EIO, "wrong answer to LOOKUP (unique 4): body is too short",
	      EINVAL);
	wrong(wire, LONG_BODY, -EIO, "body is too long", EINVAL);
	wrong(wire, ERROR_WITH_BODY, -EIO, "error with a body", EINVAL);
	wrong(wire, POSITIVE_ERROR, 0, "error is no negative errno", EINVAL);
	wrong(wire, TO_NOBODY, 0, "answer to nobody (unique 1004)", ENOENT);
	wrong(wire, NO_FILE_TYPE, -EIO, "mode without a file type", 0);
	if (wire != MOCK_STREAM) /* there the stream would be out of step */
		wrong(wire, LYING_LENGTH, 0, "length field differs", EINVAL);
}

static void missing(enum mock_wire wire)
{
	struct mock_call call = {.op = PROTO_LOOKUP, .nodeid = 1, .name = {"a"}};
	struct server s;
	struct mock *m = begin(&s, wire, NEVER);
	uint64_t unique = mock_send(m, &call);

	assert_int_equal(mock_unlink(m, 1, "a"), 0);
	assert_int_equal(mock_wait_ms(m, unique, 0, NULL), -EAGAIN);
	assert_int_equal(mock_pending(m), 1);
	assert_int_equal(end(&s), 1);
}

static void interrupted(enum mock_wire wire)
{
	struct mock_call call = {.op = PROTO_LOOKUP, .nodeid = 1, .name = {"a"}};
	struct mock_reply r;
	struct server s;
	struct mock *m = begin(&s, wire, INTERRUPT_AGAIN);
	uint64_t unique = mock_send(m, &call);

	assert_true(mock_interrupt(m, unique));
	assert_int_equal(mock_wait(m, unique, &r), 0);
	assert_int_equal(r.error, -EINTR);
	assert_int_equal(mock_interrupts_requeued(m), 2);
	assert_false(mock_interrupt(m, unique));
	assert_int_equal(end(&s), 0);

	m = begin(&s, wire, INTERRUPT_NOSYS);
	unique = mock_send(m, &call);
	assert_true(mock_interrupt(m, unique));
	assert_int_equal(mock_wait(m, unique, &r), 0);
	unique = mock_send(m, &call);
	assert_true(mock_interrupts_refused(m));
	assert_false(mock_interrupt(m, unique));
	assert_int_equal(end(&s), 1); /* the second is never answered */
}

static void aborted(enum mock_wire wire)
{
	struct mock_call call = {.op = PROTO_LOOKUP, .nodeid = 1, .name = {"a"}};
	struct server s;
	struct mock *m = begin(&s, wire, NEVER);
	uint64_t unique = mock_send(m, &call);

	mock_abort(m);
	assert_int_equal(mock_wait(m, unique, NULL), -ECONNABORTED);
	assert_int_equal(mock_unlink(m, 1, "a"), -ENOTCONN);
	assert_int_equal(end(&s), 0);
}

static void notified(enum mock_wire wire)
{
	struct fuse_notify_inval_inode_out in = {.ino = 2};
	struct {
		struct fuse_out_header h;
		struct fuse_notify_inval_inode_out in;
	} good = {{40, FUSE_NOTIFY_INVAL_INODE, 0}, in}, bad = good;
	struct mock_notify n;
	struct server s;
	struct mock *m = begin(&s, wire, CORRECT);

	put(&s, 0, FUSE_NOTIFY_INVAL_INODE, 0, &good.in, sizeof(good.in));
	assert_true(mock_next_notify(m, &n));
	assert_int_equal(n.code, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(n.len, sizeof(in));
	mock_notify_free(&n);
	put(&s, 0, FUSE_NOTIFY_INVAL_INODE, 0, &bad.in, sizeof(bad.in) - 1);
	assert_int_equal(mock_unlink(m, 1, "a"), 0);
	assert_true(mock_expect_fault(m, "wrong notification 2"));
	assert_int_equal(end(&s), 0);
}

#define ON_ALL_WIRES(name, test)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		for_all_wires(test);                                                               \
	}

ON_ALL_WIRES(a_correct_server_has_no_faults, correct)
ON_ALL_WIRES(leaked_lookups_and_handles_are_reported, leaky)
ON_ALL_WIRES(wrong_answers_are_reported_with_the_operation, faulty)
ON_ALL_WIRES(missing_answers_are_reported, missing)
ON_ALL_WIRES(interrupts_are_sent_again_on_demand, interrupted)
ON_ALL_WIRES(an_abort_frees_everybody, aborted)
ON_ALL_WIRES(notifications_are_judged_and_kept, notified)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_correct_server_has_no_faults),
		cmocka_unit_test(leaked_lookups_and_handles_are_reported),
		cmocka_unit_test(wrong_answers_are_reported_with_the_operation),
		cmocka_unit_test(missing_answers_are_reported),
		cmocka_unit_test(interrupts_are_sent_again_on_demand),
		cmocka_unit_test(an_abort_frees_everybody),
		cmocka_unit_test(notifications_are_judged_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
