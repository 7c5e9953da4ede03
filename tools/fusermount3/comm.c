/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket to the caller, stream or seqpacket: the device goes out over it,
 * and its end is what auto_unmount waits for. The socket's flags are shared
 * with the caller and stay as they are; all waiting is done with poll.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "mount/kernel.h"

#define SEND_SECONDS 10
#define GO_SECONDS   20 /* for the caller of --sync-init */

int comm_check(struct job *j)
{
	socklen_t len = sizeof(int), peer_len = sizeof(struct sockaddr_storage);
	struct sockaddr_storage peer = {0};
	int fd = j->req.comm_fd, type = 0;

	if (fcntl(fd, F_GETFD) < 0)
		return say("fstat of comm fd %d failed: %s", fd, strerror(errno));
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return say("file descriptor %d is not a socket, can't send fuse fd", fd);
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
		return say("file descriptor %d is not a connected socket: %s", fd, strerror(errno));
	if (peer.ss_family != AF_UNIX || (type != SOCK_STREAM && type != SOCK_SEQPACKET))
		return say("file descriptor %d is not a unix stream or seqpacket socket", fd);
	return 0;
}

/* Closes all descriptors above stderr but fd (-1: all of them). Kernels before
 * 5.9 leave them, which are the caller's, open. */
void comm_keep_only(int fd)
{
	if (fd > STDERR_FILENO + 1)
		(void)!mnt_sys_close_range(STDERR_FILENO + 1, (unsigned int)fd - 1);
	(void)!mnt_sys_close_range((unsigned int)(fd > STDERR_FILENO ? fd : STDERR_FILENO) + 1,
				   ~0U);
}

/* Waits until one of `events` or the end of the socket; what came, or 0. A
 * failing poll (a descriptor limit of zero) counts as the end. */
static int wait_for(int fd, short events, int seconds)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r;

	do {
		r = poll(&p, 1, seconds < 0 ? -1 : seconds * 1000);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? POLLERR : r == 0 ? 0 : p.revents;
}

bool comm_peer_gone(int fd)
{
	return wait_for(fd, 0, 0) & (POLLHUP | POLLERR);
}

static int send_bytes(int fd, void *bytes, size_t len, void *control, size_t control_len)
{
	struct iovec iov = {bytes, len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = control_len,
	};

	if (!(wait_for(fd, POLLOUT, SEND_SECONDS) & POLLOUT))
		return -ETIMEDOUT;
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int comm_send_device(struct job *j)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} c = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	char nul = 0;
	int r;

	memcpy(CMSG_DATA(&c.header), &j->device, sizeof(j->device));
	r = send_bytes(j->req.comm_fd, &nul, 1, &c, sizeof(c.room));
	j->device_sent = r == 0;
	return r;
}

int comm_send_status(struct job *j)
{
	int32_t wire = j->status;

	return send_bytes(j->req.comm_fd, &wire, sizeof(wire), NULL, 0);
}

int comm_wait_for_go(struct job *j)
{
	int in_time = wait_for(j->req.comm_fd, POLLIN, GO_SECONDS);
	char go[64];
	ssize_t n;

	alarm(STEP_SECONDS);
	if (!in_time)
		return -ETIMEDOUT;
	n = recv(j->req.comm_fd, go, sizeof(go), MSG_DONTWAIT);
	return n < 0 ? -errno : n == 0 ? -EPIPE : 0;
}

/* Bytes from the peer are not read: only its going away counts. */
void comm_wait_for_end(int fd)
{
	while (!wait_for(fd, POLLRDHUP, -1))
		;
}
