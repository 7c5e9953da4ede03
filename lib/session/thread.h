/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that run callbacks. */
#ifndef PROFUSE_SESSION_THREAD_H
#define PROFUSE_SESSION_THREAD_H

#include <pthread.h>

#include "base/compiler.h"

/*
 * Starts a thread with the stack size of $FUSE_THREAD_STACK, if set, and with
 * SIGTERM, SIGINT, SIGHUP and SIGQUIT blocked: these end a program and are for
 * its main thread, where they interrupt the loop. 0 or -errno.
 */
PROFUSE_NODISCARD int sess_thread_create(pthread_t *id, const char *name, void *(*main)(void *),
					 void *arg);

#endif
