/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of the low-level API: what its files share.
 *
 *   dispatch*.c  request views to callbacks, one adapter per operation
 *   reply_*.c    typed answers to bytes
 *   session.c, options.c, mount.c, loop.c, external.c  a session's life
 *   notify.c     messages to the kernel
 */
#ifndef PROFUSE_LOWLEVEL_LL_H
#define PROFUSE_LOWLEVEL_LL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/log.h"
#include "mount/mount.h"
#include "session/session.h"

enum ll_sync_init {
	LL_SYNC_AUTO, /* if a parent waits for the outcome */
	LL_SYNC_ON,
	LL_SYNC_OFF,
};

/* What a program gave to fuse_session_new(), and what became of it; the
 * session's handler_data. */
struct ll {
	struct fuse_session *se;
	struct fuse_lowlevel_ops ops;

	/* The handshake: init() is called once, also if a mount that came as
	 * far as that is then tried in another way. */
	bool init_called;
	struct fuse_conn_info init_wishes;

	/* mount.c */
	struct mnt_opts *mnt_opts;
	struct mnt_result mnt;
	char *mountpoint; /* while mounted */
	bool released;	  /* the connection was let go of */
	enum ll_sync_init sync_init;
	bool init_in_mount; /* INIT is being served by init_thread */
	pthread_t init_thread;
	int init_error;

	_Atomic bool backing_logged; /* that a backing file was refused */

	/* watchdog.c */
	pthread_mutex_t watchdog_lock;
	struct ll_watchdog *watchdog;
};

static inline struct ll *ll_of(struct fuse_session *se)
{
	return se->handler_data;
}

/* An operation's way from the wire to the callback. `call` is entered only if
 * one of the callbacks at `op` and `alt` exists. */
struct ll_route {
	void (*call)(const struct ll *ll, fuse_req_t req, const struct proto_req *r);
	uint16_t op, alt;
	uint8_t missing; /* enum ll_missing */
};

/* What an operation without a callback is answered. */
enum ll_missing {
	LL_ENOSYS,
	LL_OK,	    /* success */
	LL_OPEN,    /* an open without handle, or ENOSYS if the kernel may go on
		     * without opening (NO_OPEN_SUPPORT) */
	LL_OPENDIR, /* likewise */
	LL_STATFS,  /* plausible numbers */
	LL_NONE,    /* nothing, as there is no answer */
};

extern const struct sess_handler ll_handler;

/* ---- a session's life (session.c, options.c, mount.c, conn.c) ---- */

/* Takes the options of this layer out of args: 0 or -1 with a message in the
 * log, also for options that nobody knows. */
int ll_parse_options(struct ll *ll, struct fuse_args *args);

/* After the last use of the connection: frees what the mount left. */
void ll_mount_end(struct ll *ll);

/* The watchdog hears that the connection is over; that the session is gone. */
void ll_watchdog_poke(struct ll *ll);
void ll_watchdog_leave(struct ll *ll);

/* Marks what init() gets, for fuse_conn_is_sync_init(). */
void ll_conn_set_sync_init(struct fuse_conn_info *conn);

/* In debug mode: what was agreed on (describe.c). */
void ll_describe_for_debug(struct fuse_session *se);

/* The same in other lines, if the environment asks for them (init_status.c). */
void ll_say_init_status(const struct fuse_session *se);

/* ---- adapters (dispatch_*.c) ---- */

#define LL_ADAPTER(name)                                                                           \
	void ll_do_##name(const struct ll *ll, fuse_req_t req, const struct proto_req *r)

LL_ADAPTER(lookup);
LL_ADAPTER(symlink);
LL_ADAPTER(mknod);
LL_ADAPTER(mkdir);
LL_ADAPTER(unlink);
LL_ADAPTER(rmdir);
LL_ADAPTER(rename);
LL_ADAPTER(rename2);
LL_ADAPTER(link);
LL_ADAPTER(create);
LL_ADAPTER(tmpfile);

LL_ADAPTER(getattr);
LL_ADAPTER(setattr);
LL_ADAPTER(statx);
LL_ADAPTER(readlink);
LL_ADAPTER(access);
LL_ADAPTER(statfs);
LL_ADAPTER(syncfs);

LL_ADAPTER(open);
LL_ADAPTER(read);
LL_ADAPTER(write);
LL_ADAPTER(flush);
LL_ADAPTER(release);
LL_ADAPTER(fsync);
LL_ADAPTER(fallocate);
LL_ADAPTER(lseek);
LL_ADAPTER(copy_file_range);
LL_ADAPTER(bmap);

LL_ADAPTER(opendir);
LL_ADAPTER(readdir);
LL_ADAPTER(readdirplus);
LL_ADAPTER(releasedir);
LL_ADAPTER(fsyncdir);

LL_ADAPTER(setxattr);
LL_ADAPTER(getxattr);
LL_ADAPTER(listxattr);
LL_ADAPTER(removexattr);

LL_ADAPTER(getlk);
LL_ADAPTER(setlk);
LL_ADAPTER(setlkw);

LL_ADAPTER(ioctl);
LL_ADAPTER(poll);

LL_ADAPTER(forget);
LL_ADAPTER(batch_forget);
LL_ADAPTER(notify_reply);

/* ---- notifications (notify.c) ---- */

/* fuse_lowlevel_notify_expire_entry(), whatever the library's generation. */
int ll_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
			   size_t namelen);

/* For base/tsan.h: a file is released only when its reads have been answered. */
static inline void *ll_file_order(fuse_req_t req, uint64_t fh)
{
	return (char *)sess_of(req) + fh % 64;
}

/* ---- answers (reply_*.c) ---- */

/* Answers with one piece of body. */
int ll_reply(fuse_req_t req, enum proto_reply kind, const void *body, size_t len);

/* Answers with -errno `error`; the way out for adapters. */
int ll_reply_error(fuse_req_t req, int error);

/* The program answered with something that the kernel would refuse, most often
 * without telling anybody: logs the operation and `why`, answers EIO, and
 * returns -EINVAL for the program. */
int ll_refuse(fuse_req_t req, const char *why);

/* The kind under which plain bytes answer req; PROTO_REPLY_BYTES, which then
 * does not fit, where it has no such form. */
enum proto_reply ll_bytes_kind(fuse_req_t req, size_t len);

/* Sums up an iovec: false on overflow. */
PROFUSE_NODISCARD bool ll_iov_size(const struct iovec *iov, int count, size_t *out);

/* Answers with `head` (not counted as `iov`, may be NULL) and an iovec of any
 * length. The kind is checked against the sizes by the session. */
int ll_reply_iov(fuse_req_t req, enum proto_reply kind, const void *head, size_t head_len,
		 const struct iovec *iov, int count);

#endif
