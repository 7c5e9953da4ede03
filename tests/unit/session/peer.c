/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Peers that do what no kernel does cannot hold a session up, nor bring its
 * callbacks into an order that its program does not expect. */
#include <profuse.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/drain.h"
#include "session/request.h"

/* Promptness is judged in loops that do nothing but wait; the machine may have
 * other things to do. */
#define SOON_S 2.0

#define PIECE 65536
/* More than a socket of SO_SNDBUF 2 * PIECE takes at once. */
#define WHOLE (16 * PIECE)

struct fixture {
	struct fuse_session *se;
	int peer, ours;
	pthread_t loop;
	bool threaded;
	int loop_result;
	atomic_int inits, destroys, reads;
	atomic_uintptr_t kept; /* fuse_req_t */
	void (*in_init)(struct fixture *f);
	uint64_t wish;
};

static void on_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fixture *f = userdata;

	f->inits++;
	conn->want_ext |= f->wish;
	if (f->in_init)
		f->in_init(f);
}

static void on_destroy(void *userdata)
{
	((struct fixture *)userdata)->destroys++;
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	static const char data[WHOLE];
	struct fixture *f = fuse_req_userdata(req);

	f->reads++;
	fuse_reply_buf(req, data, size);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fixture *f = fuse_req_userdata(req);

	f->kept = (uintptr_t)req;
}

static const struct fuse_lowlevel_ops ops = {
	.init = on_init,
	.destroy = on_destroy,
	.read = on_read,
	.getattr = on_getattr,
};

static void quiet(enum fuse_log_level level, const char *fmt, va_list ap)
{
}

static void make_session(struct fixture *f)
{
	struct fuse_args args = FUSE_ARGS_INIT(1, (char *[]){(char *)"peer"});

	*f = (struct fixture){.peer = -1, .ours = -1};
	fuse_set_log_func(quiet);
	f->se = fuse_session_new(&args, &ops, sizeof(ops), f);
	assert_non_null(f->se);
	fuse_opt_free_args(&args);
}

static void connect_stream(struct fixture *f, int type)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sv), 0);
	f->peer = sv[0];
	f->ours = sv[1];
	assert_int_equal(profuse_session_stream(f->se, sv[1]), 0);
}

static void *run_loop(void *arg)
{
	struct fixture *f = arg;
	struct fuse_loop_config *cfg = fuse_loop_cfg_create();

	f->loop_result = f->threaded ? fuse_session_loop_mt(f->se, cfg) : fuse_session_loop(f->se);
	fuse_loop_cfg_destroy(cfg);
	return NULL;
}

static void start_loop(struct fixture *f, bool threaded)
{
	f->threaded = threaded;
	assert_int_equal(pthread_create(&f->loop, NULL, run_loop, f), 0);
}

/* ---- what the peer sends ---- */

struct message {
	struct fuse_in_header h;
	union {
		struct fuse_init_in init;
		struct fuse_read_in read;
		struct fuse_getattr_in getattr;
	} u;
};

static struct message message(uint32_t opcode, uint64_t unique, size_t argument)
{
	struct message m = {
		.h = {.len = (uint32_t)(sizeof(m.h) + argument),
		      .opcode = opcode,
		      .unique = unique,
		      .nodeid = 1},
	};

	return m;
}

static struct message init_message(uint64_t unique)
{
	struct message m = message(FUSE_INIT, unique, sizeof(m.u.init));

	/* As much at once as a kernel would: WHOLE is then within what is agreed. */
	m.u.init = (struct fuse_init_in){.major = 7,
					 .minor = 45,
					 .max_readahead = 131072,
					 .flags = (uint32_t)FUSE_INIT_FLAG(MAX_PAGES)};
	return m;
}

static void send_message(struct fixture *f, const struct message *m)
{
	assert_int_equal(send(f->peer, m, m->h.len, MSG_NOSIGNAL), m->h.len);
}

/* The error of the next answer. */
static int next_error(struct fixture *f)
{
	struct pollfd p = {.fd = f->peer, .events = POLLIN};
	char buf[4096];
	struct fuse_out_header h;

	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_true(recv(f->peer, buf, sizeof(buf), 0) >= (ssize_t)sizeof(h));
	memcpy(&h, buf, sizeof(h));
	return h.error;
}

static void handshake(struct fixture *f)
{
	struct message m = init_message(2);

	send_message(f, &m);
	assert_int_equal(next_error(f), 0);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_for(atomic_int *counter, int value)
{
	double limit = seconds() + 20;

	while (*counter < value && seconds() < limit)
		usleep(1000);
	assert_true(*counter >= value);
}

/* ---- tests ---- */

/* More answers than the socket holds. */
static void ask_and_never_read(struct fixture *f, size_t answer)
{
	int size = 2 * PIECE;

	assert_int_equal(setsockopt(f->ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	for (uint64_t u = 4; u < 40; u += 2) {
		struct message m = message(FUSE_READ, u, sizeof(m.u.read));

		m.u.read.size = (uint32_t)answer;
		send_message(f, &m);
	}
	wait_for(&f->reads, 1);
}

static void exit_frees_workers_whose_answers_nobody_reads(void **state)
{
	for (int mode = 0; mode < 4; mode++) {
		struct fixture f;
		double start;

		make_session(&f);
		connect_stream(&f, mode & 1 ? SOCK_STREAM : SOCK_SEQPACKET);
		start_loop(&f, mode & 2);
		handshake(&f);
		ask_and_never_read(&f, PIECE);
		wait_for(&f.reads, 2);
		start = seconds();
		fuse_session_exit(f.se);
		pthread_join(f.loop, NULL);
		assert_true(seconds() - start < SOON_S);
		assert_int_equal(f.loop_result, 0);
		fuse_session_destroy(f.se);
		assert_int_equal(f.destroys, 1);
		close(f.peer);
	}
}

static void the_end_does_not_wait_for_notifications_that_nobody_reads(void **state)
{
	static char data[PIECE];
	struct fixture f;
	double start;

	for (int type = 0; type < 2; type++) {
		make_session(&f);
		connect_stream(&f, type ? SOCK_STREAM : SOCK_SEQPACKET);
		start_loop(&f, false);
		handshake(&f);
		for (int i = 0; i < 20; i++) {
			struct fuse_bufvec bufv = FUSE_BUFVEC_INIT(sizeof(data));

			bufv.buf[0].mem = data;
			assert_int_equal(
				profuse_notify_queue_store(f.se, 1, (off_t)i * PIECE, &bufv), 0);
		}
		assert_int_equal(profuse_notify_flush(f.se, 50), -ETIMEDOUT);
		start = seconds();
		fuse_session_exit(f.se);
		pthread_join(f.loop, NULL);
		fuse_session_destroy(f.se);
		assert_true(seconds() - start < SOON_S);
		close(f.peer);
	}
}

/* A message that was sent in part leaves nothing that could follow it. */
static void a_torn_message_ends_a_byte_stream(void **state)
{
	struct fixture f;

	make_session(&f);
	connect_stream(&f, SOCK_STREAM);
	start_loop(&f, false);
	handshake(&f);
	ask_and_never_read(&f, WHOLE);
	fuse_session_exit(f.se);
	pthread_join(f.loop, NULL);
	fuse_session_reset(f.se);
	start_loop(&f, false);
	pthread_join(f.loop, NULL);
	assert_int_equal(f.loop_result, 0);
	assert_true(fuse_session_exited(f.se));
	fuse_session_destroy(f.se);
	close(f.peer);
}

static void what_init_got_ready_is_destroyed_though_the_handshake_failed(void **state)
{
	struct message m = init_message(2);
	struct fixture f;

	make_session(&f);
	f.wish = FUSE_CAP_PASSTHROUGH; /* the peer does not offer it */
	connect_stream(&f, SOCK_SEQPACKET);
	start_loop(&f, false);
	send_message(&f, &m);
	assert_int_equal(next_error(&f), -EPROTO);
	pthread_join(f.loop, NULL);
	assert_int_equal(f.loop_result, -EPROTO);
	assert_int_equal(f.destroys, 0);
	fuse_session_destroy(f.se);
	assert_int_equal(f.inits, 1);
	assert_int_equal(f.destroys, 1);
	close(f.peer);
}

static void process(struct fixture *f, struct message *m)
{
	struct fuse_buf buf = {.mem = m, .size = m->h.len};

	fuse_session_process_buf(f->se, &buf);
}

static void *second_handshake(void *arg)
{
	struct message m = init_message(4);

	process(arg, &m);
	return NULL;
}

static void greet_again(struct fixture *f)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, second_handshake, f), 0);
	pthread_join(t, NULL);
}

static void only_one_of_two_handshakes_at_once_is_held(void **state)
{
	struct message m = init_message(2);
	struct fixture f;

	make_session(&f);
	f.in_init = greet_again;
	connect_stream(&f, SOCK_SEQPACKET);
	process(&f, &m);
	assert_int_equal(f.inits, 1);
	assert_int_equal(next_error(&f), -EIO); /* the second */
	assert_int_equal(next_error(&f), 0);
	f.in_init = NULL;
	m = init_message(6);
	process(&f, &m);
	assert_int_equal(next_error(&f), -EIO);
	assert_int_equal(f.inits, 1);
	fuse_session_destroy(f.se);
	assert_int_equal(f.destroys, 1);
	close(f.peer);
}

static void a_request_without_a_connection_is_nothing(void **state)
{
	struct message m = init_message(2);
	struct fuse_buf buf = {.mem = NULL};
	struct fixture f;

	make_session(&f);
	process(&f, &m);
	assert_int_equal(f.inits, 0);
	assert_true(fuse_session_receive_buf(f.se, &buf) < 0);
	fuse_session_destroy(f.se);
	free(buf.mem);
}

/* So many look at a request at once that its word of state has no place for
 * another; the answer still has one. */
static void any_number_of_interrupters_leaves_room_for_the_answer(void **state)
{
	struct message m = message(FUSE_GETATTR, 4, sizeof(m.u.getattr));
	struct sess_req *r;
	struct fixture f;
	uint32_t before;
	int pins = 0;

	make_session(&f);
	connect_stream(&f, SOCK_SEQPACKET);
	{
		struct message first = init_message(2);

		process(&f, &first);
	}
	process(&f, &m);
	r = req_object((fuse_req_t)f.kept);
	before = r->state / REQ_GEN;
	while (pins < 100 && req_pin(r, 4))
		pins++;
	assert_in_range(pins, 10, 99);
	assert_true(req_claim(r, (fuse_req_t)f.kept));
	assert_int_equal(r->state / REQ_GEN, before);
	while (pins-- >= 0)
		req_unpin(r);
	assert_int_equal(r->state & REQ_BUSY, 0);
	fuse_session_destroy(f.se);
	close(f.peer);
}

/* ---- functions of the program in place of the device ---- */

static ssize_t custom_read(int fd, void *buf, size_t len, void *userdata)
{
	return read(fd, buf, len);
}

static ssize_t too_much(int fd, void *buf, size_t len, void *userdata)
{
	struct fuse_in_header h = {.len = (uint32_t)len + 4096, .opcode = FUSE_INIT, .unique = 2};

	memcpy(buf, &h, sizeof(h));
	return h.len;
}

static ssize_t custom_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	return writev(fd, iov, count);
}

static void connect_custom(struct fixture *f, bool lie)
{
	static const struct fuse_custom_io honest = {.read = custom_read, .writev = custom_writev};
	static const struct fuse_custom_io lying = {.read = too_much, .writev = custom_writev};
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	f->peer = sv[0];
	f->ours = sv[1];
	assert_int_equal(
		fuse_session_custom_io(f->se, lie ? &lying : &honest, sizeof(honest), f->ours), 0);
}

static void draining_does_not_wait_in_a_read_that_waits(void **state)
{
	struct message m = message(FUSE_READ, 4, sizeof(m.u.read));
	struct message first = init_message(2);
	struct fixture f;

	make_session(&f);
	connect_custom(&f, false);
	process(&f, &first);
	assert_int_equal(next_error(&f), 0);
	send_message(&f, &m);
	sess_drain(f.se);
	assert_int_equal(next_error(&f), -ECONNABORTED);
	fuse_session_destroy(f.se);
	close(f.peer);
}

static void a_read_that_claims_more_than_its_buffer_is_not_believed(void **state)
{
	struct fuse_buf buf = {.mem = NULL};
	struct message m = init_message(2);
	struct fixture f;

	make_session(&f);
	connect_custom(&f, true);
	send_message(&f, &m); /* so that there is something to read */
	assert_int_equal(fuse_session_receive_buf(f.se, &buf), -EPROTO);
	free(buf.mem);
	fuse_session_destroy(f.se);
	close(f.peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_frees_workers_whose_answers_nobody_reads),
		cmocka_unit_test(the_end_does_not_wait_for_notifications_that_nobody_reads),
		cmocka_unit_test(a_torn_message_ends_a_byte_stream),
		cmocka_unit_test(what_init_got_ready_is_destroyed_though_the_handshake_failed),
		cmocka_unit_test(only_one_of_two_handshakes_at_once_is_held),
		cmocka_unit_test(a_request_without_a_connection_is_nothing),
		cmocka_unit_test(any_number_of_interrupters_leaves_room_for_the_answer),
		cmocka_unit_test(draining_does_not_wait_in_a_read_that_waits),
		cmocka_unit_test(a_read_that_claims_more_than_its_buffer_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
