/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes from the server: answers judged and handed to who waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mock.h"

static void keep_reply(struct mock_request *r, const struct proto_audit *a)
{
	r->reply.error = a->error;
	r->reply.verdict = a->verdict;
	if (a->verdict == PROTO_ACCEPTED && a->error == 0) {
		r->reply.len = a->body_len;
		r->reply.body = mock_alloc(a->body_len + 1);
		memcpy(r->reply.body, a->body, a->body_len);
	}
}

/* An INTERRUPT is answered only to have it again, or never again. *again is
 * the request whose INTERRUPT is due once more. */
static int receive_interrupt_locked(struct mock *m, const struct fuse_out_header *h, size_t len,
				    uint64_t *again)
{
	struct mock_request *r = mock_find_locked(m, h->unique & ~FUSE_INT_REQ_BIT);

	if (len != sizeof(*h)) {
		mock_fault_locked(m, "answer to INTERRUPT with a body");
		return -EINVAL;
	}
	if (h->error == -ENOSYS) {
		m->no_interrupt = true;
	} else if (h->error == -EAGAIN) {
		m->requeued++;
		if (!r || r->answered) {
			pthread_cond_broadcast(&m->changed);
			return -ENOENT; /* it came too late: harmless */
		}
		r->interrupted = false;
		*again = r->unique;
	}
	pthread_cond_broadcast(&m->changed);
	return 0;
}

static int stranger_locked(struct mock *m, const struct fuse_out_header *h)
{
	size_t slot = (h->unique / 2) % MOCK_RECENT;

	m->strangers++;
	pthread_cond_broadcast(&m->changed);
	if (m->strangers_welcome)
		return -ENOENT;
	if (m->recent[slot].unique == h->unique)
		mock_fault_locked(m, "second answer to %s (unique %llu)",
				  proto_op_name(m->recent[slot].opcode),
				  (unsigned long long)h->unique);
	else
		mock_fault_locked(m, "answer to nobody (unique %llu)",
				  (unsigned long long)h->unique);
	return -ENOENT;
}

static int receive_reply_locked(struct mock *m, const void *bytes, size_t len,
				const struct fuse_out_header *h)
{
	struct mock_request *r = mock_find_locked(m, h->unique);
	struct proto_audit a;

	if (m->refuse_count > 0) {
		m->refuse_count--;
		return m->refuse_error;
	}
	if (!r || r->answered)
		return stranger_locked(m, h);
	a = proto_audit_reply(&m->conn, &r->view, bytes, len);
	if (a.verdict != PROTO_ACCEPTED)
		mock_fault_locked(m, "wrong answer to %s (unique %llu): %s", r->view.op->name,
				  (unsigned long long)h->unique, a.why);
	if (a.verdict == PROTO_REFUSED_PENDING)
		return -EINVAL;
	mock_book_reply_locked(m, r, &a);
	keep_reply(r, &a);
	r->answered = true;
	m->pending--;
	m->recent[(h->unique / 2) % MOCK_RECENT].unique = h->unique;
	m->recent[(h->unique / 2) % MOCK_RECENT].opcode = r->view.op->opcode;
	pthread_cond_broadcast(&m->changed);
	return a.verdict == PROTO_REFUSED ? -EINVAL : 0;
}

int mock_receive(struct mock *m, const void *bytes, size_t len)
{
	struct fuse_out_header h;
	uint64_t again = 0;
	int res;

	pthread_mutex_lock(&m->lock);
	if (len < sizeof(h)) {
		mock_fault_locked(m, "message of %zu bytes", len);
		pthread_mutex_unlock(&m->lock);
		return -EINVAL;
	}
	memcpy(&h, bytes, sizeof(h));
	if (h.unique == 0)
		res = mock_receive_notify_locked(m, bytes, len);
	else if (h.unique & FUSE_INT_REQ_BIT)
		res = m->strangers_welcome ? stranger_locked(m, &h)
					   : receive_interrupt_locked(m, &h, len, &again);
	else
		res = receive_reply_locked(m, bytes, len, &h);
	pthread_mutex_unlock(&m->lock);
	if (again)
		mock_interrupt(m, again);
	return res;
}

/* Exactly `len` bytes of a byte stream; false at its end. */
static bool read_all(int fd, unsigned char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

/* One message; 0 at the end of the connection. */
static size_t next_message(struct mock *m, unsigned char *buf)
{
	struct fuse_out_header h;
	ssize_t n;

	if (m->options.wire != MOCK_STREAM) {
		do {
			n = recv(m->fd, buf, MOCK_MESSAGE_MAX, 0);
		} while (n < 0 && errno == EINTR);
		return n > 0 ? (size_t)n : 0;
	}
	if (!read_all(m->fd, buf, sizeof(h)))
		return 0;
	memcpy(&h, buf, sizeof(h));
	if (h.len < sizeof(h) || h.len > MOCK_MESSAGE_MAX) {
		pthread_mutex_lock(&m->lock);
		mock_fault_locked(m, "a length of %u ends the byte stream", h.len);
		pthread_mutex_unlock(&m->lock);
		return 0;
	}
	return read_all(m->fd, buf + sizeof(h), h.len - sizeof(h)) ? h.len : 0;
}

void *mock_reader(void *arg)
{
	struct mock *m = arg;
	unsigned char *buf = mock_alloc(MOCK_MESSAGE_MAX);
	size_t len;

	while ((len = next_message(m, buf)) > 0)
		mock_receive(m, buf, len);
	pthread_mutex_lock(&m->lock);
	mock_end_locked(m);
	pthread_mutex_unlock(&m->lock);
	free(buf);
	return NULL;
}

ssize_t mock_device_read(struct mock *m, int fd, void *buf, size_t len)
{
	ssize_t n = recv(fd, buf, len, 0);

	if (n > 0)
		return n;
	if (n == 0 || errno == ECONNRESET)
		errno = ENODEV;
	return -1;
}

ssize_t mock_device_writev(struct mock *m, const struct iovec *iov, int count)
{
	size_t len = 0, pos = 0;
	unsigned char *buf;
	int res;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	buf = mock_alloc(len + 1);
	for (int i = 0; i < count; i++) {
		memcpy(buf + pos, iov[i].iov_base, iov[i].iov_len);
		pos += iov[i].iov_len;
	}
	res = mock_receive(m, buf, len);
	free(buf);
	if (res == 0)
		return (ssize_t)len;
	errno = -res;
	return -1;
}
