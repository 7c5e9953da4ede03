/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interrupting callbacks (the option intr): when the caller of a request gives
 * up, the thread in its callback gets a signal that makes system calls return
 * EINTR, and again each second, because the first one may come too early.
 */
#include "highlevel/hl.h"

#include <signal.h>
#include <string.h>

static void do_nothing(int sig)
{
}

int hl_intr_install(struct fuse *f)
{
	struct sigaction sa;

	if (sigaction(f->cfg.intr_signal, NULL, &sa) < 0)
		goto fail;
	if ((sa.sa_flags & SA_SIGINFO) || sa.sa_handler != SIG_DFL)
		return 0;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = do_nothing;
	sigemptyset(&sa.sa_mask);
	if (sigaction(f->cfg.intr_signal, &sa, NULL) < 0)
		goto fail;
	f->intr_installed = true;
	return 0;
fail:
	fuse_log(FUSE_LOG_ERR, "fuse: cannot use signal %d for intr: %s\n", f->cfg.intr_signal,
		 strerror(errno));
	return -1;
}

void hl_intr_uninstall(struct fuse *f)
{
	if (f->intr_installed)
		signal(f->cfg.intr_signal, SIG_DFL);
	f->intr_installed = false;
}

/* On the thread that reads the kernel's INTERRUPT, or on our own, when that was
 * here first: then the callback has not begun, and the keeper signals later. */
static void interrupt(fuse_req_t req, void *data)
{
	struct hl_call *c = data;
	struct fuse *f = c->f;

	pthread_mutex_lock(&f->intr_lock);
	c->was_interrupted = true;
	c->prev = NULL;
	c->next = f->interrupted;
	if (c->next)
		c->next->prev = c;
	f->interrupted = c;
	if (!pthread_equal(c->thread, pthread_self()))
		pthread_kill(c->thread, f->cfg.intr_signal);
	pthread_mutex_unlock(&f->intr_lock);
	hl_keeper_poke(f->keeper);
}

void hl_intr_begin(struct hl_call *c)
{
	c->thread = pthread_self();
	c->was_interrupted = false;
	c->interruptible = true;
	fuse_req_interrupt_func(c->req, interrupt, c);
}

void hl_intr_end(struct hl_call *c)
{
	struct fuse *f = c->f;

	/* When this returns, interrupt() is not running and will not. */
	fuse_req_interrupt_func(c->req, NULL, NULL);
	c->interruptible = false;
	if (!c->was_interrupted)
		return;
	pthread_mutex_lock(&f->intr_lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		f->interrupted = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&f->intr_lock);
}

bool hl_intr_again(struct fuse *f)
{
	bool any;

	pthread_mutex_lock(&f->intr_lock);
	for (struct hl_call *c = f->interrupted; c; c = c->next)
		pthread_kill(c->thread, f->cfg.intr_signal);
	any = f->interrupted;
	pthread_mutex_unlock(&f->intr_lock);
	return any;
}
