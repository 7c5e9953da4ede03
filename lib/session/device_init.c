/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handshake of a character device (CUSE). There is nothing to negotiate but
 * the sizes; the answer brings the device's number and its strings. */
#include <errno.h>

#include "session/worker.h"

/* The kernel moves at most this much in a request: 32 pages, its default for
 * connections whose handshake cannot raise it. */
#define DEVICE_MAX_IO (32u * 4096u)

static void settle(struct fuse_session *se, uint32_t minor)
{
	se->conn.minor = minor;
	atomic_store_explicit(&se->bufsize, DEVICE_MAX_IO + 2 * 4096, memory_order_relaxed);
	/* Release: as for INIT. */
	atomic_store_explicit(&se->state, SESS_RUNNING, memory_order_release);
}

static void fill_info(struct fuse_session *se, const struct fuse_cuse_init_in *in)
{
	se->info = (struct fuse_conn_info){
		.proto_major = in->major,
		.proto_minor = in->minor,
		.max_read = DEVICE_MAX_IO,
		.max_write = DEVICE_MAX_IO,
		.time_gran = 1,
	};
}

void sess_handle_device_init(struct sess_req *r)
{
	const struct fuse_cuse_init_in *in = r->view.in;
	struct fuse_session *se = r->se;
	const struct sess_device *device = se->device;
	struct fuse_cuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor
							       : FUSE_KERNEL_MINOR_VERSION,
		.flags = device->flags,
		.max_read = DEVICE_MAX_IO,
		.max_write = DEVICE_MAX_IO,
		.dev_major = device->major,
		.dev_minor = device->minor,
	};
	struct iovec iov[3] = {
		{0},
		{.iov_base = &out, .iov_len = sizeof(out)},
		{.iov_base = device->strings, .iov_len = device->strings_len},
	};

	proto_reply_bounds(&se->conn, &r->view, &r->reply_min, &r->reply_max);
	/* 11 brought character devices. */
	if (in->major != FUSE_KERNEL_VERSION || in->minor < 11) {
		fuse_log(FUSE_LOG_ERR, "cuse: protocol %u.%u is not understood\n", in->major,
			 in->minor);
		sess_reply(req_handle(r), PROTO_REPLY_EMPTY, -EPROTO, iov, 1);
		sess_exit(se, -EPROTO);
		return;
	}
	fill_info(se, in);
	atomic_store(&se->init_called, true);
	if (se->handler->init)
		se->handler->init(se->handler_data, &se->info);
	settle(se, out.minor);
	sess_reply(req_handle(r), PROTO_REPLY_INIT, 0, iov, 3);
	if (device->init_done)
		device->init_done(se->userdata);
}
