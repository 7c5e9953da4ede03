/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem of one directory and one file, and sessions that serve it. */
#ifndef PROFUSE_TESTS_LOWLEVEL_TINYFS_H
#define PROFUSE_TESTS_LOWLEVEL_TINYFS_H

#include <profuse.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#define TINY_FILE 2	 /* "file", which contains "tiny" */
#define TINY_KEPT "kept" /* a name whose LOOKUP is kept unanswered */

struct tiny {
	struct fuse_session *se;
	const char *where;
	pthread_t thread;
	bool looping;
	int loop_result;

	int inits, destroys;
	bool sync_init;	    /* as init() saw it */
	bool refuse;	    /* init() asks for what there is not */
	_Atomic int served; /* requests */
	fuse_req_t kept;
	sem_t keeping; /* posted when a request is kept */
};

/* A session with these words after the program's name, up to NULL. */
void tiny_new(struct tiny *t, const char *const *words);
/* The loop in a thread of its own. */
void tiny_loop(struct tiny *t, bool multi);
void tiny_join(struct tiny *t);
void tiny_destroy(struct tiny *t);

/* In a process of its own, as that user: the errno of open(file), 0 if its
 * contents are right, -1 if not. */
int tiny_try(const struct tiny *t, unsigned int uid);

/* Starts a process that looks up TINY_KEPT and exits with the errno it got. */
pid_t tiny_look(struct tiny *t);
/* The same, and waits until the request is kept. */
pid_t tiny_keep(struct tiny *t);

long tiny_now_ms(void);

#endif
