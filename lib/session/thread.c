/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <fuse_log.h>

static void set_stack_size(pthread_attr_t *attr)
{
	const char *text = getenv("FUSE_THREAD_STACK");
	char *end;
	unsigned long size;

	if (!text)
		return;
	errno = 0;
	size = strtoul(text, &end, 10);
	if (errno || *end || pthread_attr_setstacksize(attr, size))
		fuse_log(FUSE_LOG_ERR, "fuse: FUSE_THREAD_STACK=%s is not a usable stack size\n",
			 text);
}

int sess_thread_create(pthread_t *id, const char *name, void *(*main)(void *), void *arg)
{
	sigset_t blocked, before;
	pthread_attr_t attr;
	int err;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGQUIT);
	pthread_attr_init(&attr);
	set_stack_size(&attr);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	err = pthread_create(id, &attr, main, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (!err)
		pthread_setname_np(*id, name);
	return -err;
}
