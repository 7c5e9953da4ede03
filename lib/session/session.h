/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection: the handshake, the life of requests, interrupts, loops and
 * the end. What requests mean is the handler's business (lowlevel, cuse);
 * where bytes come from is the transport's.
 */
#ifndef PROFUSE_SESSION_SESSION_H
#define PROFUSE_SESSION_SESSION_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include "base/compiler.h"
#include "protocol/decode.h"
#include "session/caching.h"
#include "session/loop_cfg.h"
#include "transport/transport.h"

struct sess_worker;

/* Interrupts that came before their requests; see interrupt.c. */
#define SESS_INTR_NOTES 16
struct sess_intr_note {
	uint64_t target;      /* unique of the request */
	uint64_t intr_unique; /* of the INTERRUPT itself */
	struct xport_chan *chan;
	unsigned int age; /* in requests */
};
struct sess_intr_notes {
	pthread_mutex_t lock;
	_Atomic unsigned int count; /* written under lock */
	struct sess_intr_note notes[SESS_INTR_NOTES];
};

/* What stands above a session. All functions get the handler's own data. */
struct sess_handler {
	/* On the thread that handles INIT, before it is answered. */
	void (*init)(void *data, struct fuse_conn_info *conn);
	/* After INIT was answered with success; may be NULL. */
	void (*greeted)(void *data);
	/* Once, if init was called, whatever became of the handshake: on DESTROY
	 * or in sess_free. */
	void (*destroy)(void *data);
	/* A checked request. Must be answered exactly once, here or later from
	 * any thread. `r` is valid until the request is answered (while inside
	 * this call only, when the program brought the buffer itself). */
	void (*request)(void *data, fuse_req_t req, const struct proto_req *r);
	/* Is the operation at this offset of struct fuse_lowlevel_ops there? */
	bool (*implements)(void *data, size_t op_offset);
};

/* What the program wants of fuse-over-io_uring. */
struct sess_rings_wish {
	enum { SESS_RINGS_OFF, SESS_RINGS_AUTO, SESS_RINGS_ON } mode;
	unsigned int depth; /* entries a queue; 0: a sensible number */
	size_t memory;	    /* bytes for all queues together; 0: a sensible number */
};

/* Why there are none. */
struct sess_rings_off {
	enum {
		SESS_RINGS_NOT_WANTED,
		SESS_RINGS_NOT_OFFERED, /* by the peer */
		SESS_RINGS_NO_DEVICE,	/* the connection is something else */
		SESS_RINGS_FAILED,
	} why;
	int error; /* -errno; 0 where no loop would have served them */
};

/* CPUs that the program may use, as it was started. */
struct sess_cpus {
	cpu_set_t mask;
	unsigned int count;
	bool unpinned; /* the user wants no worker pinned */
};

struct sess_threads {
	pthread_mutex_t lock;
	pid_t *tids;
	unsigned int count;
	nlink_t seen; /* threads of the process when last looked */
};

enum sess_loop_kind { SESS_LOOP_NONE, SESS_LOOP_SINGLE, SESS_LOOP_MULTI };

/* A character device that the session serves instead of a mount. */
struct sess_device {
	uint32_t flags; /* CUSE_* */
	uint32_t major, minor;
	char *strings; /* "KEY=value", each with its terminator */
	size_t strings_len;
	void (*init_done)(void *userdata); /* may be NULL */
	void (*free)(struct sess_device *device);
};

/* Life of the connection; only ever moves forward. */
enum sess_state {
	SESS_NEW,	/* no INIT yet */
	SESS_RUNNING,	/* INIT answered */
	SESS_DESTROYED, /* handler's destroy was called */
};

struct fuse_session {
	const struct sess_handler *handler;
	void *handler_data;
	void *userdata; /* what fuse_req_userdata returns */

	struct sess_device *device; /* owned; NULL for filesystems */
	struct xport *xport;	    /* NULL until mounted or attached */
	struct xport *rings;	    /* its queues, if they are used; see queues.h */
	_Atomic(struct sess_queues *) queues;
	struct sess_pool *pool; /* of the multi-threaded loop that is running */
	struct sess_rings_wish rings_wish;
	struct sess_rings_off rings_off;
	struct sess_caching caching;
	bool loop_follows;	       /* a loop of ours will, though none runs at INIT */
	enum sess_loop_kind loop_kind; /* of the loop that is running */

	/* Written by the thread that handles INIT before it answers; the peer
	 * sends nothing else until then, so all others read it without locks. */
	struct proto_conn conn;
	struct fuse_conn_info info;
	_Atomic size_t bufsize; /* receive buffer that fits every request */

	_Atomic int state;	  /* enum sess_state */
	_Atomic bool greeting;	  /* a thread is handling INIT */
	_Atomic bool init_called; /* the handler's, so destroy is due */
	_Atomic bool drained;	  /* what was owed at the end was answered by us */
	_Atomic int exited;	  /* loops must end */
	_Atomic int error;	  /* what a loop returns: -errno or a signal number */
	_Atomic bool debug;

	/* Set before the loop starts. */
	bool old_defaults; /* program of the 3.16 generation: caps.def OLD */
	bool deny_others;  /* allow_root: only owner and root */
	uid_t owner;
	bool single_issuer;
	bool no_interrupt;
	bool buf_grow_ok;      /* the library owns the receive buffers */
	unsigned int max_read; /* from mount options; must match init's */

	/* Workers are only ever added while the session lives, so that an
	 * interrupt can walk them: lock to add, acquire-load to walk. */
	pthread_mutex_t workers_lock;
	_Atomic(struct sess_worker *) workers;
	unsigned int worker_count;
	/* Workers that no thread is using: of a loop that ended, or leased by
	 * callers of sess_process. Under workers_lock. */
	struct sess_worker *idle;
	/* Threads of the loops, and where they may run; see affinity.h. */
	struct sess_cpus cpus;
	struct sess_threads threads;

	/* Called, with the pool locked, when there is a request and no thread
	 * for it. Set while no loop is running; may be NULL. */
	void (*saturated)(void *data);
	void *saturated_data;

	_Atomic int loops;     /* loops of the library that are running */
	bool restore_blocking; /* the descriptor was in blocking mode before */

	struct sess_intr_notes intr;

	_Atomic uint64_t malformed; /* requests that did not decode */
	_Atomic bool malformed_logged;
	_Atomic uint64_t notify_counter; /* uniques for RETRIEVE */

	struct sess_retrievals *retrievals; /* outstanding NOTIFY_RETRIEVE */
	struct sess_notify_queue *notifyq;  /* created on first use */
	pthread_mutex_t notify_lock;	    /* creation of the two above */

	/* Mount glue, owned by lowlevel/mount.c. */
	struct ll_mount *mount;
};

/* ---- life (session.c) ---- */

PROFUSE_NODISCARD int sess_new(const struct sess_handler *handler, void *data, void *userdata,
			       struct fuse_session **out);
/* Calls destroy if due, reports requests never answered, frees everything. All
 * loops must have returned. */
void sess_free(struct fuse_session *se);

/* Gives the session its transport. -EBUSY if it has one. */
PROFUSE_NODISCARD int sess_attach(struct fuse_session *se, struct xport *x);
/* Takes it back and frees it, with all that was set up on it, as if no INIT
 * had come: the attempt to mount did not succeed. No loop may run. */
void sess_detach(struct fuse_session *se);
/* Lets go of the connection: its descriptors are replaced by one that refuses
 * everything, so that the numbers stay taken and a late answer from another
 * thread meets neither a closed descriptor nor a stranger's. No loop may run. */
void sess_retire(struct fuse_session *se);

/* As fuse_session_exit, and sets what the loop will return. Async-signal-safe.
 * The first non-zero status wins. */
void sess_exit(struct fuse_session *se, int status);

/* Handles requests on the calling thread until INIT has been answered: 0, or
 * -errno if the connection ended or init refused. For synchronous INIT. */
PROFUSE_NODISCARD int sess_serve_init(struct fuse_session *se);

/* Calls the handler's destroy if init was called and destroy was not. */
void sess_destroy_handler(struct fuse_session *se);

/* ---- receiving (loop.c, pool.c) ---- */

/* Handle requests until the session exits or its connection ends. 0 then, a
 * signal number or -errno if sess_exit was given one, -errno if receiving
 * failed. sess_loop runs every callback on the calling thread. */
int sess_loop(struct fuse_session *se);
int sess_loop_mt(struct fuse_session *se, const struct sess_loop_params *params);

/* For event loops of the program. sess_receive puts one message into buf
 * (8-byte aligned, sess_bufsize() bytes): its length, 0 when the connection is
 * over, or -errno; it waits if the descriptor is in blocking mode.
 * sess_process handles such a message on the calling thread; the bytes may be
 * reused when it returns. Any number of threads. */
ssize_t sess_receive(struct fuse_session *se, void *buf, size_t cap);
void sess_process(struct fuse_session *se, const void *buf, size_t len);
static inline size_t sess_bufsize(struct fuse_session *se)
{
	return atomic_load_explicit(&se->bufsize, memory_order_relaxed);
}

/* ---- debug output (trace.c) ---- */

void sess_trace_request(struct fuse_session *se, const struct proto_msg *msg);
void sess_trace_reply(struct fuse_session *se, const struct iovec *iov, int count);

/* ---- answers (reply.c) ---- */

/*
 * Answers req and consumes it. `error` is 0 or a negative errno. iov[0] is
 * left free for the header; the body stands in iov[1..count-1] and must be
 * empty if error is set. `kind` is what the caller means to answer; an answer
 * of a kind or size that the operation does not have is logged with its name
 * and becomes EIO. 0, or -errno:
 *   -ENOENT  the caller of the system call is gone: whatever the answer
 *            handed out (a lookup, a file handle) was not taken
 *   -EINVAL  wrong kind or size, or answered before
 */
int sess_reply(fuse_req_t req, enum proto_reply kind, int error, struct iovec *iov, int count);

/* Consumes a request that has no answer. */
void sess_reply_none(fuse_req_t req);
/* The handler will call sess_reply_none this many times; the last consumes. */
void sess_expect_none(fuse_req_t req, uint32_t times);

/* Body sizes that a successful answer to req may have. */
size_t sess_reply_min(fuse_req_t req);
size_t sess_reply_max(fuse_req_t req);

/* Memory for building the body of req's answer, at least *cap bytes on return;
 * lives until the answer. NULL if there is none of that size. The transport's
 * own where it has such, else the request's. */
void *sess_reply_buffer(fuse_req_t req, size_t want, size_t *cap);

/* ---- requests (request.h has the inside) ---- */

struct fuse_session *sess_of(fuse_req_t req);
const struct fuse_ctx *sess_ctx(fuse_req_t req);
const struct proto_req *sess_view(fuse_req_t req);
/* NULL where the view may be gone: it stood in a buffer of the program's own
 * and the handler may have returned. */
const struct proto_req *sess_view_kept(fuse_req_t req);
const struct proto_op *sess_op(fuse_req_t req);
/* Did req arrive on a ring? */
bool sess_on_ring(fuse_req_t req);
/* A counter for the handler's use; 0 when the request comes. */
uint32_t *sess_iterator(fuse_req_t req);
bool sess_interrupted(fuse_req_t req);
void sess_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data);

/* ---- notifications (notify.c) ---- */

/* Sends code with a body in iov[1..count-1]; iov[0] is left free. -ENOSYS if
 * the peer is too old for it, -ENOTCONN before INIT or without transport,
 * -EDEADLK where the calling worker is known to wait for itself. */
int sess_notify(struct fuse_session *se, enum fuse_notify_code code, struct iovec *iov, int count);

/* Ends the queue's thread and forgets outstanding retrievals; from sess_free. */
void sess_notify_fini(struct fuse_session *se);

#endif
