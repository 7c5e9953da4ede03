/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a received message to the handler. */
#include <errno.h>
#include <string.h>

#include "session/worker.h"

void sess_turn_down(struct fuse_session *se, const struct fuse_in_header *hdr, int error)
{
	const struct proto_op *op = proto_op_find(hdr->opcode);
	struct fuse_out_header out = {.len = sizeof(out), .error = error, .unique = hdr->unique};
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	if (!op || !proto_op_has(op, PROTO_F_NOREPLY))
		se->xport->ops->notify(se->xport, &iov, 1);
}

void sess_answer_enomem(struct sess_worker *w, const struct xport_recv *in)
{
	const struct proto_op *op = proto_op_find(in->msg.hdr->opcode);
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -ENOMEM,
		.unique = in->msg.hdr->unique,
	};
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	if (!op || !proto_op_has(op, PROTO_F_NOREPLY))
		w->chan->x->ops->send(w->chan, in->slot, &iov, 1);
}

static int error_for(enum proto_error err)
{
	return err == PROTO_ERR_OPCODE ? -ENOSYS : -EIO;
}

/* Answers what did not decode, counts it, and logs the first. */
static void refuse_malformed(struct sess_req *r, enum proto_error err)
{
	struct fuse_session *se = r->se;
	const struct fuse_in_header *hdr = r->view.hdr;
	struct iovec iov[1];

	atomic_fetch_add_explicit(&se->malformed, 1, memory_order_relaxed);
	if (!atomic_exchange(&se->malformed_logged, true))
		fuse_log(FUSE_LOG_ERR,
			 "fuse: malformed request: opcode %s (%u), unique %llu, %u bytes: %s "
			 "(further ones are counted only)\n",
			 proto_op_name(hdr->opcode), hdr->opcode, (unsigned long long)hdr->unique,
			 hdr->len, proto_error_text(err));
	if (r->view.op && proto_op_has(r->view.op, PROTO_F_NOREPLY))
		sess_reply_none(req_handle(r));
	else
		sess_reply(req_handle(r), PROTO_REPLY_EMPTY, error_for(err), iov, 1);
}

static void refuse(struct sess_req *r, int error)
{
	struct iovec iov[1];

	if (proto_op_has(r->view.op, PROTO_F_NOREPLY))
		sess_reply_none(req_handle(r));
	else
		sess_reply(req_handle(r), PROTO_REPLY_EMPTY, error, iov, 1);
}

/* The umask that came with the creating operations. */
static mode_t umask_of(const struct proto_req *v, uint32_t minor)
{
	switch (v->op->opcode) {
	case FUSE_MKNOD:
		return minor < 12 ? 0 : ((const struct fuse_mknod_in *)v->in)->umask;
	case FUSE_MKDIR:
		return minor < 12 ? 0 : ((const struct fuse_mkdir_in *)v->in)->umask;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return minor < 12 ? 0 : ((const struct fuse_create_in *)v->in)->umask;
	default:
		return 0;
	}
}

static void fill_request(struct sess_req *r, struct sess_worker *w, const struct xport_recv *in)
{
	const struct fuse_in_header *hdr = in->msg.hdr;

	r->chan = w->chan;
	r->slot = in->slot;
	r->wire_unique = hdr->unique;
	r->msg_len = hdr->len;
	r->view_split = in->msg.split;
	r->reply_min = r->reply_max = 0;
	r->ctx = (struct fuse_ctx){
		.uid = hdr->uid,
		.gid = hdr->gid,
		.pid = (pid_t)hdr->pid,
	};
}

/* With allow_root the kernel lets everybody in, and the check is ours. The
 * operations marked ROOT_OK work on what was opened, or carry no caller. */
static bool denied(const struct sess_req *r)
{
	const struct fuse_session *se = r->se;

	return se->deny_others && r->ctx.uid != se->owner && r->ctx.uid != 0 &&
	       !proto_op_has(r->view.op, PROTO_F_ROOT_OK);
}

/* Filesystems allocate what a request wants to have. The kernel wants no more
 * than max_pages (read, readdir, ioctl) or 64 KiB (xattr), and the size of our
 * buffers is made from the same numbers. */
static bool wants_too_much(const struct sess_req *r)
{
	return r->reply_max > sess_bufsize(r->se);
}

static void handle(struct sess_worker *w, struct sess_req *r)
{
	struct fuse_session *se = r->se;

	r->ctx.umask = umask_of(&r->view, se->conn.minor);
	proto_reply_bounds(&se->conn, &r->view, &r->reply_min, &r->reply_max);
	if (unlikely(wants_too_much(r))) {
		refuse_malformed(r, PROTO_ERR_DEMAND);
		return;
	}
	if (!proto_op_has(r->view.op, PROTO_F_NOREPLY)) {
		req_publish(r, r->wire_unique & ~FUSE_UNIQUE_RESEND);
		sess_check_early_interrupt(r);
	}
	w->current = r;
	se->handler->request(se->handler_data, req_handle(r), &r->view);
	w->current = NULL;
}

static void handle_destroy(struct sess_req *r)
{
	struct iovec iov[1];

	sess_destroy_handler(r->se);
	sess_reply(req_handle(r), PROTO_REPLY_EMPTY, 0, iov, 1);
}

/* One at a time, and none after one that succeeded. The kernel keeps to that;
 * other peers may send what they like to several threads. */
static void handle_greeting(struct sess_req *r)
{
	struct fuse_session *se = r->se;
	bool device = r->view.op->opcode == FUSE_CUSE_INIT;

	if (atomic_exchange(&se->greeting, true)) {
		refuse(r, -EIO);
		return;
	}
	if (atomic_load(&se->state) != SESS_NEW || device != (se->device != NULL))
		refuse(r, -EIO);
	else if (device)
		sess_handle_device_init(r);
	else
		sess_handle_init(r);
	atomic_store(&se->greeting, false);
}

static void route(struct sess_worker *w, struct sess_req *r)
{
	/* Acquire: what the INIT thread settled is visible. */
	int state = atomic_load_explicit(&r->se->state, memory_order_acquire);

	if (unlikely(proto_op_has(r->view.op, PROTO_F_PREINIT))) {
		handle_greeting(r);
	} else if (unlikely(state != SESS_RUNNING)) {
		refuse(r, -EIO);
	} else if (unlikely(denied(r))) {
		refuse(r, -EACCES);
	} else if (unlikely(r->view.op->opcode == FUSE_INTERRUPT)) {
		sess_handle_interrupt(r);
	} else if (unlikely(r->view.op->opcode == FUSE_DESTROY)) {
		handle_destroy(r);
	} else {
		handle(w, r);
	}
}

void sess_dispatch(struct sess_worker *w, const struct xport_recv *in, bool foreign)
{
	struct sess_worker *before = sess_worker_enter(w);
	struct sess_req *r = req_get(w);
	enum proto_error err;

	if (unlikely(!r)) {
		sess_answer_enomem(w, in);
		sess_worker_enter(before);
		return;
	}
	fill_request(r, w, in);
	r->buf = foreign ? NULL : w->buf;
	if (unlikely(atomic_load_explicit(&w->se->debug, memory_order_relaxed)))
		sess_trace_request(w->se, &in->msg);
	err = proto_decode(&w->se->conn, &in->msg, &r->view);
	if (unlikely(err != PROTO_OK)) {
		r->op_index = r->view.op ? r->view.op->index : PROTO_OP_COUNT;
		refuse_malformed(r, err);
	} else {
		r->op_index = r->view.op->index;
		atomic_store_explicit(&w->stats.requests[r->op_index],
				      atomic_load_explicit(&w->stats.requests[r->op_index],
							   memory_order_relaxed) +
					      1,
				      memory_order_relaxed);
		route(w, r);
	}
	req_callback_done(w, r);
	sess_worker_enter(before);
}
