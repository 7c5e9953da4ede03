/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel to test filesystems with: no mount, no privilege, any protocol
 * minor. It speaks the protocol of /dev/fuse with a server in the same process
 * (or any other), judges every answer as Linux would, and keeps the books that
 * Linux keeps: lookup counts, open handles, requests under way.
 *
 *     struct mock *m = mock_new(&(struct mock_options){.wire = MOCK_SEQPACKET});
 *     struct fuse_entry_out e;
 *
 *     mock_serve(m, session, 1);
 *     mock_init(m);
 *     assert(mock_lookup(m, 1, "file", &e) == 0);
 *     mock_forget(m, e.nodeid, 1);
 *     assert(mock_finish(m) == 0);
 *
 * Functions that do an operation send the request and wait for the answer;
 * they return what the system call would get: 0 (or a count), or a negative
 * errno; -ETIMEDOUT if the answer did not come in time, -ENOTCONN after the
 * end of the connection. They may be called from many threads at once.
 *
 * Faults of the server - answers twice, to nobody, of the wrong size, with
 * impossible contents - do not end a test by themselves. They are noted with
 * the operation's name, and mock_finish tells how many there were.
 */
#ifndef PROFUSE_MOCK_KERNEL_H
#define PROFUSE_MOCK_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "protocol/audit.h"
#include "protocol/encode.h"

struct mock;

enum mock_wire {
	MOCK_SEQPACKET, /* a socket that keeps messages apart */
	MOCK_STREAM,	/* a socket that does not */
	MOCK_DEVICE,	/* as a socket for requests; answers come as calls of
			   mock_device_writev, which fails as write to the
			   device would */
};

struct mock_options {
	enum mock_wire wire;
	uint32_t minor;		/* what this kernel speaks; 0 is 45 */
	uint64_t flags;		/* INIT flags that it offers; 0 is all that it can */
	uint32_t max_readahead; /* 0 is 128 KiB */
	enum proto_era era;	/* how requests to old servers look */
	int deadline_ms;	/* for every wait; 0 is 20 s */
	bool quiet;		/* do not print faults to stderr as they happen */
};

/* Never NULL: the test program ends if there is no memory or no socket. */
struct mock *mock_new(const struct mock_options *options);

/* The server's end of the connection. The caller takes it (and closes it, or
 * hands it to somebody who does); mock_serve does this for a session. */
int mock_take_server_fd(struct mock *m);

/*
 * Ends the connection if it is still there, frees everything and returns the
 * number of faults, among them: requests that were never answered, lookups
 * never forgotten, handles never released.
 */
int mock_finish(struct mock *m);

/* The same for a test that leaves nodes and handles behind as an unmount
 * does: only the server's own faults count. */
int mock_unmount(struct mock *m);

/* ---- the connection ---- */

/* The handshake. 0, or what everybody on this mount would get from now on. */
int mock_init(struct mock *m);

/* As far as negotiated; the server's answer to INIT in full. */
const struct proto_conn *mock_conn(const struct mock *m);
const struct fuse_init_out *mock_init_out(const struct mock *m);

/* Ends the connection as an abort does: the server finds ENODEV (or the end
 * of the stream), all who wait get -ECONNABORTED. */
void mock_abort(struct mock *m);

/* For MOCK_DEVICE: what the server has in place of read and writev. As those,
 * -1 with errno. */
ssize_t mock_device_read(struct mock *m, int fd, void *buf, size_t len);
ssize_t mock_device_writev(struct mock *m, const struct iovec *iov, int count);

/* ---- any request, without waiting ---- */

struct mock_call {
	unsigned int op; /* PROTO_LOOKUP ... */
	uint64_t nodeid;
	const void *in; /* struct fuse_X_in in its current size; NULL is zeros */
	const char *name[2];
	const void *data;
	size_t data_len;
	const void *ext;
	size_t ext_len;
	uint32_t uid, gid, pid;
	uint64_t unique; /* 0: the next one */
};

struct mock_reply {
	int error; /* what the caller gets: 0 or negative errno */
	size_t len;
	unsigned char *body; /* `len` bytes and a NUL; freed by mock_reply_free */
	enum proto_verdict verdict;
};

/* Returns the request's unique, or 0 if it could not be sent. Requests that
 * take no answer are forgotten at once. */
uint64_t mock_send(struct mock *m, const struct mock_call *call);

/* Waits for the answer and consumes it. 0, -ETIMEDOUT or -ECONNABORTED;
 * reply->error has the same value then. reply may be NULL. */
int mock_wait(struct mock *m, uint64_t unique, struct mock_reply *reply);

/* As mock_wait with a limit of its own; -EAGAIN when it is reached, and the
 * request stays. 0 looks without waiting. */
int mock_wait_ms(struct mock *m, uint64_t unique, int ms, struct mock_reply *reply);

void mock_reply_free(struct mock_reply *reply);

/* mock_send and mock_wait. */
int mock_call(struct mock *m, const struct mock_call *call, struct mock_reply *reply);

/* As mock_call, the body into `out`; a body of another size than `size` counts
 * as -EIO unless old peers have it shorter. */
int mock_call_into(struct mock *m, const struct mock_call *call, void *out, size_t size);

/* Sends bytes as they are. The answers are judged by nobody, but counted. 0
 * or -errno. */
int mock_send_raw(struct mock *m, const void *bytes, size_t len);

/* Answers to requests that nobody here knows are no faults from now on. For
 * mock_send_raw. */
void mock_expect_strangers(struct mock *m);
uint64_t mock_strangers(struct mock *m);

/* The next `count` answers are refused with this error, whatever they are: with
 * -ENOENT as if their callers were gone, else their requests wait for another
 * answer. The server notices over MOCK_DEVICE only. */
void mock_refuse_answers(struct mock *m, int error, unsigned int count);

/* Waits until `count` of them have come; false after the deadline. */
bool mock_await_strangers(struct mock *m, uint64_t count);

/* A signal for whoever waits for the request: INTERRUPT, as often as the
 * server asks for it with EAGAIN. Tells if one was sent (the request may have
 * been answered, or the server does not want any). */
bool mock_interrupt(struct mock *m, uint64_t unique);
unsigned int mock_interrupts_requeued(struct mock *m); /* EAGAIN answers */
bool mock_interrupts_refused(struct mock *m);	       /* ENOSYS */

/* Sends every unanswered request once more, marked, as NOTIFY_RESEND asks. */
void mock_resend(struct mock *m);

/* ---- notifications ---- */

struct mock_notify {
	unsigned int code;
	size_t len;
	unsigned char *body; /* fixed part and tail; freed by mock_notify_free */
};

/* Takes the oldest one; false if none comes before the deadline. */
bool mock_next_notify(struct mock *m, struct mock_notify *out);
void mock_notify_free(struct mock_notify *n);

/* How many are waiting to be taken. */
size_t mock_notify_count(struct mock *m);

/* What the server's write of a notification returns from now on (MOCK_DEVICE
 * only; 0 or negative errno). */
void mock_notify_error(struct mock *m, int error);

/* Answers a RETRIEVE. 0 or -errno. */
int mock_retrieve_reply(struct mock *m, uint64_t notify_unique, uint64_t nodeid, uint64_t offset,
			const void *data, size_t len);

/* ---- the books ---- */

/* Lookups the kernel holds on a node, and on all together. */
uint64_t mock_lookups(struct mock *m, uint64_t nodeid);
uint64_t mock_lookups_total(struct mock *m);
size_t mock_open_handles(struct mock *m);

/* Forgets everything that is held, in batches if the server knows those. */
void mock_forget_all(struct mock *m);

/* Requests sent and not answered yet. */
size_t mock_pending(struct mock *m);

/* Number of faults so far. */
int mock_faults(struct mock *m);

/* True if a fault whose text contains this was noted; takes it off the list. */
bool mock_expect_fault(struct mock *m, const char *text);

/* ---- operations ---- */

int mock_lookup(struct mock *m, uint64_t parent, const char *name, struct fuse_entry_out *out);
int mock_forget(struct mock *m, uint64_t nodeid, uint64_t count);
int mock_batch_forget(struct mock *m, const struct fuse_forget_one *list, uint32_t count);
int mock_getattr(struct mock *m, uint64_t nodeid, const uint64_t *fh, struct fuse_attr_out *out);
int mock_setattr(struct mock *m, uint64_t nodeid, const struct fuse_setattr_in *in,
		 struct fuse_attr_out *out);
int mock_readlink(struct mock *m, uint64_t nodeid, char *buf, size_t size);
int mock_symlink(struct mock *m, uint64_t parent, const char *name, const char *target,
		 struct fuse_entry_out *out);
int mock_mknod(struct mock *m, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
	       struct fuse_entry_out *out);
int mock_mkdir(struct mock *m, uint64_t parent, const char *name, uint32_t mode,
	       struct fuse_entry_out *out);
int mock_unlink(struct mock *m, uint64_t parent, const char *name);
int mock_rmdir(struct mock *m, uint64_t parent, const char *name);
/* RENAME2 if there are flags, else RENAME. */
int mock_rename(struct mock *m, uint64_t olddir, const char *oldname, uint64_t newdir,
		const char *newname, uint32_t flags);
int mock_link(struct mock *m, uint64_t nodeid, uint64_t newdir, const char *newname,
	      struct fuse_entry_out *out);
int mock_open(struct mock *m, uint64_t nodeid, uint32_t flags, struct fuse_open_out *out);
int mock_opendir(struct mock *m, uint64_t nodeid, struct fuse_open_out *out);
int mock_create(struct mock *m, uint64_t parent, const char *name, uint32_t flags, uint32_t mode,
		struct fuse_entry_out *entry, struct fuse_open_out *open);
int mock_tmpfile(struct mock *m, uint64_t parent, uint32_t flags, uint32_t mode,
		 struct fuse_entry_out *entry, struct fuse_open_out *open);
ssize_t mock_read(struct mock *m, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
		  uint64_t offset);
ssize_t mock_write(struct mock *m, uint64_t nodeid, uint64_t fh, const void *buf, uint32_t size,
		   uint64_t offset);
ssize_t mock_readdir(struct mock *m, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
		     uint64_t offset);
ssize_t mock_readdirplus(struct mock *m, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
			 uint64_t offset);
int mock_flush(struct mock *m, uint64_t nodeid, uint64_t fh, uint64_t lock_owner);
int mock_release(struct mock *m, uint64_t nodeid, uint64_t fh, uint32_t flags);
int mock_releasedir(struct mock *m, uint64_t nodeid, uint64_t fh);
int mock_fsync(struct mock *m, uint64_t nodeid, uint64_t fh, bool datasync);
int mock_fsyncdir(struct mock *m, uint64_t nodeid, uint64_t fh, bool datasync);
int mock_statfs(struct mock *m, uint64_t nodeid, struct fuse_statfs_out *out);
int mock_setxattr(struct mock *m, uint64_t nodeid, const char *name, const void *value, size_t size,
		  uint32_t flags);
/* size 0 asks for the length. */
ssize_t mock_getxattr(struct mock *m, uint64_t nodeid, const char *name, void *buf, uint32_t size);
ssize_t mock_listxattr(struct mock *m, uint64_t nodeid, void *buf, uint32_t size);
int mock_removexattr(struct mock *m, uint64_t nodeid, const char *name);
int mock_access(struct mock *m, uint64_t nodeid, uint32_t mask);
int mock_getlk(struct mock *m, uint64_t nodeid, const struct fuse_lk_in *in,
	       struct fuse_lk_out *out);
int mock_setlk(struct mock *m, uint64_t nodeid, const struct fuse_lk_in *in, bool wait);
int mock_bmap(struct mock *m, uint64_t nodeid, uint64_t block, uint32_t blocksize,
	      uint64_t *result);
int mock_poll(struct mock *m, uint64_t nodeid, const struct fuse_poll_in *in, uint32_t *revents);
int mock_fallocate(struct mock *m, uint64_t nodeid, uint64_t fh, uint32_t mode, uint64_t offset,
		   uint64_t length);
int mock_lseek(struct mock *m, uint64_t nodeid, uint64_t fh, uint64_t offset, uint32_t whence,
	       uint64_t *result);
ssize_t mock_copy_file_range(struct mock *m, uint64_t nodeid,
			     const struct fuse_copy_file_range_in *in, bool wide);
int mock_statx(struct mock *m, uint64_t nodeid, const struct fuse_statx_in *in,
	       struct fuse_statx_out *out);
int mock_syncfs(struct mock *m, uint64_t nodeid);
int mock_destroy(struct mock *m);

#endif
