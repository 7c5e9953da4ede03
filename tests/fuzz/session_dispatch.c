/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One message into a live session, in memory of its exact size, so that
 * whoever reads beyond it is seen, down to the callbacks (touchfs.c). It gets
 * one answer if one is due and none otherwise. Input: which session, then the
 * message.
 */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fuzz.h"
#include "generate.h"
#include "touchfs.h"

#define UNIQUE 1000

static const struct {
	uint32_t minor;
	uint32_t flags, flags2;
} kinds[] = {
	{45, 0x73fffffb, 0x7fd}, /* what Linux 6.18 offers */
	{23, 0x0001fffb, 0},
	{8, 0x3, 0},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct fuse_session *sessions[KINDS];
static struct proto_conn conns[KINDS];
static int answers;
static struct fuse_init_out init_out;

#define require(fact) require_fact(fact, #fact)

static void require_fact(bool fact, const char *text)
{
	if (fact)
		return;
	fprintf(stderr, "not so: %s\n", text);
	abort();
}

static ssize_t take_answer(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fuse_out_header h;
	size_t len = 0;

	memcpy(&h, iov[0].iov_base, sizeof(h));
	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	require(h.len == len && h.error <= 0 && h.error > -512);
	/* An INTERRUPT that nobody knows may be asked for again later. */
	if (h.unique & 1)
		return (ssize_t)len;
	answers++;
	if (h.unique == 2 && count > 1)
		memcpy(&init_out, iov[1].iov_base,
		       iov[1].iov_len < sizeof(init_out) ? iov[1].iov_len : sizeof(init_out));
	return (ssize_t)len;
}

static ssize_t read_nothing(int fd, void *buf, size_t len, void *userdata)
{
	errno = ENODEV;
	return -1;
}

static void process(struct fuse_session *se, const void *bytes, size_t len)
{
	struct fuse_buf buf = {.size = len, .mem = malloc(len ? len : 1)};

	require(buf.mem != NULL);
	memcpy(buf.mem, bytes, len);
	fuse_session_process_buf(se, &buf);
	free(buf.mem);
}

static void open_session(size_t kind)
{
	static const struct fuse_custom_io io = {.writev = take_answer, .read = read_nothing};
	struct fuse_args args = FUSE_ARGS_INIT(1, (char *[]){(char *)"fuzz"});
	struct fuse_init_in in = {.major = 7,
				  .minor = kinds[kind].minor,
				  .flags = kinds[kind].flags,
				  .flags2 = kinds[kind].flags2};
	struct proto_out out = {.op = &proto_ops[PROTO_INIT], .unique = 2, .in = &in};
	unsigned char wire[256];

	sessions[kind] = fuse_session_new(&args, &touch_ops, sizeof(touch_ops), NULL);
	fuse_opt_free_args(&args);
	require(sessions[kind] != NULL);
	require(fuse_session_custom_io(sessions[kind], &io, sizeof(io), eventfd(0, EFD_CLOEXEC)) ==
		0);
	conns[kind].minor = kinds[kind].minor;
	memset(&init_out, 0, sizeof(init_out));
	process(sessions[kind], wire, proto_encode(&conns[kind], &out, wire, sizeof(wire)));
	require(answers == 1);
	conns[kind].flags = init_out.flags;
	if (conns[kind].flags & FUSE_INIT_FLAG(INIT_EXT))
		conns[kind].flags |= (uint64_t)init_out.flags2 << 32;
}

static void no_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
}

static void close_sessions(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (sessions[i])
			fuse_session_destroy(sessions[i]);
	}
}

static void open_sessions(void)
{
	fuse_set_log_func(no_log);
	atexit(close_sessions);
	for (size_t i = 0; i < KINDS; i++) {
		answers = 0;
		open_session(i);
	}
}

/* Whether the message is one, and whether it must be answered. */
static bool judge(const uint8_t *bytes, size_t len, uint64_t *unique, int *due)
{
	const struct proto_op *op;
	struct fuse_in_header h;

	if (len < sizeof(h))
		return false;
	memcpy(&h, bytes, sizeof(h));
	/* The loop's transports drop a message whose length lies. */
	if (h.len != len || h.opcode == FUSE_DESTROY)
		return false;
	op = proto_op_find(h.opcode);
	*unique = h.opcode == FUSE_INTERRUPT ? UNIQUE | 1 : UNIQUE;
	*due = !op || !proto_op_has(op, PROTO_F_NOREPLY);
	return true;
}

void fuzz_one(const uint8_t *input, size_t len)
{
	uint8_t message[FUZZ_INPUT_MAX];
	uint64_t unique;
	int due;

	if (!sessions[0])
		open_sessions();
	if (len < 1 || len > sizeof(message) || !judge(input + 1, len - 1, &unique, &due))
		return;
	memcpy(message, input + 1, len - 1);
	/* Even but for INTERRUPT, so that answers are told apart. */
	memcpy(message + offsetof(struct fuse_in_header, unique), &unique, sizeof(unique));
	answers = 0;
	process(sessions[input[0] % KINDS], message, len - 1);
	require(answers == due);
}

const unsigned int fuzz_seeds = PROTO_OP_COUNT * KINDS;

size_t fuzz_make(uint64_t n, uint8_t *buf)
{
	uint64_t seed = (n + 1) * 0x9e3779b97f4a7c15ULL;
	_Alignas(8) unsigned char request[GENERATE_MAX];
	size_t kind = n % KINDS, len;

	if (!sessions[0])
		open_sessions();
	generate_random(&seed);
	buf[0] = (uint8_t)kind;
	if (n < fuzz_seeds)
		len = generate_valid(&conns[kind], &proto_ops[n / KINDS], &seed, request);
	else
		len = generate_request(&conns[kind], n / KINDS % GENERATE_KINDS, &seed, request);
	memcpy(buf + 1, request, len);
	return len + 1;
}
