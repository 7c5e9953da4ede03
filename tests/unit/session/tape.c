/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recorded session, served again, brings the handler the same requests. */
#include <profuse.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/session.h"
#include "transport/tape.h"

struct seen {
	char text[4096];
	size_t len;
};

static void handle_request(void *data, fuse_req_t req, const struct proto_req *r)
{
	struct seen *seen = data;
	struct iovec iov[1];

	seen->len += (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len,
				      "%s %s %zu\n", r->op->name, r->name[0] ? r->name[0] : "-",
				      r->data_len);
	sess_reply(req, PROTO_REPLY_EMPTY, -ENOENT, iov, 1);
}

static bool implements(void *data, size_t offset)
{
	return false;
}

static const struct sess_handler handler = {.request = handle_request, .implements = implements};

static void send_request(int peer, uint32_t opcode, const void *arg, size_t len, const char *tail,
			 size_t tail_len)
{
	static uint64_t unique = 2;
	struct fuse_in_header h = {
		.len = (uint32_t)(sizeof(h) + len + tail_len),
		.opcode = opcode,
		.unique = unique += 2,
		.nodeid = 1,
	};
	struct iovec iov[3] = {{&h, sizeof(h)}, {(void *)arg, len}, {(void *)tail, tail_len}};
	char answer[256];

	assert_int_equal(writev(peer, iov, 3), h.len);
	assert_true(read(peer, answer, sizeof(answer)) > 0);
}

static void *peer_main(void *arg)
{
	int peer = *(int *)arg;
	struct fuse_init_in init = {.major = 7, .minor = 45};
	struct fuse_write_in write_in = {.size = 5};

	send_request(peer, FUSE_INIT, &init, sizeof(init), NULL, 0);
	send_request(peer, FUSE_LOOKUP, NULL, 0, "file", 5);
	send_request(peer, FUSE_WRITE, &write_in, sizeof(write_in), "hello", 5);
	send_request(peer, FUSE_UNLINK, NULL, 0, "file", 5);
	close(peer);
	return NULL;
}

static void record(const char *path, struct seen *seen)
{
	struct fuse_session *se;
	pthread_t peer;
	int sv[2];
	struct xport *x;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	assert_int_equal(sess_new(&handler, seen, NULL, &se), 0);
	assert_int_equal(xport_stream_new(sv[0], false, &x), 0);
	assert_int_equal(sess_attach(se, x), 0);
	assert_int_equal(profuse_session_record(se, path), 0);
	pthread_create(&peer, NULL, peer_main, &sv[1]);
	assert_int_equal(sess_loop(se), 0);
	pthread_join(peer, NULL);
	sess_free(se);
}

static void replay(const char *path, struct seen *seen)
{
	struct fuse_session *se;

	assert_int_equal(sess_new(&handler, seen, NULL, &se), 0);
	assert_int_equal(profuse_session_replay(se, path), 0);
	assert_int_equal(profuse_session_replay(se, path), -EBUSY);
	assert_int_equal(sess_loop(se), 0);
	sess_free(se);
}

static char dir[] = "/tmp/profuse-tape-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/tape", dir);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static void a_recording_brings_the_same_requests(void **state)
{
	struct seen first = {.len = 0}, second = {.len = 0};
	struct stat st;

	record(path, &first);
	assert_string_equal(first.text, "LOOKUP file 0\nWRITE - 5\nUNLINK file 0\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	replay(path, &second);
	assert_string_equal(first.text, second.text);
}

static void a_recording_cut_anywhere_ends_the_loop(void **state)
{
	struct stat st;
	struct seen seen;

	assert_int_equal(stat(path, &st), 0);
	for (off_t size = st.st_size; size >= (off_t)sizeof(struct tape_header); size--) {
		seen = (struct seen){.len = 0};
		assert_int_equal(truncate(path, size), 0);
		replay(path, &seen);
	}
}

static void what_is_no_recording_is_refused(void **state)
{
	struct fuse_session *se;

	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(sess_new(&handler, NULL, NULL, &se), 0);
	assert_int_equal(profuse_session_replay(se, path), -EBADMSG);
	assert_int_equal(profuse_session_replay(se, "/nonexistent"), -ENOENT);
	assert_int_equal(profuse_session_record(se, path), -ENOTCONN);
	sess_free(se);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_brings_the_same_requests),
		cmocka_unit_test(a_recording_cut_anywhere_ends_the_loop),
		cmocka_unit_test(what_is_no_recording_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
