/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions that the program drives itself, and connections that are no mount. */
#define fuse_session_custom_io fuse_session_custom_io_inline
#include <profuse.h>
#undef fuse_session_custom_io

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/abi.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "lowlevel/ll.h"

/* What every request fits in that a kernel sends with its usual limits: 256
 * pages and a header page. Programs that bring a buffer of unknown size have
 * always had to bring this much. */
#define USUAL_BUFFER ((size_t)257 * 4096)

PROFUSE_EXPORT int fuse_session_fd(struct fuse_session *se)
{
	return se->xport && !ll_of(se)->released ? se->xport->fd : -1;
}

/* ---- receiving and processing ---- */

static bool knows_mem_size(void)
{
	return !abi_is_old();
}

/* The program brought a buffer and does not say how large it is. */
static bool is_of_secret_size(const struct fuse_buf *buf)
{
	return buf->mem && (!knows_mem_size() || buf->mem_size == 0);
}

/* Makes sure of a buffer that fits; the program frees it with free(). Returns
 * its size, or -ENOMEM. */
static ssize_t ensure_buffer(struct fuse_session *se, struct fuse_buf *buf)
{
	size_t want = sess_bufsize(se);
	void *mem;

	if (want < USUAL_BUFFER)
		want = USUAL_BUFFER;
	if (is_of_secret_size(buf))
		return USUAL_BUFFER;
	if (buf->mem && buf->mem_size >= want)
		return (ssize_t)buf->mem_size;
	/* Nothing in it is worth keeping. */
	mem = malloc(want);
	if (!mem)
		return -ENOMEM;
	free(buf->mem);
	buf->mem = mem;
	if (knows_mem_size())
		buf->mem_size = want;
	return (ssize_t)want;
}

PROFUSE_EXPORT int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
	ssize_t cap, len;

	/* Then requests must not become larger than what it has always had. */
	if (is_of_secret_size(buf) || !knows_mem_size())
		se->buf_grow_ok = false;
	cap = ensure_buffer(se, buf);
	if (cap < 0) {
		fuse_log(FUSE_LOG_ERR, "fuse: failed to allocate a receive buffer\n");
		return (int)cap;
	}
	len = sess_receive(se, buf->mem, (size_t)cap);
	if (len > 0) {
		buf->flags = 0;
		buf->size = (size_t)len;
	}
	return (int)len;
}

static void process_copy(struct fuse_session *se, const struct fuse_buf *buf)
{
	CLEANUP_FREE void *mem = malloc(buf->size);

	if (!mem)
		return;
	if (buf->flags & FUSE_BUF_IS_FD) {
		if (fd_read_full(buf->fd, mem, buf->size) != (ssize_t)buf->size) {
			fuse_log(FUSE_LOG_ERR, "fuse: a request could not be read from its pipe\n");
			return;
		}
	} else {
		memcpy(mem, buf->mem, buf->size);
	}
	sess_process(se, mem, buf->size);
}

PROFUSE_EXPORT void fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf)
{
	/* Requests are looked at where they are, as structures. */
	bool aligned = (uintptr_t)buf->mem % _Alignof(uint64_t) == 0;

	if ((buf->flags & FUSE_BUF_IS_FD) || !aligned)
		process_copy(se, buf);
	else
		sess_process(se, buf->mem, buf->size);
}

/* ---- other connections ---- */

static int attach(struct fuse_session *se, struct xport *x)
{
	int err = sess_attach(se, x);

	if (err) {
		/* The descriptor stays the caller's. */
		x->borrowed = true;
		xport_free(x);
	}
	return err;
}

static int custom_io(struct fuse_session *se, const struct fuse_custom_io *io, size_t op_size,
		     int fd)
{
	struct fuse_custom_io full = {0};
	struct xport_custom_io ours;
	struct xport *x;
	int err;

	if (!io || op_size < offsetof(struct fuse_custom_io, splice_receive)) {
		fuse_log(FUSE_LOG_ERR, "fuse: custom io without functions\n");
		return -EINVAL;
	}
	if (op_size > sizeof(full)) {
		fuse_log(FUSE_LOG_WARNING,
			 "fuse: the program was built for a newer library: some of its custom io "
			 "is ignored\n");
		op_size = sizeof(full);
	}
	memcpy(&full, io, op_size);
	if (!full.read || !full.writev) {
		fuse_log(FUSE_LOG_ERR, "fuse: custom io needs both read and writev\n");
		return -EINVAL;
	}
	if (fd < 0) {
		fuse_log(FUSE_LOG_ERR, "fuse: custom io with an invalid descriptor %d\n", fd);
		return -EBADF;
	}
	ours = (struct xport_custom_io){
		.writev = full.writev,
		.read = full.read,
		.clone_fd = full.clone_fd,
	};
	err = xport_custom_new(fd, &ours, se->userdata, &x);
	if (err)
		return err;
	err = attach(se, x);
	/* It is closed with the session, as the interface says. */
	if (!err)
		x->borrowed = false;
	return err;
}

PROFUSE_EXPORT int fuse_session_custom_io_317(struct fuse_session *se,
					      const struct fuse_custom_io *io, size_t op_size,
					      int fd)
{
	return custom_io(se, io, op_size, fd);
}

int fuse_session_custom_io_30(struct fuse_session *se, const struct fuse_custom_io *io, int fd);
PROFUSE_EXPORT int fuse_session_custom_io_30(struct fuse_session *se,
					     const struct fuse_custom_io *io, int fd)
{
	return custom_io(se, io, offsetof(struct fuse_custom_io, clone_fd), fd);
}

/* Weak: libfuse3.so.3 has one without the size. */
int fuse_session_custom_io(struct fuse_session *se, const struct fuse_custom_io *io, size_t op_size,
			   int fd);
PROFUSE_EXPORT __attribute__((weak)) int fuse_session_custom_io(struct fuse_session *se, const struct fuse_custom_io *io,
					  size_t op_size, int fd)
{
	return custom_io(se, io, op_size, fd);
}

PROFUSE_EXPORT int profuse_session_stream(struct fuse_session *se, int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	struct xport *x;
	int err;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return -EINVAL;
	if (se->xport)
		return -EBUSY;
	err = xport_stream_new(fd, false, &x);
	return err ? err : attach(se, x);
}
