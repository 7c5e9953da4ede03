/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smallest filesystem there is: an empty root. Speaks the protocol by hand
 * so that mounting can be tested without the rest of the library.
 */
#ifndef PROFUSE_TESTS_MOUNT_RESPONDER_H
#define PROFUSE_TESTS_MOUNT_RESPONDER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "mount/mount.h"

/* Answers one request on fd. Returns its opcode, or -errno of read(2). init_err
 * is what INIT is answered with; 0 accepts. The opcode `hang` is not answered;
 * -1 answers all. */
int responder_serve_one(int fd, mode_t root_type, int init_err, int hang);

/* Serves until the connection ends; returns -errno of the last read(2). */
int responder_serve(int fd, mode_t root_type);

/* A thread that serves, and one that answers INIT as mnt_hooks. */
struct responder {
	pthread_t thread;
	bool running;
	int fd;
	mode_t root_type;
	int init_err;
	unsigned int starts, stops; /* of the hooks */
};

void responder_start(struct responder *r, int fd);
/* Ends the thread; to be called before the descriptor is closed. */
void responder_stop(struct responder *r);
struct mnt_hooks responder_hooks(struct responder *r);

#endif
