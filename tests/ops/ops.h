/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frame of the operation tests. A test file describes one operation:
 *
 *     static void on_mock(struct ops *t)  { ... mock_lookup(t->m, ...) ... }
 *     static void on_mount(struct ops *t) { ... stat(ops_path(t, "file")) ... }
 *     OPS_TEST(.op = PROTO_LOOKUP, .mock = on_mock, .mount = on_mount)
 *
 * usage: TEST stream    on the mock kernel: packets, byte stream and custom_io,
 *                       single- and multi-threaded, several minors
 *        TEST dev       on a mount over /dev/fuse, both loops
 *        TEST uring     on a mount over io_uring
 *
 * `stream` first does to every operation what its row in ops.def says can be
 * done to it (generic.c): errors, wrong answers, two, none, from elsewhere.
 * PROFUSE_OPS_LOG in the environment shows the library's log.
 *
 * Run in a process of its own, with a parent that cleans up whatever happens.
 */
#ifndef PROFUSE_TESTS_OPS_OPS_H
#define PROFUSE_TESTS_OPS_OPS_H

#define FUSE_USE_VERSION 319
#include <profuse.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mock_kernel.h"
#include "mock_session.h"
#include "scriptfs.h"

struct ops {
	const struct ops_test *test;
	const char *transport; /* "dev", ...; on the mock the wire's name */
	unsigned int threads;  /* 0: single-threaded loop */
	struct scriptfs *fs;
	struct fuse_session *se; /* NULL: the test has destroyed it itself */
	struct mock *m;		 /* on the mock only */
	const char *mnt;	 /* on a mount only */
	const char *device;	 /* of a fuseblk mount */
	pthread_t loop;
	int loop_result;
	bool joined; /* the test has joined the loop itself */
	bool transport_checked;
};

struct ops_test {
	unsigned int op;     /* PROTO_* */
	unsigned int notify; /* or a notification: FUSE_NOTIFY_* */
	void (*mock)(struct ops *t);
	void (*mount)(struct ops *t);
	/* Makes its own sessions; `options` says over what. */
	void (*alone)(const struct ops *like, const struct mock_options *options);
	uint32_t minor;	       /* oldest protocol for `mock`; 0: the operation's */
	bool block;	       /* needs a mount with a block device */
	bool special;	       /* no generic part */
	const char *unmounted; /* why no system call can cause it */
	const char *options;   /* further mount options */
	/* What the session serves; default fs_ops. */
	struct fuse_lowlevel_ops (*ops)(void);
	void (*init)(struct fuse_conn_info *conn);
};

int ops_main(int argc, char **argv, const struct ops_test *test);

#define OPS_TEST(...)                                                                              \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct ops_test test = {__VA_ARGS__};                                 \
                                                                                                   \
		return ops_main(argc, argv, &test);                                                \
	}

/* ---- checks: the program ends at the first that fails ---- */

void ops_fail(const char *file, int line, const char *what, long long got, long long want);

#define check(fact)                                                                                \
	do {                                                                                       \
		if (!(fact))                                                                       \
			ops_fail(__FILE__, __LINE__, #fact, 0, 1);                                 \
	} while (0)
#define check_eq(got, want)                                                                        \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
                                                                                                   \
		if (got_ != want_)                                                                 \
			ops_fail(__FILE__, __LINE__, #got " == " #want, got_, want_);              \
	} while (0)
#define check_str(got, want)                                                                       \
	do {                                                                                       \
		if (strcmp(got, want) != 0) {                                                      \
			fprintf(stderr, "\"%s\" instead of \"%s\"\n", got, want);                  \
			ops_fail(__FILE__, __LINE__, #got " == " #want, 0, 1);                     \
		}                                                                                  \
	} while (0)
/* A system call that must fail, and how. */
#define check_errno(call, err)                                                                     \
	do {                                                                                       \
		errno = 0;                                                                         \
		check((call) == -1);                                                               \
		check_eq(errno, err);                                                              \
	} while (0)

/* ---- sessions ---- */

/* A connected session with its loop running; the mock is initialised. */
struct ops ops_mock_begin(const struct ops *like, const struct mock_options *options,
			  const struct fuse_lowlevel_ops *ops);
/* Ends it; no fault and no logged error may be left. */
void ops_mock_end(struct ops *t);
/* As an unmount: leaves lookups, handles and unanswered requests behind. */
void ops_mock_drop(struct ops *t);

/* A mounted one, `clone` gives each thread its own descriptor. */
void ops_mount_begin(struct ops *t);
void ops_mount_end(struct ops *t);
/* Requests travel as they should. For tests that end the session themselves; of the
 * others ops_mount_end() asks it. */
void ops_check_transport(struct ops *t);

/* Aborts the connection, as root can through fusectl: everybody who waits on
 * this mount is freed, and it is of no use any more. */
void ops_abort(void);

/* Waits until a thread of this process sleeps where no signal wakes it, as one
 * does that waits for itself. */
void ops_wait_stuck(void);

/* A path below the mountpoint; valid until four more calls on this thread. */
const char *ops_path(const struct ops *t, const char *name);

/* Runs func in a thread, for system calls that wait. */
struct ops_async;
struct ops_async *ops_async(int (*func)(void *arg), void *arg);
int ops_async_join(struct ops_async *a); /* func's result */
bool ops_async_done(struct ops_async *a);
void ops_async_kill(struct ops_async *a, int signal);

/* A request that the default answers accept, for any operation that has a
 * callback; in_buf must hold 128 bytes. */
struct mock_call ops_default_call(unsigned int op, void *in_buf);

/* generic.c */
void ops_generic(const struct ops *like, const struct mock_options *options);

/* Notes further operations and notifications as exercised. */
void ops_cover(const struct ops *t);

#endif
