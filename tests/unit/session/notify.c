/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications: what is sent, in which order, what is merged, what is refused,
 * and how retrievals find their answers. The peer is a transport that records
 * and, while told so, holds up whoever sends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "session/notify.h"
#include "session/session.h"
#include "session/worker.h"

/* ---- a transport that records ---- */

#define MAX_SENT 64

struct sent {
	int code;
	size_t len;
	unsigned char body[256];
};

struct recorder {
	struct xport x;
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool held;   /* senders wait */
	int waiting; /* senders that do */
	int result;  /* of sending */
	unsigned int count;
	struct sent sent[MAX_SENT];
};

static int record(struct xport *x, const struct iovec *iov, int count)
{
	struct recorder *r = container_of(x, struct recorder, x);
	const struct fuse_out_header *hdr = iov[0].iov_base;
	struct sent s = {.code = hdr->error};
	int result;

	for (int i = 1; i < count; i++) {
		if (iov[i].iov_len && s.len + iov[i].iov_len <= sizeof(s.body))
			memcpy(s.body + s.len, iov[i].iov_base, iov[i].iov_len);
		s.len += iov[i].iov_len;
	}
	pthread_mutex_lock(&r->lock);
	assert_int_equal(hdr->unique, 0);
	assert_int_equal(hdr->len, sizeof(*hdr) + s.len);
	r->waiting++;
	pthread_cond_broadcast(&r->change);
	while (r->held)
		pthread_cond_wait(&r->change, &r->lock);
	r->waiting--;
	if (r->count < MAX_SENT)
		r->sent[r->count++] = s;
	result = r->result;
	pthread_mutex_unlock(&r->lock);
	return result;
}

static void free_nothing(struct xport *x)
{
}

static const struct xport_ops recorder_ops = {
	.name = "recorder", .notify = record, .free = free_nothing};
static const struct sess_handler no_handler;

static struct recorder rec;
static struct fuse_session *se;

static void hold(bool on)
{
	pthread_mutex_lock(&rec.lock);
	rec.held = on;
	pthread_cond_broadcast(&rec.change);
	pthread_mutex_unlock(&rec.lock);
}

/* ---- shorthands ---- */

static int queue(enum fuse_notify_code code, const void *body, size_t len, const char *name)
{
	struct iovec iov[3] = {{0}, {.iov_base = (void *)body, .iov_len = len}};

	if (name)
		iov[2] = (struct iovec){.iov_base = (void *)name, .iov_len = strlen(name) + 1};
	return sess_notifyq_add(se, code, iov, name ? 3 : len ? 2 : 1);
}

static int q_inode(uint64_t ino, int64_t off, int64_t len)
{
	struct fuse_notify_inval_inode_out out = {.ino = ino, .off = off, .len = len};

	return queue(FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out), NULL);
}

static int q_entry(uint64_t parent, const char *name, uint32_t flags)
{
	struct fuse_notify_inval_entry_out out = {
		.parent = parent,
		.namelen = (uint32_t)strlen(name),
		.flags = flags,
	};

	return queue(FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof(out), name);
}

static int q_delete(uint64_t parent, uint64_t child, const char *name)
{
	struct fuse_notify_delete_out out = {
		.parent = parent,
		.child = child,
		.namelen = (uint32_t)strlen(name),
	};

	return queue(FUSE_NOTIFY_DELETE, &out, sizeof(out), name);
}

static int q_store(uint64_t ino, uint64_t off, const char *data)
{
	struct fuse_notify_store_out out = {
		.nodeid = ino,
		.offset = off,
		.size = (uint32_t)strlen(data) + 1,
	};

	return queue(FUSE_NOTIFY_STORE, &out, sizeof(out), data);
}

static int q_epoch(void)
{
	return queue(FUSE_NOTIFY_INC_EPOCH, NULL, 0, NULL);
}

/* The thread takes one notification and is held up with it, so that what
 * follows waits in the queue. */
static void occupy(void)
{
	hold(true);
	assert_int_equal(q_inode(999, -1, 0), 0);
	pthread_mutex_lock(&rec.lock);
	while (rec.waiting == 0)
		pthread_cond_wait(&rec.change, &rec.lock);
	pthread_mutex_unlock(&rec.lock);
}

static void release(void)
{
	hold(false);
	assert_int_equal(sess_notifyq_flush(se, 5000), 0);
}

static const struct sent *nth(unsigned int i)
{
	assert_true(i < rec.count);
	return &rec.sent[i];
}

static void check_inode(unsigned int i, uint64_t ino, int64_t off, int64_t len)
{
	const struct fuse_notify_inval_inode_out *out = (const void *)nth(i)->body;

	assert_int_equal(nth(i)->code, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(nth(i)->len, sizeof(*out));
	assert_int_equal(out->ino, ino);
	assert_int_equal(out->off, off);
	assert_int_equal(out->len, len);
}

static void check_entry(unsigned int i, uint64_t parent, const char *name, uint32_t flags)
{
	const struct fuse_notify_inval_entry_out *out = (const void *)nth(i)->body;

	assert_int_equal(nth(i)->code, FUSE_NOTIFY_INVAL_ENTRY);
	assert_int_equal(out->parent, parent);
	assert_int_equal(out->flags, flags);
	assert_int_equal(out->namelen, strlen(name));
	assert_string_equal((const char *)(out + 1), name);
}

static int setup(void **state)
{
	memset(&rec, 0, sizeof(rec));
	pthread_mutex_init(&rec.lock, NULL);
	pthread_cond_init(&rec.change, NULL);
	if (xport_init(&rec.x, &recorder_ops, -1) || sess_new(&no_handler, NULL, NULL, &se) ||
	    sess_attach(se, &rec.x))
		return -1;
	se->conn.minor = 45;
	atomic_store(&se->state, SESS_RUNNING);
	return 0;
}

static int teardown(void **state)
{
	hold(false);
	sess_free(se);
	xport_fini(&rec.x);
	pthread_mutex_destroy(&rec.lock);
	pthread_cond_destroy(&rec.change);
	return 0;
}

/* ---- sending at once ---- */

static void refusals_come_before_anything_is_sent(void **state)
{
	struct iovec iov[1];

	assert_int_equal(sess_notify(NULL, FUSE_NOTIFY_INC_EPOCH, iov, 1), -EINVAL);
	assert_int_equal(sess_notify(se, 77, iov, 1), -EINVAL);
	se->conn.minor = 43;
	assert_int_equal(sess_notify(se, FUSE_NOTIFY_INC_EPOCH, iov, 1), -ENOSYS);
	assert_int_equal(q_epoch(), -ENOSYS);
	se->conn.minor = 44;
	assert_int_equal(sess_notify(se, FUSE_NOTIFY_INC_EPOCH, iov, 1), 0);
	atomic_store(&se->state, SESS_NEW);
	assert_int_equal(sess_notify(se, FUSE_NOTIFY_INC_EPOCH, iov, 1), -ENOTCONN);
	assert_int_equal(q_epoch(), -ENOTCONN);
	assert_int_equal(rec.count, 1);
}

static void the_kernels_answer_is_passed_on(void **state)
{
	struct iovec iov[1];

	rec.result = -ENOENT;
	assert_int_equal(sess_notify(se, FUSE_NOTIFY_INC_EPOCH, iov, 1), -ENOENT);
	rec.result = -ENODEV;
	assert_int_equal(sess_notify(se, FUSE_NOTIFY_INC_EPOCH, iov, 1), -ENOTCONN);
}

/* ---- the queue ---- */

static void what_differs_is_sent_in_order(void **state)
{
	occupy();
	assert_int_equal(q_inode(5, 0, 10), 0);
	assert_int_equal(q_entry(1, "a", 0), 0);
	assert_int_equal(q_delete(1, 7, "b"), 0);
	assert_int_equal(q_epoch(), 0);
	assert_int_equal(q_store(6, 100, "data"), 0);
	assert_int_equal(q_entry(2, "a", FUSE_EXPIRE_ONLY), 0);
	release();
	assert_int_equal(rec.count, 7);
	check_inode(1, 5, 0, 10);
	check_entry(2, 1, "a", 0);
	assert_int_equal(nth(3)->code, FUSE_NOTIFY_DELETE);
	assert_int_equal(nth(4)->code, FUSE_NOTIFY_INC_EPOCH);
	assert_int_equal(nth(5)->code, FUSE_NOTIFY_STORE);
	check_entry(6, 2, "a", FUSE_EXPIRE_ONLY);
	assert_int_equal(sess_notifyq_counts(se).sent, 7);
}

static void the_same_is_sent_once(void **state)
{
	occupy();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(q_entry(1, "a", 0), 0);
		assert_int_equal(q_delete(1, 7, "b"), 0);
		assert_int_equal(q_epoch(), 0);
		assert_int_equal(queue(FUSE_NOTIFY_RESEND, NULL, 0, NULL), 0);
	}
	assert_int_equal(q_delete(1, 8, "b"), 0); /* another child */
	release();
	assert_int_equal(rec.count, 6);
	assert_int_equal(sess_notifyq_counts(se).merged, 8);
}

static void expiring_and_dropping_a_name_is_dropping_it(void **state)
{
	occupy();
	assert_int_equal(q_entry(1, "a", FUSE_EXPIRE_ONLY), 0);
	assert_int_equal(q_entry(1, "a", 0), 0);
	assert_int_equal(q_entry(1, "b", 0), 0);
	assert_int_equal(q_entry(1, "b", FUSE_EXPIRE_ONLY), 0);
	release();
	assert_int_equal(rec.count, 3);
	check_entry(1, 1, "a", 0);
	check_entry(2, 1, "b", 0);
}

static void ranges_that_meet_become_one(void **state)
{
	static const struct {
		int64_t off1, len1, off2, len2;
		int sent;
		int64_t off, len; /* of the first */
	} cases[] = {
		{0, 10, 10, 10, 1, 0, 20},	     /* touching */
		{10, 10, 0, 10, 1, 0, 20},	     /* from the other side */
		{0, 10, 5, 10, 1, 0, 15},	     /* overlapping */
		{0, 100, 5, 10, 1, 0, 100},	     /* inside */
		{5, 10, 0, 100, 1, 0, 100},	     /* around */
		{0, 10, 11, 10, 2, 0, 10},	     /* apart */
		{11, 10, 0, 10, 2, 11, 10},	     /* apart, the other way */
		{50, 0, 10, 10, 2, 50, 0},	     /* "to the end" begins later */
		{50, 0, 40, 10, 1, 40, 0},	     /* touches "to the end" */
		{0, 0, 1000, 10, 1, 0, 0},	     /* everything */
		{-1, 0, -1, 0, 1, -1, 0},	     /* attributes twice */
		{-1, 0, 5, 10, 1, 5, 10},	     /* data includes attributes */
		{5, 10, -1, 0, 1, 5, 10},	     /* in either order */
		{5, -1, 0, 5, 1, 0, 0},		     /* negative length: to the end */
		{INT64_MAX - 5, 100, 0, 0, 1, 0, 0}, /* beyond the last byte */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		rec.count = 0;
		occupy();
		assert_int_equal(q_inode(5, cases[i].off1, cases[i].len1), 0);
		assert_int_equal(q_inode(5, cases[i].off2, cases[i].len2), 0);
		assert_int_equal(q_inode(6, cases[i].off2, cases[i].len2), 0);
		release();
		assert_int_equal(rec.count, 2 + cases[i].sent);
		check_inode(1, 5, cases[i].off, cases[i].len);
	}
}

/* Dropping, storing, dropping: the last must not be merged into the first. */
static void a_store_in_between_keeps_its_place(void **state)
{
	occupy();
	assert_int_equal(q_inode(5, 0, 100), 0);
	assert_int_equal(q_store(5, 0, "old"), 0);
	assert_int_equal(q_inode(5, 0, 100), 0);
	assert_int_equal(q_store(5, 0, "new"), 0);
	release();
	assert_int_equal(rec.count, 5);
	check_inode(1, 5, 0, 100);
	assert_int_equal(nth(2)->code, FUSE_NOTIFY_STORE);
	check_inode(3, 5, 0, 100);
	assert_int_equal(nth(4)->code, FUSE_NOTIFY_STORE);
	assert_memory_equal(nth(4)->body + sizeof(struct fuse_notify_store_out), "new", 4);
}

/* Deleting and dropping are different: the name may be taken again. */
static void a_deletion_in_between_keeps_its_place(void **state)
{
	occupy();
	assert_int_equal(q_entry(1, "a", 0), 0);
	assert_int_equal(q_delete(1, 5, "a"), 0);
	assert_int_equal(q_entry(1, "a", 0), 0);
	release();
	assert_int_equal(rec.count, 4);
	check_entry(3, 1, "a", 0);
}

static void what_is_being_sent_is_not_touched(void **state)
{
	hold(true);
	assert_int_equal(q_entry(1, "a", 0), 0);
	pthread_mutex_lock(&rec.lock);
	while (rec.waiting == 0)
		pthread_cond_wait(&rec.change, &rec.lock);
	pthread_mutex_unlock(&rec.lock);
	/* The kernel may have looked the name up again since. */
	assert_int_equal(q_entry(1, "a", 0), 0);
	release();
	assert_int_equal(rec.count, 2);
}

static void a_full_queue_says_so_but_has_room_for_an_epoch(void **state)
{
	unsigned int accepted = 0;
	int err;

	sess_notifyq_limit(se, 2000);
	occupy();
	do {
		err = q_inode(10 + accepted, 0, 0);
		accepted += !err;
	} while (!err && accepted < 1000);
	assert_int_equal(err, -ENOBUFS);
	assert_in_range(accepted, 5, 60);
	/* Merging needs no room. */
	assert_int_equal(q_inode(10, 0, 0), 0);
	assert_int_equal(q_epoch(), 0);
	release();
	assert_int_equal(rec.count, accepted + 2);
	assert_int_equal(nth(rec.count - 1)->code, FUSE_NOTIFY_INC_EPOCH);
	/* Everything was sent: there is room again. */
	assert_int_equal(q_inode(3, 0, 0), 0);
}

static void results_are_counted(void **state)
{
	occupy();
	release();
	rec.result = -ENOENT;
	q_entry(1, "a", 0);
	assert_int_equal(sess_notifyq_flush(se, 5000), 0);
	rec.result = -EIO;
	q_entry(1, "a", 0);
	assert_int_equal(sess_notifyq_flush(se, 5000), 0);
	assert_int_equal(sess_notifyq_counts(se).sent, 1);
	assert_int_equal(sess_notifyq_counts(se).not_held, 1);
	assert_int_equal(sess_notifyq_counts(se).failed, 1);
}

static void flushing_waits_as_long_as_it_was_told(void **state)
{
	assert_int_equal(sess_notifyq_flush(se, 0), 0); /* nothing there */
	occupy();
	assert_int_equal(sess_notifyq_flush(se, 0), -ETIMEDOUT);
	assert_int_equal(sess_notifyq_flush(se, 20), -ETIMEDOUT);
	release();
	assert_int_equal(sess_notifyq_flush(se, -1), 0);
}

static void *stop_queue(void *arg)
{
	sess_notifyq_stop(se);
	return NULL;
}

static void stopping_drops_what_waits(void **state)
{
	pthread_t stopper;

	occupy();
	assert_int_equal(q_entry(1, "a", 0), 0);
	pthread_create(&stopper, NULL, stop_queue, NULL);
	assert_int_equal(sess_notifyq_flush(se, -1), -ENOTCONN);
	hold(false);
	pthread_join(stopper, NULL);
	assert_int_equal(rec.count, 1);
	assert_int_equal(q_entry(1, "a", 0), -ENOTCONN);
	sess_notifyq_stop(se); /* once more does no harm */
}

static void *add_many(void *arg)
{
	uint64_t base = (uintptr_t)arg * 1000;

	for (uint64_t i = 0; i < 500; i++) {
		while (q_inode(base + i % 50, (int64_t)i * 4096, 4096) == -ENOBUFS)
			sched_yield();
		if (i % 10 == 0)
			q_epoch();
	}
	return NULL;
}

static void many_threads_may_add(void **state)
{
	pthread_t t[4];
	struct sess_notifyq_counts c;

	sess_notifyq_limit(se, 5000);
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, add_many, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(sess_notifyq_flush(se, 10000), 0);
	c = sess_notifyq_counts(se);
	assert_int_equal(c.sent + c.merged, 4 * 550);
}

/* ---- known deadlocks ---- */

/* Makes the calling thread one that serves a request. */
struct serving {
	struct sess_worker w;
	struct sess_req r;
	struct fuse_in_header hdr;
	union {
		struct fuse_rename_in rename;
		struct fuse_read_in read;
		struct fuse_write_in write;
	} in;
};

static struct serving *serve(struct serving *s, enum fuse_opcode opcode, uint64_t nodeid)
{
	memset(s, 0, sizeof(*s));
	s->w.se = se;
	s->w.current = &s->r;
	s->hdr.nodeid = nodeid;
	s->r.view.op = proto_op_find(opcode);
	s->r.view.hdr = &s->hdr;
	s->r.view.in = &s->in;
	atomic_store(&s->r.state, REQ_CALLBACK | REQ_OWED);
	sess_worker_enter(&s->w);
	return s;
}

static int now_entry(uint64_t parent)
{
	struct fuse_notify_inval_entry_out out = {.parent = parent, .namelen = 1};
	struct iovec iov[3] = {{0}, {&out, sizeof(out)}, {(void *)"x", 2}};

	return sess_notify(se, FUSE_NOTIFY_INVAL_ENTRY, iov, 3);
}

static int now_inode(uint64_t ino, int64_t off, int64_t len)
{
	struct fuse_notify_inval_inode_out out = {.ino = ino, .off = off, .len = len};
	struct iovec iov[2] = {{0}, {&out, sizeof(out)}};

	return sess_notify(se, FUSE_NOTIFY_INVAL_INODE, iov, 2);
}

static void a_name_cannot_be_dropped_in_a_directory_that_is_locked(void **state)
{
	static struct serving s;
	static const enum fuse_opcode lock[] = {
		FUSE_LOOKUP, FUSE_MKDIR,   FUSE_UNLINK,	     FUSE_CREATE,
		FUSE_LINK,   FUSE_READDIR, FUSE_READDIRPLUS, FUSE_RMDIR,
	};
	static const enum fuse_opcode free_ops[] = {FUSE_GETATTR, FUSE_READ, FUSE_WRITE, FUSE_OPEN,
						    FUSE_STATFS};

	for (size_t i = 0; i < ARRAY_SIZE(lock); i++) {
		serve(&s, lock[i], 5);
		assert_int_equal(now_entry(5), -EDEADLK);
		assert_int_equal(now_entry(6), 0);
		/* Once it is answered nothing is locked any more. */
		atomic_store(&s.r.state, REQ_CALLBACK);
		assert_int_equal(now_entry(5), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(free_ops); i++) {
		serve(&s, free_ops[i], 5);
		assert_int_equal(now_entry(5), 0);
	}
	serve(&s, FUSE_RENAME, 5)->in.rename.newdir = 7;
	assert_int_equal(now_entry(5), -EDEADLK);
	assert_int_equal(now_entry(7), -EDEADLK);
	assert_int_equal(now_entry(6), 0);
	sess_worker_enter(NULL);
}

static void pages_that_are_being_read_cannot_be_dropped(void **state)
{
	static struct serving s;

	serve(&s, FUSE_READ, 5)->in.read = (struct fuse_read_in){.offset = 0, .size = 4096};
	assert_int_equal(now_inode(5, 0, 0), -EDEADLK);
	assert_int_equal(now_inode(5, 100, 10), -EDEADLK);
	assert_int_equal(now_inode(5, -1, 0), 0);		 /* attributes only */
	assert_int_equal(now_inode(5, (int64_t)1 << 30, 10), 0); /* far away */
	assert_int_equal(now_inode(6, 0, 0), 0);
	s.in.read.read_flags = FUSE_READ_LOCKOWNER; /* direct I/O locks no pages */
	assert_int_equal(now_inode(5, 0, 0), 0);
	serve(&s, FUSE_WRITE, 5)->in.write = (struct fuse_write_in){.offset = 0, .size = 1};
	assert_int_equal(now_inode(5, 0, 0), -EDEADLK);
	s.in.write.write_flags = FUSE_WRITE_LOCKOWNER;
	assert_int_equal(now_inode(5, 0, 0), 0);
	s.in.write = (struct fuse_write_in){.size = 65536}; /* whole pages are let go */
	assert_int_equal(now_inode(5, 0, 0), 0);
	s.in.write.write_flags = FUSE_WRITE_CACHE; /* but not while written back */
	assert_int_equal(now_inode(5, 0, 0), -EDEADLK);
	sess_worker_enter(NULL);
}

static void the_queue_takes_what_would_deadlock(void **state)
{
	static struct serving s;

	serve(&s, FUSE_UNLINK, 5);
	assert_int_equal(now_entry(5), -EDEADLK);
	assert_int_equal(q_entry(5, "x", 0), 0);
	assert_int_equal(sess_notifyq_flush(se, 5000), -EDEADLK);
	sess_worker_enter(NULL);
	assert_int_equal(sess_notifyq_flush(se, 5000), 0);
	assert_int_equal(rec.count, 1);
}

/* ---- retrievals ---- */

static void answers_find_their_retrievals(void **state)
{
	uint64_t unique[10];
	struct sess_retrieval r;

	for (uintptr_t i = 0; i < 10; i++) {
		assert_int_equal(sess_retrieve_begin(se, 100 + i, (void *)i, &unique[i]), 0);
		assert_int_equal(unique[i] & 1, 0);
		assert_int_equal(unique[i] >> 62, 1);
		for (uintptr_t j = 0; j < i; j++)
			assert_true(unique[i] != unique[j]);
	}
	/* in any order: the last, the first, the middle */
	static const unsigned int order[] = {9, 0, 4, 1, 2, 3, 8, 7, 6, 5};

	for (size_t i = 0; i < 10; i++) {
		assert_true(sess_retrieve_take(se, unique[order[i]], &r));
		assert_int_equal(r.ino, 100 + order[i]);
		assert_ptr_equal(r.cookie, (void *)(uintptr_t)order[i]);
		assert_false(sess_retrieve_take(se, unique[order[i]], &r));
	}
	/* what is never answered is freed with the session */
	assert_int_equal(sess_retrieve_begin(se, 1, NULL, &unique[0]), 0);
	assert_false(sess_retrieve_take(se, unique[0] ^ 2, &r));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(refusals_come_before_anything_is_sent),
		TEST(the_kernels_answer_is_passed_on),
		TEST(what_differs_is_sent_in_order),
		TEST(the_same_is_sent_once),
		TEST(expiring_and_dropping_a_name_is_dropping_it),
		TEST(ranges_that_meet_become_one),
		TEST(a_store_in_between_keeps_its_place),
		TEST(a_deletion_in_between_keeps_its_place),
		TEST(what_is_being_sent_is_not_touched),
		TEST(a_full_queue_says_so_but_has_room_for_an_epoch),
		TEST(results_are_counted),
		TEST(flushing_waits_as_long_as_it_was_told),
		TEST(stopping_drops_what_waits),
		TEST(many_threads_may_add),
		TEST(a_name_cannot_be_dropped_in_a_directory_that_is_locked),
		TEST(pages_that_are_being_read_cannot_be_dropped),
		TEST(the_queue_takes_what_would_deadlock),
		TEST(answers_find_their_retrievals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
