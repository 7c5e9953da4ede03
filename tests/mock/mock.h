/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mock kernel's inside. */
#ifndef PROFUSE_MOCK_H
#define PROFUSE_MOCK_H

#include <pthread.h>

#include "mock_kernel.h"

/* Largest message either way: 1 MiB of data and what surrounds it. */
#define MOCK_MESSAGE_MAX ((1u << 20) + 65536)

/* A request that is under way, or answered and not yet fetched. */
struct mock_request {
	struct mock_request *next;
	uint64_t unique;
	void *bytes;
	size_t len;
	struct proto_req view; /* into bytes */
	bool answered;
	bool interrupted;
	struct mock_reply reply;
};

struct mock_node {
	struct mock_node *next;
	uint64_t nodeid;
	uint64_t lookups;
};

struct mock_handle {
	struct mock_handle *next;
	uint64_t nodeid, fh;
	bool directory;
};

struct mock_queued_notify {
	struct mock_queued_notify *next;
	struct mock_notify n;
};

struct mock_fault {
	struct mock_fault *next;
	char *text;
};

#define MOCK_NODE_BUCKETS 65536 /* tests have a million */
#define MOCK_RECENT	  65536

struct mock {
	struct mock_options options;
	int fd;	       /* our end */
	int server_fd; /* the other, until taken */
	pthread_t reader;
	bool has_reader;

	pthread_mutex_t send_lock; /* keeps messages of a byte stream whole */
	pthread_mutex_t lock;	   /* everything below */
	pthread_cond_t changed;
	bool ended;

	struct proto_conn conn;
	struct fuse_init_out init_out;

	uint64_t next_unique;
	struct mock_request *requests;
	size_t pending;
	/* What was answered lately, to tell answers twice from strangers. */
	struct {
		uint64_t unique;
		uint32_t opcode;
	} recent[MOCK_RECENT];

	bool no_interrupt;
	unsigned int requeued;
	int refuse_error;
	unsigned int refuse_count;
	bool strangers_welcome;
	uint64_t strangers;

	struct mock_queued_notify *notify_first, **notify_last;
	size_t notify_count;
	int notify_error;

	struct mock_node *nodes[MOCK_NODE_BUCKETS];
	struct mock_handle *handles;
	struct mock_fault *faults;
	int fault_count;

	struct mock_server *server; /* mock_session.c */
	void (*server_end)(struct mock *m);
};

/* books.c; all with the lock held. */
void mock_fault_locked(struct mock *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mock_book_reply_locked(struct mock *m, const struct mock_request *r,
			    const struct proto_audit *a);
void mock_book_forget_locked(struct mock *m, uint64_t nodeid, uint64_t count);
void mock_book_leftovers_locked(struct mock *m);
void mock_books_free(struct mock *m);

/* receive.c: one message from the server. 0, or -errno as write would give. */
int mock_receive(struct mock *m, const void *bytes, size_t len);
void *mock_reader(void *arg);

/* kernel.c */
int mock_transmit(struct mock *m, const void *bytes, size_t len);
struct mock_request *mock_find_locked(struct mock *m, uint64_t unique);
void mock_end_locked(struct mock *m);
/* An absolute time this far away, for pthread_cond_timedwait. */
struct timespec mock_deadline(int ms);
void *mock_alloc(size_t size);

/* notify.c; the lock is held. */
int mock_receive_notify_locked(struct mock *m, const void *bytes, size_t len);

#endif
