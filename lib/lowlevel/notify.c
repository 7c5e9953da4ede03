/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notifications of the public interfaces: each is built once, and sent either
 * at once (fuse_lowlevel_notify_*) or through the queue (profuse_notify_*).
 */
#include <profuse.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lowlevel/buf.h"
#include "lowlevel/pollhandle.h"
#include "session/notify.h"

/* Longer names no kernel takes. */
#define NAME_BYTES_MAX 4095
#define STACK_IOV      8

/* How it goes out: sess_notify or sess_notifyq_add. */
typedef int notify_fn(struct fuse_session *se, enum fuse_notify_code code, struct iovec *iov,
		      int count);

static int send_struct(struct fuse_session *se, notify_fn *send, enum fuse_notify_code code,
		       const void *body, size_t len)
{
	struct iovec iov[2] = {{0}, {.iov_base = (void *)body, .iov_len = len}};

	return send(se, code, iov, len ? 2 : 1);
}

/* A structure, a name and its terminator. */
static int send_name(struct fuse_session *se, notify_fn *send, enum fuse_notify_code code,
		     const void *body, size_t len, const char *name, size_t namelen)
{
	struct iovec iov[4] = {
		{0},
		{.iov_base = (void *)body, .iov_len = len},
		{.iov_base = (void *)name, .iov_len = namelen},
		{.iov_base = (void *)"", .iov_len = 1},
	};

	return send(se, code, iov, 4);
}

static int name_error(const struct fuse_session *se, const char *name, size_t namelen)
{
	if (!se || !name)
		return -EINVAL;
	return namelen > NAME_BYTES_MAX ? -ENAMETOOLONG : 0;
}

/* ---- waking pollers ---- */

PROFUSE_EXPORT int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
	struct fuse_notify_poll_wakeup_out out;

	if (!ph)
		return 0;
	out = (struct fuse_notify_poll_wakeup_out){.kh = ph->kh};
	return send_struct(ph->se, sess_notify, FUSE_NOTIFY_POLL, &out, sizeof(out));
}

/* ---- dropping what is cached ---- */

static int inval_inode(struct fuse_session *se, notify_fn *send, fuse_ino_t ino, off_t off,
		       off_t len)
{
	struct fuse_notify_inval_inode_out out = {.ino = ino, .off = off, .len = len};

	return send_struct(se, send, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

PROFUSE_EXPORT int fuse_lowlevel_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino,
						    off_t off, off_t len)
{
	return inval_inode(se, sess_notify, ino, off, len);
}

PROFUSE_EXPORT int profuse_notify_queue_inval_inode(struct fuse_session *se, fuse_ino_t ino,
						    off_t off, off_t len)
{
	return inval_inode(se, sess_notifyq_add, ino, off, len);
}

static int inval_entry(struct fuse_session *se, notify_fn *send, fuse_ino_t parent,
		       const char *name, size_t namelen, uint32_t flags)
{
	struct fuse_notify_inval_entry_out out = {
		.parent = parent,
		.namelen = (uint32_t)namelen,
		.flags = flags,
	};
	int err = name_error(se, name, namelen);

	if (err)
		return err;
	return send_name(se, send, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof(out), name, namelen);
}

static int expire_entry(struct fuse_session *se, notify_fn *send, fuse_ino_t parent,
			const char *name, size_t namelen)
{
	int err = sess_notify_check(se, FUSE_NOTIFY_INVAL_ENTRY);

	/* Older kernels take the flag for padding and drop the entry. */
	if (!err && !(se->info.capable_ext & FUSE_CAP_EXPIRE_ONLY))
		err = -ENOSYS;
	return err ? err : inval_entry(se, send, parent, name, namelen, FUSE_EXPIRE_ONLY);
}

PROFUSE_EXPORT int fuse_lowlevel_notify_inval_entry(struct fuse_session *se, fuse_ino_t parent,
						    const char *name, size_t namelen)
{
	return inval_entry(se, sess_notify, parent, name, namelen, 0);
}

PROFUSE_EXPORT int profuse_notify_queue_inval_entry(struct fuse_session *se, fuse_ino_t parent,
						    const char *name, size_t namelen)
{
	return inval_entry(se, sess_notifyq_add, parent, name, namelen, 0);
}

int ll_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
			   size_t namelen)
{
	return expire_entry(se, sess_notify, parent, name, namelen);
}

/* Weak: libfuse3.so.3 has one with another argument. */
PROFUSE_EXPORT __attribute__((weak)) int
fuse_lowlevel_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
				  size_t namelen)
{
	return ll_notify_expire_entry(se, parent, name, namelen);
}

PROFUSE_EXPORT int profuse_notify_queue_expire_entry(struct fuse_session *se, fuse_ino_t parent,
						     const char *name, size_t namelen)
{
	return expire_entry(se, sess_notifyq_add, parent, name, namelen);
}

static int delete_entry(struct fuse_session *se, notify_fn *send, fuse_ino_t parent,
			fuse_ino_t child, const char *name, size_t namelen)
{
	struct fuse_notify_delete_out out = {
		.parent = parent,
		.child = child,
		.namelen = (uint32_t)namelen,
	};
	int err = name_error(se, name, namelen);

	if (err)
		return err;
	return send_name(se, send, FUSE_NOTIFY_DELETE, &out, sizeof(out), name, namelen);
}

PROFUSE_EXPORT int fuse_lowlevel_notify_delete(struct fuse_session *se, fuse_ino_t parent,
					       fuse_ino_t child, const char *name, size_t namelen)
{
	return delete_entry(se, sess_notify, parent, child, name, namelen);
}

PROFUSE_EXPORT int profuse_notify_queue_delete(struct fuse_session *se, fuse_ino_t parent,
					       fuse_ino_t child, const char *name, size_t namelen)
{
	return delete_entry(se, sess_notifyq_add, parent, child, name, namelen);
}

PROFUSE_EXPORT int fuse_lowlevel_notify_increment_epoch(struct fuse_session *se)
{
	return send_struct(se, sess_notify, FUSE_NOTIFY_INC_EPOCH, NULL, 0);
}

PROFUSE_EXPORT int profuse_notify_queue_epoch(struct fuse_session *se)
{
	return send_struct(se, sess_notifyq_add, FUSE_NOTIFY_INC_EPOCH, NULL, 0);
}

static int prune(struct fuse_session *se, notify_fn *send, const fuse_ino_t *nodeids,
		 uint32_t count)
{
	struct fuse_notify_prune_out out = {.count = count};
	struct iovec iov[3] = {
		{0},
		{.iov_base = &out, .iov_len = sizeof(out)},
		{.iov_base = (void *)nodeids, .iov_len = count * sizeof(*nodeids)},
	};

	if (!se || (count && !nodeids))
		return -EINVAL;
	return send(se, FUSE_NOTIFY_PRUNE, iov, 3);
}

PROFUSE_EXPORT int fuse_lowlevel_notify_prune(struct fuse_session *se, fuse_ino_t *nodeids,
					      uint32_t count)
{
	return prune(se, sess_notify, nodeids, count);
}

PROFUSE_EXPORT int profuse_notify_queue_prune(struct fuse_session *se, const fuse_ino_t *nodeids,
					      uint32_t count)
{
	return prune(se, sess_notifyq_add, nodeids, count);
}

PROFUSE_EXPORT int profuse_notify_queue_resend(struct fuse_session *se)
{
	return send_struct(se, sess_notifyq_add, FUSE_NOTIFY_RESEND, NULL, 0);
}

/* ---- contents ---- */

static int store_iov(struct fuse_session *se, notify_fn *send, fuse_ino_t ino, off_t offset,
		     struct iovec *data, int count, size_t size)
{
	struct fuse_notify_store_out out = {
		.nodeid = ino,
		.offset = (uint64_t)offset,
		.size = (uint32_t)size,
	};
	struct iovec iov[STACK_IOV + 2] = {{0}, {.iov_base = &out, .iov_len = sizeof(out)}};

	for (int i = 0; i < count; i++)
		iov[i + 2] = data[i];
	return send(se, FUSE_NOTIFY_STORE, iov, count + 2);
}

/* Data behind descriptors, or in many pieces, is brought together first. */
static int store_copied(struct fuse_session *se, notify_fn *send, fuse_ino_t ino, off_t offset,
			struct fuse_bufvec *bufv, enum fuse_buf_copy_flags flags, size_t size)
{
	struct fuse_bufvec dst = FUSE_BUFVEC_INIT(size);
	CLEANUP_FREE void *mem = malloc(size);
	struct iovec iov;
	ssize_t got;

	if (!mem)
		return -ENOMEM;
	dst.buf[0].mem = mem;
	got = fuse_buf_copy(&dst, bufv, flags);
	if (got < 0)
		return (int)got;
	iov = (struct iovec){.iov_base = mem, .iov_len = (size_t)got};
	return store_iov(se, send, ino, offset, &iov, 1, (size_t)got);
}

static int store(struct fuse_session *se, notify_fn *send, fuse_ino_t ino, off_t offset,
		 struct fuse_bufvec *bufv, enum fuse_buf_copy_flags flags)
{
	int err = sess_notify_check(se, FUSE_NOTIFY_STORE);
	struct iovec iov[STACK_IOV];
	size_t size;
	int count;

	if (err)
		return err;
	if (!bufv || offset < 0)
		return -EINVAL;
	size = ll_buf_left(bufv);
	/* The message's length, headers included, has 32 bits. */
	if (size > UINT32_MAX - 4096)
		return -EINVAL;
	count = ll_buf_iov(bufv, iov, STACK_IOV);
	if (count >= 0) {
		ll_buf_use_up(bufv);
		return store_iov(se, send, ino, offset, iov, count, size);
	}
	return store_copied(se, send, ino, offset, bufv, flags, size);
}

PROFUSE_EXPORT int fuse_lowlevel_notify_store(struct fuse_session *se, fuse_ino_t ino, off_t offset,
					      struct fuse_bufvec *bufv,
					      enum fuse_buf_copy_flags flags)
{
	return store(se, sess_notify, ino, offset, bufv, flags);
}

PROFUSE_EXPORT int profuse_notify_queue_store(struct fuse_session *se, fuse_ino_t ino, off_t offset,
					      struct fuse_bufvec *bufv)
{
	return store(se, sess_notifyq_add, ino, offset, bufv, 0);
}

PROFUSE_EXPORT int fuse_lowlevel_notify_retrieve(struct fuse_session *se, fuse_ino_t ino,
						 size_t size, off_t offset, void *cookie)
{
	struct fuse_notify_retrieve_out out = {
		.nodeid = ino,
		.offset = (uint64_t)offset,
		.size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
	};
	struct sess_retrieval forgotten;
	int err = sess_notify_check(se, FUSE_NOTIFY_RETRIEVE);

	if (err)
		return err;
	/* Before asking, since the answer may be there before this returns. */
	err = sess_retrieve_begin(se, ino, cookie, &out.notify_unique);
	if (err)
		return err;
	err = send_struct(se, sess_notify, FUSE_NOTIFY_RETRIEVE, &out, sizeof(out));
	if (err)
		sess_retrieve_take(se, out.notify_unique, &forgotten);
	return err;
}

/* ---- the queue ---- */

PROFUSE_EXPORT int profuse_notify_flush(struct fuse_session *se, int timeout_ms)
{
	return se ? sess_notifyq_flush(se, timeout_ms) : -EINVAL;
}

PROFUSE_EXPORT void profuse_notify_queue_limit(struct fuse_session *se, size_t bytes)
{
	sess_notifyq_limit(se, bytes);
}
