/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications in, and the requests that answer them: RETRIEVE, RESEND;
 * interrupts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

int mock_receive_notify_locked(struct mock *m, const void *bytes, size_t len)
{
	struct proto_audit a = proto_audit_notify(&m->conn, bytes, len);
	struct mock_queued_notify *q;
	struct fuse_out_header h;

	memcpy(&h, bytes, sizeof(h));
	if (a.verdict != PROTO_ACCEPTED) {
		mock_fault_locked(m, "wrong notification %d: %s", h.error, a.why);
		return -EINVAL;
	}
	q = mock_alloc(sizeof(*q));
	q->n.code = (unsigned int)h.error;
	q->n.len = a.body_len;
	q->n.body = mock_alloc(a.body_len + 1);
	memcpy(q->n.body, a.body, a.body_len);
	*m->notify_last = q;
	m->notify_last = &q->next;
	m->notify_count++;
	pthread_cond_broadcast(&m->changed);
	return m->notify_error;
}

bool mock_next_notify(struct mock *m, struct mock_notify *out)
{
	struct timespec until = mock_deadline(m->options.deadline_ms);
	struct mock_queued_notify *q;

	pthread_mutex_lock(&m->lock);
	while (!m->notify_first && !m->ended) {
		if (pthread_cond_timedwait(&m->changed, &m->lock, &until) == ETIMEDOUT)
			break;
	}
	q = m->notify_first;
	if (q) {
		m->notify_first = q->next;
		if (!q->next)
			m->notify_last = &m->notify_first;
		m->notify_count--;
	}
	pthread_mutex_unlock(&m->lock);
	if (!q)
		return false;
	*out = q->n;
	free(q);
	return true;
}

void mock_notify_free(struct mock_notify *n)
{
	free(n->body);
	n->body = NULL;
}

size_t mock_notify_count(struct mock *m)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->notify_count;
	pthread_mutex_unlock(&m->lock);
	return n;
}

void mock_notify_error(struct mock *m, int error)
{
	pthread_mutex_lock(&m->lock);
	m->notify_error = error;
	pthread_mutex_unlock(&m->lock);
}

int mock_retrieve_reply(struct mock *m, uint64_t notify_unique, uint64_t nodeid, uint64_t offset,
			const void *data, size_t len)
{
	struct fuse_notify_retrieve_in in = {.offset = offset};
	struct mock_call call = {.op = PROTO_NOTIFY_REPLY,
				 .unique = notify_unique,
				 .nodeid = nodeid,
				 .in = &in,
				 .data = data,
				 .data_len = len};

	return mock_send(m, &call) ? 0 : -ENOTCONN;
}

bool mock_interrupt(struct mock *m, uint64_t unique)
{
	struct fuse_interrupt_in in = {.unique = unique};
	struct mock_call call = {
		.op = PROTO_INTERRUPT, .unique = unique | FUSE_INT_REQ_BIT, .in = &in};
	struct mock_request *r;
	bool due;

	pthread_mutex_lock(&m->lock);
	r = mock_find_locked(m, unique);
	due = r && !r->answered && !r->interrupted && !m->no_interrupt;
	if (due)
		r->interrupted = true;
	pthread_mutex_unlock(&m->lock);
	return due && mock_send(m, &call) != 0;
}

unsigned int mock_interrupts_requeued(struct mock *m)
{
	unsigned int n;

	pthread_mutex_lock(&m->lock);
	n = m->requeued;
	pthread_mutex_unlock(&m->lock);
	return n;
}

bool mock_interrupts_refused(struct mock *m)
{
	bool refused;

	pthread_mutex_lock(&m->lock);
	refused = m->no_interrupt;
	pthread_mutex_unlock(&m->lock);
	return refused;
}

/* The resend mark becomes part of the request's name: answers without it find
 * nobody. */
void mock_resend(struct mock *m)
{
	struct fuse_in_header *h;

	pthread_mutex_lock(&m->lock);
	for (struct mock_request *r = m->requests; r; r = r->next) {
		if (r->answered)
			continue;
		h = r->bytes;
		h->unique |= FUSE_UNIQUE_RESEND;
		r->unique = h->unique;
		mock_transmit(m, r->bytes, r->len);
	}
	pthread_mutex_unlock(&m->lock);
}
