/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket to the caller, stream or seqpacket: the device goes out over it,
 * and its end is what auto_unmount waits for. The socket's flags are shared
 * with the caller and stay as they are; all waiting is done with poll.
 */
#include "fusermount3.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define SEND_SECONDS 10

int comm_check(int fd)
{
	socklen_t len = sizeof(int), peer_len = sizeof(struct sockaddr_storage);
	struct sockaddr_storage peer;
	int domain = 0, type = 0;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		say("fstat of comm fd %d failed: %s", fd, strerror(errno));
		return -1;
	}
	if (!S_ISSOCK(st.st_mode)) {
		say("file descriptor %d is not a socket, can't send fuse fd", fd);
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || domain != AF_UNIX ||
	    (type != SOCK_STREAM && type != SOCK_SEQPACKET)) {
		say("file descriptor %d is not a unix stream or seqpacket socket, "
		    "can't send fuse fd",
		    fd);
		return -1;
	}
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0) {
		say("file descriptor %d is not a connected socket: %s", fd, strerror(errno));
		return -1;
	}
	return 0;
}

/* Closes all descriptors above stderr but fd (-1: all of them). */
void comm_keep_only(int fd)
{
	unsigned int first = STDERR_FILENO + 1, keep = fd < 0 ? UINT_MAX : (unsigned int)fd;
	long r = 0;

	if (keep > first)
		r = syscall(SYS_close_range, first, keep - 1, 0);
	if (r == 0 && keep != UINT_MAX)
		r = syscall(SYS_close_range, keep < first ? first : keep + 1, UINT_MAX, 0);
	/* Kernels before 5.9: what is above 1024 stays, and is the caller's. */
	for (int i = STDERR_FILENO + 1; r < 0 && i < 1024; i++)
		if (i != fd)
			close(i);
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

static int send_message(int fd, const struct msghdr *msg)
{
	if (!(wait_for(fd, POLLOUT, SEND_SECONDS) & POLLOUT))
		return -ETIMEDOUT;
	return sendmsg(fd, msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int comm_send_device(int fd, int device)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char nul = 0;
	struct iovec iov = {.iov_base = &nul, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &device, sizeof(device));
	return send_message(fd, &msg);
}

int comm_send_status(int fd, int status)
{
	int32_t wire = status;
	struct iovec iov = {.iov_base = &wire, .iov_len = sizeof(wire)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return send_message(fd, &msg);
}

int comm_wait_for_go(int fd, int seconds)
{
	char go[64];
	ssize_t n;

	if (!wait_for(fd, POLLIN, seconds))
		return -ETIMEDOUT;
	n = recv(fd, go, sizeof(go), MSG_DONTWAIT);
	return n < 0 ? -errno : n == 0 ? -EPIPE : 0;
}

/* Bytes from the peer are not read: only its going away counts. */
void comm_wait_for_end(int fd)
{
	while (!wait_for(fd, POLLRDHUP, -1))
		;
}
