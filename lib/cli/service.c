/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem that a service manager starts: the beginning and the end of the
 * conversation with who mounts. */
#define FUSE_USE_VERSION 319
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <fuse_service.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/compiler.h"
#include "base/log.h"
#include "cli/service.h"
#include "mount/service_wire.h"
#include "mount/text.h"

/* The descriptor of the only socket; sd_listen_fds(3). */
#define LISTEN_FD 3

/* Who has connected and stays silent keeps a process here. */
#define PATIENCE_S 60

/* ---- messages ---- */

int cli_service_send(const struct fuse_service *sf, const void *head, size_t size,
		     const char *string)
{
	struct iovec iov[2] = {
		{(void *)head, size},
		{(void *)string, string ? strlen(string) + 1 : 0},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (iov[0].iov_len + iov[1].iov_len > SERVICE_MAX_MESSAGE)
		return -EMSGSIZE;
	return sendmsg(sf->sock, &msg, MSG_EOR | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t cli_service_receive(int sock, void *buf, size_t size, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {buf, size};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = fd ? sizeof(control) : 0,
	};
	CLEANUP_CLOSE int got = -1;
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(c), sizeof(got));
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	if (n == 0)
		return -ECONNRESET;
	if (fd)
		*fd = take_fd(&got);
	return n;
}

/* ---- being started ---- */

static bool env_is(const char *name, long value)
{
	const char *s = secure_getenv(name);
	char *end;

	return s && *s && strtol(s, &end, 10) == value && !*end;
}

static bool sock_is(int option, int value)
{
	int is;
	socklen_t len = sizeof(is);

	return getsockopt(LISTEN_FD, SOL_SOCKET, option, &is, &len) == 0 && is == value;
}

static int take_socket(void)
{
	static const struct timeval patience = {.tv_sec = PATIENCE_S};

	if (!env_is("LISTEN_FDS", 1) || !sock_is(SO_DOMAIN, AF_UNIX) ||
	    !sock_is(SO_TYPE, SOCK_SEQPACKET) || !sock_is(SO_ACCEPTCONN, 0)) {
		fuse_log(FUSE_LOG_ERR,
			 "fuse: service: needs ListenSequentialPacket= and Accept=yes\n");
		return -EINVAL;
	}
	/* Not for children. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(LISTEN_FD, F_SETFL, 0) < 0 ||
	    setsockopt(LISTEN_FD, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return 0;
}

static int greet(struct fuse_service *sf)
{
	struct service_hello hello;
	const struct service_hello_reply reply = {
		.word = htonl(SERVICE_HELLO_REPLY),
		.version = htons(SERVICE_VERSION),
	};
	ssize_t n = cli_service_receive(sf->sock, &hello, sizeof(hello), NULL);

	if (n < 0)
		return (int)n;
	if (n != sizeof(hello) || hello.word != htonl(SERVICE_HELLO))
		return -EBADMSG;
	if (ntohs(hello.min_version) > SERVICE_VERSION ||
	    ntohs(hello.max_version) < SERVICE_VERSION)
		return -EPROTONOSUPPORT;
	sf->flags = ntohl(hello.flags);
	return cli_service_send(sf, &reply, sizeof(reply), NULL);
}

static int receive_unasked(struct fuse_service *sf, const char *name, int *fd)
{
	int err = fuse_service_receive_file(sf, name, fd);

	return err || *fd >= 0 ? err : *fd;
}

PROFUSE_EXPORT int fuse_service_accept(struct fuse_service **sfp)
{
	struct fuse_service *sf;
	int err;

	*sfp = NULL;
	if (!env_is("LISTEN_PID", getpid()))
		return 0;
	err = take_socket();
	if (err)
		return err;
	sf = malloc(sizeof(*sf));
	if (!sf)
		return -ENOMEM;
	*sf = (struct fuse_service){.sock = LISTEN_FD, .args_fd = -1, .device = -1};
	err = greet(sf);
	if (!err)
		err = receive_unasked(sf, SERVICE_FILE_ARGS, &sf->args_fd);
	if (!err)
		err = receive_unasked(sf, SERVICE_FILE_DEVICE, &sf->device);
	if (err) {
		fuse_log(FUSE_LOG_ERR, "fuse: service: cannot begin: %s\n", strerror(-err));
		fuse_service_destroy(&sf);
	}
	*sfp = sf;
	return err;
}

PROFUSE_EXPORT bool fuse_service_can_allow_other(const struct fuse_service *sf)
{
	return sf && (sf->flags & SERVICE_CAN_ALLOW_OTHER);
}

PROFUSE_EXPORT bool fuse_service_can_fuseblk(const struct fuse_service *sf)
{
	return sf && (sf->flags & SERVICE_CAN_FUSEBLK);
}

/* ---- arguments ---- */

int cli_service_add_args(const char *file, size_t size, struct fuse_args *args)
{
	struct service_args_head head;
	struct service_arg arg;
	int err = 0;

	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, file, sizeof(head));
	head.count = ntohl(head.count);
	if (head.word != htonl(SERVICE_ARGS) || !head.count ||
	    head.count > (size - sizeof(head)) / sizeof(arg))
		return -EBADMSG;
	for (size_t i = 1; i < head.count && !err; i++) {
		char *text;

		memcpy(&arg, file + sizeof(head) + i * sizeof(arg), sizeof(arg));
		arg.pos = ntohl(arg.pos);
		arg.len = ntohl(arg.len);
		if (arg.pos > size || arg.len > size - arg.pos ||
		    memchr(file + arg.pos, '\0', arg.len))
			return -EBADMSG;
		text = strndup(file + arg.pos, arg.len);
		err = !text || fuse_opt_add_arg(args, text) ? -ENOMEM : 0;
		free(text);
	}
	return err;
}

PROFUSE_EXPORT int fuse_service_append_args(struct fuse_service *sf, struct fuse_args *args)
{
	CLEANUP_FREE char *file = NULL;
	struct stat st;
	ssize_t n;

	if (sf->args_fd < 0)
		return -EBADF;
	if (fstat(sf->args_fd, &st) < 0)
		return -errno;
	/* Read, not mapped: the other side could cut it off. */
	if (!S_ISREG(st.st_mode) || st.st_size > SERVICE_MAX_ARGUMENT)
		return -EBADMSG;
	file = malloc((size_t)st.st_size + 1);
	if (!file)
		return -ENOMEM;
	n = pread(sf->args_fd, file, (size_t)st.st_size, 0);
	if (n < 0)
		return -errno;
	close(take_fd(&sf->args_fd));
	return cli_service_add_args(file, (size_t)n, args);
}

PROFUSE_EXPORT char *fuse_service_cmdline(int argc, const char *const *argv, struct fuse_args *args)
{
	struct mnt_text text = {0};

	if (args->argc) {
		argc = args->argc;
		argv = (const char *const *)args->argv;
	}
	for (int i = 0; i < argc; i++)
		mnt_text_add(&text, "%s%s", i ? " " : "", argv[i]);
	return mnt_text_take(&text);
}

/* ---- the end ---- */

PROFUSE_EXPORT int fuse_service_send_goodbye(struct fuse_service *sf, int exitcode)
{
	const struct service_number bye = {htonl(SERVICE_BYE), htonl((uint32_t)exitcode)};
	int err;

	/* fuse_service_main() has said it already. */
	if (!sf || sf->sock < 0)
		return 0;
	err = cli_service_send(sf, &bye, sizeof(bye), NULL);
	fuse_service_release(sf);
	return err;
}

PROFUSE_EXPORT void fuse_service_release(struct fuse_service *sf)
{
	if (!sf)
		return;
	cleanup_close(&sf->sock);
	sf->sock = -1;
}

PROFUSE_EXPORT void fuse_service_destroy(struct fuse_service **sfp)
{
	struct fuse_service *sf = *sfp;

	*sfp = NULL;
	if (!sf)
		return;
	fuse_service_release(sf);
	cleanup_close(&sf->args_fd);
	cleanup_close(&sf->device);
	free(sf);
}

/* Service managers give small numbers meanings of their own. */
PROFUSE_EXPORT int fuse_service_exit(int ret)
{
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
