/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem of the path API, served to a mock kernel in this process. */
#ifndef TEST_SERVED_H
#define TEST_SERVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fuse.h>

#include "mock_kernel.h"

struct served {
	struct fuse *f;
	struct mock *m;
	pthread_t thread;
	unsigned int threads;
	int loop_result;
};

/* How the next ones are connected; packets unless a test says otherwise. */
extern enum mock_wire serve_wire;

/*
 * Options are one string as after -o, or NULL. threads 0: fuse_loop(), else
 * fuse_loop_mt() with that many. INIT is done.
 */
void serve_start(struct served *s, const struct fuse_operations *op, const char *options,
		 unsigned int threads, void *data);

/* Ends it and checks that the filesystem's library made no fault; with
 * `balanced`, that nothing was left looked up or open and the node table is
 * empty. */
void serve_end(struct served *s, bool balanced);

/* Nodes in the table, the root included. */
uint64_t serve_nodes(struct served *s);
/* Waits until there are so many. */
bool serve_nodes_become(struct served *s, uint64_t n);

/* What was logged since the last call; at most 64 KiB. */
void log_capture(void);
const char *log_text(void);
void log_clear(void);

/* Entries of a directory as "a b c ", with readdir or readdirplus. Negative
 * errno on failure. */
int list_names(struct mock *m, uint64_t dir, bool plus, char *out, size_t size);

#endif
