/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* Whoever listens may have a full queue. */
#define CONNECT_S 30

int talk_connect(const char *path)
{
	static const struct timeval patience = {.tv_sec = CONNECT_S};
	CLEANUP_CLOSE int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int none = 0;

	if (sock < 0)
		return -errno;
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof(none));
	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return take_fd(&sock);
}

static int wait_for(int sock, short events, struct patience *p, const char *what)
{
	struct pollfd pfd = {.fd = sock, .events = events};
	int n = patience_poll(p, &pfd, 1, -1, what);

	return n < 0 ? n : 0;
}

ssize_t talk_receive(int sock, struct patience *p, char *buf, size_t size, const char *what)
{
	struct iovec iov = {buf, size};
	/* No room for control data: the kernel closes what was sent along. */
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do {
		int err = wait_for(sock, POLLIN, p, what);

		if (err)
			return err;
		n = recvmsg(sock, &msg, MSG_DONTWAIT);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

static int send_message(int sock, struct patience *p, const struct msghdr *msg)
{
	for (;;) {
		int err;

		if (sendmsg(sock, msg, MSG_EOR | MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = wait_for(sock, POLLOUT, p, "waiting for the service to listen");
		if (err)
			return err;
	}
}

int talk_reply(int sock, struct patience *p, int err)
{
	struct service_number reply = {htonl(SERVICE_REPLY), htonl((uint32_t)-err)};
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return send_message(sock, p, &msg);
}

int talk_greet(int sock, struct patience *p, uint32_t flags, const char *what)
{
	struct service_hello hello = {
		.word = htonl(SERVICE_HELLO),
		.min_version = htons(SERVICE_VERSION),
		.max_version = htons(SERVICE_VERSION),
		.flags = htonl(flags),
	};
	struct iovec iov = {&hello, sizeof(hello)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct service_hello_reply reply;
	int err = send_message(sock, p, &msg);
	ssize_t n;

	if (err)
		return err;
	n = talk_receive(sock, p, (char *)&reply, sizeof(reply), what);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return -ECONNRESET;
	if (n != sizeof(reply) || reply.word != htonl(SERVICE_HELLO_REPLY))
		return -EBADMSG;
	return reply.version == htons(SERVICE_VERSION) ? 0 : -EPROTONOSUPPORT;
}

int talk_send_file(int sock, struct patience *p, const char *path, int fd)
{
	struct service_number head = {htonl(SERVICE_FILE), htonl(fd < 0 ? (uint32_t)-fd : 0)};
	struct iovec iov[2] = {{&head, sizeof(head)}, {(void *)path, strlen(path) + 1}};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (fd >= 0) {
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return send_message(sock, p, &msg);
}
