/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: session_survives_hostile_peer [COUNT [FIRST]]
 *
 * A live session gets correct, damaged and random requests, COUNT in all
 * (default: PROFUSE_FUZZ_RUNS, else 200000), starting with number FIRST so that
 * several of these can share a long run. Every request that takes an answer
 * gets exactly one, no callback sees an argument that it must not (touchfs.c),
 * and the session ends when it is told to. Sanitizers judge the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FUSE_USE_VERSION 319
#include <profuse.h>

#include "generate.h"
#include "touchfs.h"

#define CHUNK	   20000 /* requests per session */
#define DEADLINE_S 60

struct peer {
	struct fuse_session *se;
	struct proto_conn conn;
	unsigned int threads;
	bool stream;
	int fd;
	pthread_t loop, reader;
	int loop_result;
	/* Answers by number, and what is due. */
	unsigned char *answers;
	uint64_t got, due, odd;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ended;
};

static uint64_t log_lines;

static void count_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	__atomic_add_fetch(&log_lines, 1, __ATOMIC_RELAXED);
}

static void fail(const struct peer *p, const char *what)
{
	fprintf(stderr, "%s (%s, %u threads, 7.%u)\n", what, p->stream ? "stream" : "packets",
		p->threads, p->conn.minor);
	abort();
}

/* ---- answers ---- */

static bool read_all(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = recv(fd, (char *)buf + done, len - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static size_t next_answer(struct peer *p, unsigned char *buf, size_t size)
{
	struct fuse_out_header h;
	ssize_t n;

	if (!p->stream) {
		n = recv(p->fd, buf, size, 0);
		return n > 0 ? (size_t)n : 0;
	}
	if (!read_all(p->fd, buf, sizeof(h)))
		return 0;
	memcpy(&h, buf, sizeof(h));
	if (h.len < sizeof(h) || h.len > size)
		fail(p, "an answer of impossible length");
	return read_all(p->fd, buf + sizeof(h), h.len - sizeof(h)) ? h.len : 0;
}

static void take_answer(struct peer *p, const unsigned char *buf, size_t len)
{
	struct fuse_out_header h;

	if (len < sizeof(h))
		fail(p, "an answer without a header");
	memcpy(&h, buf, sizeof(h));
	if (h.len != len || h.error > 0 || h.error < -511)
		fail(p, "an answer that the kernel would refuse");
	pthread_mutex_lock(&p->lock);
	if (h.unique & 1) {
		p->odd++; /* to an INTERRUPT: as many as the server likes */
	} else if (h.unique / 2 >= CHUNK + 2) {
		fail(p, "an answer to nobody");
	} else {
		if (p->answers[h.unique / 2]++)
			fail(p, "two answers to one request");
		p->got++;
	}
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static void *read_answers(void *arg)
{
	struct peer *p = arg;
	size_t size = 1 << 21, len;
	unsigned char *buf = malloc(size);

	while ((len = next_answer(p, buf, size)) > 0)
		take_answer(p, buf, len);
	free(buf);
	return NULL;
}

static void await_answers(struct peer *p)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DEADLINE_S;
	pthread_mutex_lock(&p->lock);
	while (p->got < p->due) {
		if (pthread_cond_timedwait(&p->changed, &p->lock, &until) == ETIMEDOUT)
			fail(p, "a request was never answered");
	}
	if (p->got != p->due)
		fail(p, "a request that takes no answer got one");
	pthread_mutex_unlock(&p->lock);
}

/* ---- requests ---- */

static void send_bytes(struct peer *p, const void *buf, size_t len)
{
	const char *b = buf;

	while (len > 0) {
		ssize_t n = send(p->fd, b, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(p, "the session hung up");
		b += n;
		len -= (size_t)n;
	}
}

static void send_init(struct peer *p)
{
	_Alignas(8) unsigned char buf[256];
	struct fuse_init_in in = {.major = 7,
				  .minor = p->conn.minor,
				  .max_readahead = 65536,
				  .flags = 0x33fffffb,
				  .flags2 = 0x7fd};
	struct proto_out out = {.op = &proto_ops[PROTO_INIT], .unique = 2, .in = &in};

	/* Extensions and the longer SETXATTR are for their own runs. */
	in.flags &= ~(uint32_t)FUSE_INIT_FLAG(SETXATTR_EXT);
	send_bytes(p, buf, proto_encode(&p->conn, &out, buf, sizeof(buf)));
	p->due++;
	await_answers(p);
}

/* Messages that are none: a packet must be dropped, and nothing else. */
static bool send_nonsense(struct peer *p, uint64_t *seed)
{
	unsigned char buf[64] = {0};
	size_t len = 1 + generate_random(seed) % sizeof(buf);

	if (p->stream || generate_random(seed) % 64)
		return false;
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)generate_random(seed);
	buf[0] = (unsigned char)(len + 1); /* the length field lies */
	send_bytes(p, buf, len);
	return true;
}

static void send_request(struct peer *p, uint64_t number, uint64_t *seed, uint64_t slot)
{
	_Alignas(8) unsigned char buf[GENERATE_MAX];
	struct fuse_in_header *h = (void *)buf;
	const struct proto_op *op;
	size_t len;

	do {
		len = generate_request(&p->conn, number % GENERATE_KINDS, seed, buf);
	} while (h->opcode == FUSE_DESTROY); /* would end the chunk */
	h->unique = slot * 2;
	op = proto_op_find(h->opcode);
	if (op && op->opcode == FUSE_INTERRUPT)
		h->unique |= 1;
	else if (!op || !proto_op_has(op, PROTO_F_NOREPLY))
		p->due++;
	send_bytes(p, buf, len);
}

/* ---- sessions ---- */

static void *serve(void *arg)
{
	struct fuse_loop_config *config;
	struct peer *p = arg;

	if (!p->threads) {
		p->loop_result = fuse_session_loop(p->se);
	} else {
		config = fuse_loop_cfg_create();
		fuse_loop_cfg_set_max_threads(config, p->threads);
		p->loop_result = fuse_session_loop_mt(p->se, config);
		fuse_loop_cfg_destroy(config);
	}
	return NULL;
}

static void begin(struct peer *p)
{
	struct fuse_args args = FUSE_ARGS_INIT(1, (char *[]){(char *)"hostile"});
	int fd[2];

	p->se = fuse_session_new(&args, &touch_ops, sizeof(touch_ops), NULL);
	fuse_opt_free_args(&args);
	if (!p->se || socketpair(AF_UNIX, p->stream ? SOCK_STREAM : SOCK_SEQPACKET, 0, fd) != 0 ||
	    profuse_session_stream(p->se, fd[1]) != 0)
		fail(p, "no session");
	p->fd = fd[0];
	p->answers = calloc(1, CHUNK + 2);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	if (pthread_create(&p->loop, NULL, serve, p) != 0 ||
	    pthread_create(&p->reader, NULL, read_answers, p) != 0)
		fail(p, "no thread");
}

static void end(struct peer *p)
{
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->loop, NULL);
	pthread_join(p->reader, NULL);
	fuse_session_destroy(p->se);
	close(p->fd);
	free(p->answers);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->changed);
}

static void run_chunk(uint64_t first, uint64_t count)
{
	static const uint32_t minors[] = {45, 8, 23, 11, 45, 36};
	uint64_t chunk = first / CHUNK, seed = (first + 1) * 0x9e3779b97f4a7c15ULL;
	struct peer p = {
		.conn = {.minor = minors[chunk % 6]},
		.threads = chunk % 2 ? 3 : 0,
		.stream = chunk / 2 % 2,
	};

	generate_random(&seed);
	begin(&p);
	send_init(&p);
	for (uint64_t i = 0; i < count; i++) {
		if (!send_nonsense(&p, &seed))
			send_request(&p, first + i, &seed, i + 2);
	}
	await_answers(&p);
	end(&p);
}

/* On a byte stream a length that lies ends the connection, and only that. */
static void lying_lengths(void)
{
	static const uint32_t lengths[] = {0, 1, 39, 0x7fffffff, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct fuse_in_header h = {.len = lengths[i], .opcode = FUSE_STATFS, .unique = 4};
		struct peer p = {.conn = {.minor = 45}, .stream = true};

		begin(&p);
		send_init(&p);
		send_bytes(&p, &h, sizeof(h));
		end(&p);
	}
}

int main(int argc, char **argv)
{
	const char *runs = getenv("PROFUSE_FUZZ_RUNS");
	uint64_t count = runs ? strtoull(runs, NULL, 0) : 200000, first = 0;

	if (argc > 1)
		count = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		first = strtoull(argv[2], NULL, 0);
	fuse_set_log_func(count_log);
	lying_lengths();
	for (uint64_t done = 0; done < count; done += CHUNK)
		run_chunk(first + done, count - done < CHUNK ? count - done : CHUNK);
	printf("%llu requests, %llu callbacks, %llu log lines\n", (unsigned long long)count,
	       (unsigned long long)touch_count(), (unsigned long long)log_lines);
	if (touch_count() < count / 20) {
		fprintf(stderr, "hardly any request was served: the test is blind\n");
		return 1;
	}
	return 0;
}
