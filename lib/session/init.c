/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handshake. The peer offers a protocol minor, limits and flags; the
 * handler's init() sees them as fuse_conn_info and says what it wants; the
 * answer settles both. Everything about a flag is in caps.def.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/background.h"
#include "session/queues.h"
#include "session/want.h"
#include "session/worker.h"

#define DEFAULT_MAX_PAGES	256  /* fs.fuse.max_pages_limit on most machines */
#define MOST_DEFAULT_PAGES	2048 /* 8 MiB */
#define PAGES_WITHOUT_MAX_PAGES 32
#define MIN_MAX_WRITE		4096

/* "none" for a flag that programs do not see. */
#define FUSE_CAP_none 0

static uint64_t offered_flags(const struct fuse_init_in *in)
{
	uint64_t flags = in->flags;

	if (flags & FUSE_INIT_FLAG(INIT_EXT))
		flags |= (uint64_t)in->flags2 << 32;
	return flags;
}

static uint64_t caps_of(uint64_t flags)
{
	uint64_t caps = 0;

#define CAP(flag, bit, since, cap, ...)                                                            \
	if (flags & FUSE_INIT_FLAG(flag))                                                          \
		caps |= FUSE_CAP_##cap;
#include "protocol/caps.def"
#undef CAP
	return caps;
}

/* The other direction: flags to answer for what is wanted, within the offer. */
static uint64_t flags_of(uint64_t caps, uint64_t offered)
{
	uint64_t flags = 0;

#define CAP(flag, bit, since, cap, ...)                                                            \
	if (caps & FUSE_CAP_##cap)                                                                 \
		flags |= FUSE_INIT_FLAG(flag);
#include "protocol/caps.def"
#undef CAP
	return flags & offered;
}

enum cap_policy { ALWAYS, OP, OLD, ASK, FORCED, VALUE, TRANSPORT, NEVER };

#define OP_OFFSET(op)	    OP_OFFSET_(op)
#define OP_OFFSET_(op)	    offsetof(struct fuse_lowlevel_ops, op)
#define implemented(se, op) ((se)->handler->implements((se)->handler_data, op))

/* init is the first member, so its offset can stand for "none". */
#define OP_none init
static bool has_op(const struct fuse_session *se, size_t offset)
{
	return offset == offsetof(struct fuse_lowlevel_ops, init) || implemented(se, offset);
}

static bool wanted_by_default(const struct fuse_session *se, enum cap_policy policy, size_t op1,
			      size_t op2)
{
	switch (policy) {
	case ALWAYS:
		return true;
	case OP:
		return has_op(se, op1) && has_op(se, op2);
	case OLD:
		return se->old_defaults;
	default:
		return false;
	}
}

static uint64_t default_want(const struct fuse_session *se, uint64_t capable)
{
	uint64_t want = 0;

#define OP_open	       open
#define OP_getlk       getlk
#define OP_setlk       setlk
#define OP_flock       flock
#define OP_write_buf   write_buf
#define OP_readdirplus readdirplus
#define OP_readdir     readdir
#define CAP(flag, bit, since, cap, policy, op1, op2)                                               \
	if (wanted_by_default(se, policy, OP_OFFSET(OP_##op1), OP_OFFSET(OP_##op2)))               \
		want |= FUSE_CAP_##cap;
#include "protocol/caps.def"
#undef CAP
	/* Nor could such a program empty a file if the kernel asked: O_TRUNC has no
	 * effect then, instead of an error. */
	if (!has_op(se, OP_OFFSET(open)) && !has_op(se, OP_OFFSET(setattr)))
		want |= FUSE_CAP_ATOMIC_O_TRUNC;
	return want & capable;
}

static size_t kernel_max_pages(void)
{
	unsigned int limit = DEFAULT_MAX_PAGES;
	FILE *f = fopen("/proc/sys/fs/fuse/max_pages_limit", "re");

	if (f) {
		if (fscanf(f, "%u", &limit) != 1 || limit == 0 || limit > UINT16_MAX)
			limit = DEFAULT_MAX_PAGES;
		fclose(f);
	}
	return limit;
}

/* As many as the kernel allows, as long as a buffer for each worker is no burden:
 * what a large request has filled once stays resident. Rings have many buffers.
 * Programs may ask for more. */
static size_t default_pages(const struct fuse_session *se, uint64_t flags)
{
	size_t pages;

	if (!(flags & FUSE_INIT_FLAG(MAX_PAGES)))
		return PAGES_WITHOUT_MAX_PAGES;
	if (!se->buf_grow_ok ||
	    (se->rings_wish.mode != SESS_RINGS_OFF && (flags & FUSE_INIT_FLAG(OVER_IO_URING))))
		return DEFAULT_MAX_PAGES;
	pages = kernel_max_pages();
	return pages < MOST_DEFAULT_PAGES ? pages : MOST_DEFAULT_PAGES;
}

static void offer(struct fuse_session *se, const struct fuse_init_in *in, uint64_t flags)
{
	struct fuse_conn_info *info = &se->info;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*info = (struct fuse_conn_info){
		.proto_major = in->major,
		.proto_minor = in->minor,
		.max_read = se->max_read,
		.max_readahead = in->max_readahead,
		.max_write = (uint32_t)(default_pages(se, flags) * page),
		.time_gran = 1,
		.no_interrupt = se->no_interrupt,
		.io_uring_single_issuer = se->single_issuer,
		.capable_ext = caps_of(flags),
	};
	info->capable = (uint32_t)info->capable_ext;
	info->want_ext = default_want(se, info->capable_ext);
	info->want = (uint32_t)info->want_ext;
}

/* 0, or -EPROTO with a line that says what init() asked for in vain. */
static int check_wishes(const struct fuse_session *se)
{
	const struct fuse_conn_info *info = &se->info;

	if (info->want_ext & ~info->capable_ext) {
		fuse_log(FUSE_LOG_ERR,
			 "fuse: init asked for capabilities 0x%llx that the kernel does not have\n",
			 (unsigned long long)(info->want_ext & ~info->capable_ext));
		return -EPROTO;
	}
	if (info->max_read != se->max_read) {
		fuse_log(FUSE_LOG_ERR,
			 "fuse: init set max_read to %u, but the mount option says %u; "
			 "both must be the same\n",
			 info->max_read, se->max_read);
		return -EPROTO;
	}
	return 0;
}

static void limit_wishes(struct fuse_session *se, uint64_t flags)
{
	struct fuse_conn_info *info = &se->info;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t limit = PAGES_WITHOUT_MAX_PAGES * page;

	if (flags & FUSE_INIT_FLAG(MAX_PAGES))
		limit = kernel_max_pages() * page;
	/* A program that receives by itself has buffers of the usual size. */
	if (!se->buf_grow_ok && limit > DEFAULT_MAX_PAGES * page)
		limit = DEFAULT_MAX_PAGES * page;
	if (info->max_write > limit)
		info->max_write = (uint32_t)limit;
	if (info->max_write < MIN_MAX_WRITE)
		info->max_write = MIN_MAX_WRITE;
	if (info->max_background > UINT16_MAX)
		info->max_background = UINT16_MAX;
	if (info->congestion_threshold == 0)
		info->congestion_threshold = info->max_background * 3 / 4;
	if (info->congestion_threshold > info->max_background)
		info->congestion_threshold = info->max_background;
	if (info->time_gran == 0)
		info->time_gran = 1;
}

/* Programs of the 3.16 generation find HANDLE_KILLPRIV among their wishes. But their
 * libfuse never told the kernel, which has cleared the setuid bits of what was
 * written; the programs do not. */
static uint64_t without_empty_wishes(const struct fuse_session *se, uint64_t flags)
{
	return se->old_defaults ? flags & ~FUSE_INIT_FLAG(HANDLE_KILLPRIV) : flags;
}

static void fill_answer(const struct fuse_session *se, const struct fuse_init_in *in,
			uint64_t offered, struct fuse_init_out *out)
{
	const struct fuse_conn_info *info = &se->info;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t flags = without_empty_wishes(se, flags_of(info->want_ext, offered));

	flags |= offered & (FUSE_INIT_FLAG(BIG_WRITES) | FUSE_INIT_FLAG(MAX_PAGES) |
			    FUSE_INIT_FLAG(INIT_EXT));
	*out = (struct fuse_init_out){
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor
							       : FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = info->max_readahead < in->max_readahead ? info->max_readahead
									 : in->max_readahead,
		.max_background = (uint16_t)info->max_background,
		.congestion_threshold = (uint16_t)info->congestion_threshold,
		.max_write = info->max_write,
		.time_gran = info->time_gran,
	};
	if (flags & FUSE_INIT_FLAG(MAX_PAGES))
		out->max_pages = (uint16_t)((info->max_write + page - 1) / page);
	if (flags & FUSE_INIT_FLAG(PASSTHROUGH))
		/* The wire counts layers from 1, the API from 0. */
		out->max_stack_depth = info->max_backing_stack_depth + 1;
	if (info->request_timeout && (offered & FUSE_INIT_FLAG(REQUEST_TIMEOUT))) {
		flags |= FUSE_INIT_FLAG(REQUEST_TIMEOUT);
		out->request_timeout = info->request_timeout;
	}
	out->flags = (uint32_t)flags;
	out->flags2 = (uint32_t)(flags >> 32);
}

/* Messages are at most a header, an argument, and the largest of: data of
 * max_write, data of max_pages (ioctl), an xattr, two long names. */
static size_t receive_size(const struct fuse_init_out *out)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = out->max_pages ? out->max_pages : PAGES_WITHOUT_MAX_PAGES;
	size_t data = out->max_write;

	if (data < pages * page)
		data = pages * page;
	if (data < 65536)
		data = 65536;
	return data + 2 * page;
}

static size_t answer_size(const struct fuse_init_out *out)
{
	if (out->minor < 5)
		return FUSE_COMPAT_INIT_OUT_SIZE;
	return out->minor < 23 ? FUSE_COMPAT_22_INIT_OUT_SIZE : sizeof(*out);
}

static int negotiate(struct fuse_session *se, const struct fuse_init_in *in,
		     struct fuse_init_out *out)
{
	uint64_t offered = offered_flags(in), before;
	int err;

	offer(se, in, offered);
	before = se->info.want_ext;
	atomic_store(&se->init_called, true);
	if (se->handler->init)
		se->handler->init(se->handler_data, &se->info);
	sess_merge_wants(&se->info, before);
	err = check_wishes(se);
	if (err)
		return err;
	limit_wishes(se, offered);
	fill_answer(se, in, offered, out);
	se->no_interrupt = se->info.no_interrupt;
	se->single_issuer = se->info.io_uring_single_issuer;
	return 0;
}

static void settle(struct fuse_session *se, const struct fuse_init_out *out)
{
	se->conn.minor = out->minor;
	se->conn.flags = out->flags | (uint64_t)out->flags2 << 32;
	atomic_store_explicit(&se->bufsize, receive_size(out), memory_order_relaxed);
	/* Release: who sees RUNNING sees all of the above. Before the answer,
	 * because the next request may be in another worker's hands before
	 * send returns. */
	atomic_store_explicit(&se->state, SESS_RUNNING, memory_order_release);
}

static void refuse_init(struct sess_req *r, int err)
{
	struct iovec iov[1];
	struct fuse_session *se = r->se;

	/* Any error ends the connection. */
	sess_reply(req_handle(r), PROTO_REPLY_EMPTY, err, iov, 1);
	sess_exit(se, err);
}

void sess_handle_init(struct sess_req *r)
{
	const struct fuse_init_in *in = r->view.in;
	struct fuse_session *se = r->se;
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION};
	struct iovec iov[2] = {{0}, {.iov_base = &out}};
	int err;

	proto_reply_bounds(&se->conn, &r->view, &r->reply_min, &r->reply_max);
	if (in->major > FUSE_KERNEL_VERSION) {
		/* Tell our version; the peer begins again with it. */
		iov[1].iov_len = FUSE_COMPAT_INIT_OUT_SIZE;
		sess_reply(req_handle(r), PROTO_REPLY_INIT, 0, iov, 2);
		return;
	}
	if (in->major < FUSE_KERNEL_VERSION || in->minor < FUSE_KERNEL_MINOR_MIN) {
		fuse_log(FUSE_LOG_ERR, "fuse: protocol %u.%u is older than 7.%u\n", in->major,
			 in->minor, FUSE_KERNEL_MINOR_MIN);
		refuse_init(r, -EPROTO);
		return;
	}
	err = negotiate(se, in, &out);
	if (err) {
		refuse_init(r, err);
		return;
	}
	sess_queues_prepare(se, offered_flags(in), &out);
	settle(se, &out);
	iov[1].iov_len = answer_size(&out);
	if (sess_reply(req_handle(r), PROTO_REPLY_INIT, 0, iov, 2) == 0)
		bg_note(BG_SERVING);
	if (se->handler->greeted)
		se->handler->greeted(se->handler_data);
	sess_queues_go(se);
}
