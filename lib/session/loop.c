/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Receiving on the calling thread: the single-threaded loop, and the pieces
 * for event loops of the program. */
#include <errno.h>
#include <fcntl.h>

#include "session/loop.h"
#include "session/queues.h"
#include "session/spin.h"
#include "session/worker.h"

int sess_loop_begin(struct fuse_session *se)
{
	struct xport *x = se->xport;

	if (!x)
		return -ENOTCONN;
	if (atomic_fetch_add(&se->loops, 1) == 0 && x->ops->loop_mode) {
		int before = x->ops->loop_mode(x, true);

		se->restore_blocking = before == 0;
		if (before < 0) {
			atomic_fetch_sub(&se->loops, 1);
			return before;
		}
	}
	return 0;
}

void sess_loop_end(struct fuse_session *se)
{
	struct xport *x = se->xport;

	if (atomic_fetch_sub(&se->loops, 1) == 1 && x->ops->loop_mode && se->restore_blocking)
		x->ops->loop_mode(x, false);
}

bool sess_loop_goes_on(struct fuse_session *se, int err)
{
	switch (err) {
	case 0:
	case -EINTR:
	case -EAGAIN:
		break;
	case -EPROTO: /* dropped by the transport */
		atomic_fetch_add_explicit(&se->malformed, 1, memory_order_relaxed);
		break;
	case -ECANCELED: /* told to end */
		return !atomic_load(&se->exited);
	case -ENODEV: /* unmounted or aborted */
		sess_exit(se, 0);
		break;
	default:
		fuse_log(FUSE_LOG_ERR, "fuse: receiving a request failed: error %d\n", -err);
		sess_exit(se, err);
		break;
	}
	return !atomic_load_explicit(&se->exited, memory_order_relaxed);
}

static void serve_alone(struct fuse_session *se, struct sess_worker *own)
{
	struct sess_worker *from = sess_queues_single(se, own);
	struct sess_spin spin;
	int err;

	sess_spin_begin(&spin, se->xport);
	while (!atomic_load_explicit(&se->exited, memory_order_relaxed)) {
		/* A ring has its own way to wait. */
		err = from == own ? sess_spin_step(&spin, own) : sess_worker_step(from, true);
		if (!sess_loop_goes_on(se, err))
			break;
		from = sess_queues_single(se, from);
	}
}

int sess_loop(struct fuse_session *se)
{
	struct sess_worker *w;
	int err = sess_loop_begin(se);

	if (err)
		return err;
	err = sess_worker_lease(se, false, &w);
	if (!err) {
		se->loop_kind = SESS_LOOP_SINGLE;
		err = sess_queues_resume(se);
		if (err)
			sess_exit(se, err);
		serve_alone(se, w);
		sess_queues_end(se);
		se->loop_kind = SESS_LOOP_NONE;
		sess_worker_release(w);
		err = atomic_load(&se->error);
	}
	sess_loop_end(se);
	return err;
}

/* That the connection ends is not an end of the session here: a mount that
 * failed in one way may be tried in another. */
static int serve_until_init(struct fuse_session *se, struct sess_worker *w)
{
	while (atomic_load(&se->state) == SESS_NEW && !atomic_load(&se->exited)) {
		int err = sess_worker_step(w, true);

		if (err == -ENODEV)
			return -ENOTCONN;
		if (!sess_loop_goes_on(se, err))
			break;
	}
	if (atomic_load(&se->state) == SESS_RUNNING)
		return 0;
	return atomic_load(&se->error) < 0 ? atomic_load(&se->error) : -ENOTCONN;
}

int sess_serve_init(struct fuse_session *se)
{
	struct sess_worker *w;
	int err = sess_loop_begin(se);

	if (err)
		return err;
	err = sess_worker_lease(se, false, &w);
	if (!err) {
		err = serve_until_init(se, w);
		sess_worker_release(w);
	}
	sess_loop_end(se);
	return err;
}

/* While one of our loops runs, the mode says nothing about the program. */
static bool wants_to_wait(struct fuse_session *se)
{
	int flags;

	if (atomic_load(&se->loops) > 0)
		return true;
	flags = fcntl(se->xport->fd, F_GETFL);
	return flags < 0 || !(flags & O_NONBLOCK);
}

ssize_t sess_receive(struct fuse_session *se, void *buf, size_t cap)
{
	struct xport_recv in = {.buf = buf, .cap = cap};
	struct sess_worker *w;
	int err;

	if (!se->xport)
		return -ENOTCONN;
	err = sess_worker_lease(se, false, &w);
	if (err)
		return err;
	if (unlikely(se->rings && atomic_load(&se->loops) == 0))
		sess_queues_withdraw(se);
	err = w->chan->x->ops->recv(w->chan, &in, wants_to_wait(se));
	sess_worker_release(w);
	if (err == 0)
		return (ssize_t)in.msg.hdr->len;
	if (err == -ENODEV || err == -ECANCELED) {
		sess_exit(se, 0);
		return 0;
	}
	return err;
}

void sess_process(struct fuse_session *se, const void *buf, size_t len)
{
	struct xport_recv in = {.buf = NULL};
	struct sess_worker *w;

	if (!se->xport)
		return;
	if (!proto_msg_flat(&in.msg, buf, len)) {
		atomic_fetch_add_explicit(&se->malformed, 1, memory_order_relaxed);
		return;
	}
	if (sess_worker_lease(se, false, &w)) {
		sess_turn_down(se, in.msg.hdr, -ENOMEM);
		return;
	}
	sess_dispatch(w, &in, true);
	sess_worker_release(w);
}
