/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What profuse offers beyond the libfuse interface. Programs that use it ask
 * pkg-config for "profuse"; all else in them stays as it is.
 */
#ifndef PROFUSE_H_
#define PROFUSE_H_

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 319
#endif

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fuse3/fuse.h"
#include "fuse3/fuse_lowlevel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of profuse that is running, e.g. "0.1.0". Static. */
const char *profuse_version(void);

/*
 * The notification queue.
 *
 * The fuse_lowlevel_notify_* functions write to the device at once, and some of
 * them wait for locks that the request which is just being served may hold:
 * called from a handler they can deadlock. The functions below only put the
 * notification into a queue of the session; a thread of its own delivers it. They never
 * wait and may be called on any thread, in any handler, with any lock held
 * (not in a signal handler).
 *
 * Notifications are delivered in the order in which they were queued, with one
 * exception that nobody can see: a notification about the same name, or the same
 * inode's data, as an undelivered one is merged into that, if both together
 * amount to one (the same name invalidated twice, byte ranges that touch or
 * overlap) and nothing else about it was queued in between. Epochs and resends
 * are merged likewise.
 *
 * The queue is bounded. When it is full, -ENOBUFS is returned and nothing is
 * queued; a caller to whom that matters uses profuse_notify_queue_epoch(), for which
 * there is always room, or profuse_notify_flush() outside of handlers.
 *
 * Return values: 0; -EINVAL for arguments that the synchronous function would refuse;
 * -ENOSYS if the kernel does not know the notification; -ENOBUFS; -ENOTCONN
 * if the session is not mounted or has ended; -ENOMEM.
 *
 * What the kernel makes of it later (-ENOENT for what it has not cached, for
 * example) is counted but reported to nobody.
 */
int profuse_notify_queue_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len);
int profuse_notify_queue_inval_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
				     size_t namelen);
int profuse_notify_queue_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
				      size_t namelen);
int profuse_notify_queue_delete(struct fuse_session *se, fuse_ino_t parent, fuse_ino_t child,
				const char *name, size_t namelen);

/* The data is copied (read, for file descriptors) before this returns. */
int profuse_notify_queue_store(struct fuse_session *se, fuse_ino_t ino, off_t offset,
			       struct fuse_bufvec *bufv);

int profuse_notify_queue_prune(struct fuse_session *se, const fuse_ino_t *nodeids, uint32_t count);
int profuse_notify_queue_epoch(struct fuse_session *se);

/* Asks the kernel to send unanswered requests once more. */
int profuse_notify_queue_resend(struct fuse_session *se);

/*
 * Waits until everything queued before the call has been delivered. Not for
 * handlers. timeout_ms bounds the wait; negative waits without limit. Returns
 * 0, -ETIMEDOUT, -ENOTCONN if the session ended first, or -EDEADLK if called
 * on a thread that serves a request of this session.
 */
int profuse_notify_flush(struct fuse_session *se, int timeout_ms);

/*
 * Bounds the queue: bytes, names and stored data included. The default is 4 MiB.
 * To be called before the session loop.
 */
void profuse_notify_queue_limit(struct fuse_session *se, size_t bytes);

/*
 * Serves a connected socket instead of a mount: the peer speaks the protocol
 * of /dev/fuse. On SOCK_SEQPACKET and SOCK_DGRAM a packet is a message; on a
 * byte stream the length in the message header separates them.
 *
 * Called instead of fuse_session_mount(); the loops and everything else work
 * as usual, except what needs the kernel (passthrough, io_uring, splice). The
 * session owns fd on success and closes it when it is destroyed.
 *
 * Returns 0, or a negative errno: -EINVAL if fd is no socket or not connected,
 * -EBUSY if the session already has a connection.
 */
int profuse_session_stream(struct fuse_session *se, int fd);

/*
 * Requests over io_uring (the options io_uring, io_uring_q_depth and
 * io_uring_memory; see profuse(7)).
 *
 * profuse_session_uring() returns 1 if the session's requests travel over rings, 0
 * if they do not (or not yet: that is settled when the kernel has been
 * answered its first message). With 1 it describes the rings in *info unless that
 * is NULL. `size` is sizeof(*info), so that a later version can add fields; the
 * fields that a version does not have are set to 0. Any thread.
 */
struct profuse_uring_info {
	uint32_t queues;  /* one for each CPU that there could be */
	uint32_t threads; /* that serve them at present */
	uint32_t entries; /* places for a request, of all queues together */
	uint32_t padding;
	uint64_t payload_bytes; /* of an entry's buffer; resident as far as it was used */
};
int profuse_session_uring(struct fuse_session *se, struct profuse_uring_info *info, size_t size);

/*
 * Records everything that the session receives and sends to a new file, for
 * profuse_session_replay(). Contents of files are part of it, so it is created
 * with mode 0600; an existing file is left alone (-EEXIST). To be called after
 * the session got its connection (fuse_session_mount() and the like) and
 * before its loop. A recording that cannot be continued, on a full disk for
 * example, ends; the session does not. Returns 0 or a negative errno.
 */
int profuse_session_record(struct fuse_session *se, const char *path);

/*
 * Gives the session a recording instead of a connection: its requests are
 * served in their order, answers go nowhere, and the loop ends after the last.
 * The filesystem must be the one that was recorded, in the state it had then,
 * for node ids and file handles to mean the same. Called instead of
 * fuse_session_mount(). Returns 0, or a negative errno: -EBADMSG if the file is
 * no recording, -EBUSY if the session already has a connection.
 */
int profuse_session_replay(struct fuse_session *se, const char *path);

/*
 * What a live session agreed on with the kernel. The strings are static.
 */
struct profuse_session_info {
	uint32_t proto_minor; /* of protocol 7 */
	uint32_t max_write;   /* bytes of a request */
	uint32_t max_pages;   /* the same for reads, in pages */
	uint32_t max_readahead;
	uint32_t max_background;
	uint32_t congestion_threshold;
	uint32_t stack_depth; /* of backing files; 0: there are none */
	uint32_t padding;
	uint64_t flags;	       /* FUSE_INIT flags of the kernel's numbering, as answered */
	uint64_t buffer_bytes; /* of a worker; resident as far as it was used */
	const char *transport; /* "dev", "io_uring", "stream" ... */
	const char *cache;     /* the profile: "default", "none" ... */
};

/*
 * Fills in *info. `size` is sizeof(*info), so that a later version can add members;
 * those that a version does not have are set to 0. Any thread. Returns 0, or -ENOTCONN
 * before the kernel's first request was answered.
 */
int profuse_session_get_info(struct fuse_session *se, struct profuse_session_info *info,
			     size_t size);

/* How many requests of an operation ("LOOKUP", "READ" ...) have come so far; 0 for
 * a name that is none. Any thread. */
uint64_t profuse_session_requests(struct fuse_session *se, const char *operation);

/*
 * Writes all that to out, a line for each: "max_write: 1048576", the flags by
 * name, and for each operation that came "requests LOOKUP: 17". Any thread.
 * Returns 0 or a negative errno: -ENOTCONN as above, -EIO if it cannot be
 * written. With -d the first part is printed when the session begins.
 */
int profuse_session_describe(struct fuse_session *se, FILE *out);

/*
 * Path API: files that were removed while they are open.
 *
 * fuse_config.nullpath_ok says that callbacks which are given an open file do
 * without a path. Extended attributes and access() have no such argument, so
 * for a file without a path they fail with ENOENT. A filesystem that calls
 * profuse_accept_null_paths() in its init() gets these too, with path NULL, and
 * finds an open file of that file, good for the duration of the callback, by
 * profuse_open_file(). That returns NULL in all other cases. lseek(), too, gets
 * the path of a file that has one unless this function was called, as programs
 * written for libfuse may rely on it.
 */
void profuse_accept_null_paths(struct fuse_config *cfg);
struct fuse_file_info *profuse_open_file(void);

/*
 * Files that the kernel reads and writes by itself ("passthrough"), as fast as
 * the files below: no READ and no WRITE reaches the filesystem, mappings go to
 * the file below, too, and everything else works as usual. Needs Linux 6.9, and
 * CAP_SYS_ADMIN outside of user namespaces.
 *
 * profuse_want_backing_files() asks for it, in the init() callback of either
 * API. fd is a descriptor of a place where such files lie, by which the depth of
 * stacking is chosen: below another stacked filesystem (overlayfs, FUSE) they are
 * one level deeper, and then no other can be stacked on the mount. With -1 the
 * depth is the largest. Returns false, and changes nothing, if the kernel cannot do it
 * or the writeback cache, which excludes it, was asked for.
 */
bool profuse_want_backing_files(struct fuse_conn_info *conn, int fd);

/*
 * FUSE_CAP_HANDLE_KILLPRIV_V2 and backing files. Before each write the kernel asks for the
 * attribute security.capability, unless the filesystem says by this flag, in init(),
 * that it clears set-user-ID and set-group-ID bits itself. Small writes to
 * backing files then are some ten times as fast. Such writes reach no callback, so
 * fuse_passthrough_open() registers the file without the right to keep these bits
 * (CAP_FSETID), and whoever writes, root as well, makes the file below clear them. In
 * the path API a file that has such bits when it is opened goes by requests; an inode
 * API program can do the same.
 *
 * profuse_must_clear_suid() says of a request (inode API) whether the filesystem must clear
 * the bits before it answers. Set-group-ID without execution by the group may stay if the caller is in
 * that group. It is known for open and create with O_TRUNC, write, and setattr of
 * size, owner and group. A setattr that sets nothing is such a request, too: it comes
 * before fallocate, copy_file_range and writes that no request tells of, if the kernel knows of
 * bits that have to go, and its answer shall show that they went. Without the flag
 * true is possible for direct writes only. To be called in the callback.
 */
bool profuse_must_clear_suid(fuse_req_t req);

/*
 * Path API: the file that is being opened or created is the one at fd, a regular
 * file; the kernel shall read and write that. To be called in the callbacks open
 * and create, with the fi that they were given. The descriptor is looked at when
 * the callback has returned, and may be the one that the filesystem keeps in
 * fi->fh; it stays the filesystem's.
 *
 * It is a wish: if the kernel refuses, or the file is open in another way
 * already, read and write are called as ever. So a filesystem that calls this has
 * those callbacks, too. Others may have the file open without a backing file, or
 * with another one: who comes first decides until the last one closes it, and
 * one who brings another file than the first reads and writes by the callbacks.
 */
void profuse_set_backing_fd(struct fuse_file_info *fi, int fd);

#ifdef __cplusplus
}
#endif

#endif /* PROFUSE_H_ */
