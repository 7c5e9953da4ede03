/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lookup counts, open handles, faults. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

void mock_fault_locked(struct mock *m, const char *fmt, ...)
{
	struct mock_fault *f = mock_alloc(sizeof(*f));
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&f->text, fmt, ap) < 0)
		abort();
	va_end(ap);
	f->next = m->faults;
	m->faults = f;
	m->fault_count++;
	if (!m->options.quiet)
		fprintf(stderr, "mock kernel: %s\n", f->text);
}

int mock_faults(struct mock *m)
{
	int n;

	pthread_mutex_lock(&m->lock);
	n = m->fault_count;
	pthread_mutex_unlock(&m->lock);
	return n;
}

bool mock_expect_fault(struct mock *m, const char *text)
{
	struct mock_fault **p, *f;

	pthread_mutex_lock(&m->lock);
	for (p = &m->faults; (f = *p) != NULL && !strstr(f->text, text);)
		p = &f->next;
	if (f) {
		*p = f->next;
		m->fault_count--;
		free(f->text);
	}
	pthread_mutex_unlock(&m->lock);
	free(f);
	return f != NULL;
}

static struct mock_node **find_node(struct mock *m, uint64_t nodeid)
{
	struct mock_node **p = &m->nodes[nodeid % MOCK_NODE_BUCKETS];

	while (*p && (*p)->nodeid != nodeid)
		p = &(*p)->next;
	return p;
}

static void add_lookup(struct mock *m, uint64_t nodeid)
{
	struct mock_node **p = find_node(m, nodeid);

	if (!*p) {
		*p = mock_alloc(sizeof(**p));
		(*p)->nodeid = nodeid;
	}
	(*p)->lookups++;
}

void mock_book_forget_locked(struct mock *m, uint64_t nodeid, uint64_t count)
{
	struct mock_node **p = find_node(m, nodeid), *node = *p;

	if (!node)
		return;
	node->lookups -= count < node->lookups ? count : node->lookups;
	if (node->lookups == 0) {
		*p = node->next;
		free(node);
	}
}

static void add_handle(struct mock *m, uint64_t nodeid, uint64_t fh, bool directory)
{
	struct mock_handle *h = mock_alloc(sizeof(*h));

	*h = (struct mock_handle){m->handles, nodeid, fh, directory};
	m->handles = h;
}

static void drop_handle(struct mock *m, uint64_t fh, bool directory)
{
	struct mock_handle **p = &m->handles, *h;

	while ((h = *p) != NULL && (h->fh != fh || h->directory != directory))
		p = &h->next;
	if (!h)
		return;
	*p = h->next;
	free(h);
}

void mock_book_reply_locked(struct mock *m, const struct mock_request *r,
			    const struct proto_audit *a)
{
	unsigned int opcode = r->view.op->opcode;
	struct fuse_open_out open;
	uint64_t nodeid = r->view.hdr->nodeid;
	size_t pos = 0;

	/* Whatever the answer to a RELEASE is, the handle is gone. */
	if (opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR)
		drop_handle(m, ((const struct fuse_release_in *)r->view.in)->fh,
			    opcode == FUSE_RELEASEDIR);
	while (proto_reply_next_lookup(&m->conn, &r->view, a, &pos, &nodeid))
		add_lookup(m, nodeid);
	if (proto_reply_open(&m->conn, &r->view, a, &open))
		add_handle(m, nodeid, open.fh, opcode == FUSE_OPENDIR);
}

uint64_t mock_lookups(struct mock *m, uint64_t nodeid)
{
	struct mock_node *node;
	uint64_t n;

	pthread_mutex_lock(&m->lock);
	node = *find_node(m, nodeid);
	n = node ? node->lookups : 0;
	pthread_mutex_unlock(&m->lock);
	return n;
}

uint64_t mock_lookups_total(struct mock *m)
{
	uint64_t n = 0;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < MOCK_NODE_BUCKETS; i++) {
		for (struct mock_node *node = m->nodes[i]; node; node = node->next)
			n += node->lookups;
	}
	pthread_mutex_unlock(&m->lock);
	return n;
}

size_t mock_open_handles(struct mock *m)
{
	size_t n = 0;

	pthread_mutex_lock(&m->lock);
	for (struct mock_handle *h = m->handles; h; h = h->next)
		n++;
	pthread_mutex_unlock(&m->lock);
	return n;
}

/* Copies up to `max` nodes out of the books, so that they can be forgotten
 * without the lock. */
static uint32_t some_nodes(struct mock *m, struct fuse_forget_one *list, uint32_t max)
{
	uint32_t n = 0;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < MOCK_NODE_BUCKETS && n < max; i++) {
		for (struct mock_node *node = m->nodes[i]; node && n < max; node = node->next)
			list[n++] = (struct fuse_forget_one){node->nodeid, node->lookups};
	}
	pthread_mutex_unlock(&m->lock);
	return n;
}

void mock_forget_all(struct mock *m)
{
	struct fuse_forget_one list[64];
	uint32_t n;

	while ((n = some_nodes(m, list, 64)) > 0) {
		if (m->conn.minor >= 16 && n > 1) {
			if (mock_batch_forget(m, list, n) != 0)
				return;
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (mock_forget(m, list[i].nodeid, list[i].nlookup) != 0)
				return;
		}
	}
}

void mock_book_leftovers_locked(struct mock *m)
{
	for (size_t i = 0; i < MOCK_NODE_BUCKETS; i++) {
		for (struct mock_node *node = m->nodes[i]; node; node = node->next)
			mock_fault_locked(m, "node %llu: %llu lookups never forgotten",
					  (unsigned long long)node->nodeid,
					  (unsigned long long)node->lookups);
	}
	for (struct mock_handle *h = m->handles; h; h = h->next)
		mock_fault_locked(m, "node %llu: %s handle 0x%llx never released",
				  (unsigned long long)h->nodeid,
				  h->directory ? "directory" : "file", (unsigned long long)h->fh);
}

void mock_books_free(struct mock *m)
{
	for (size_t i = 0; i < MOCK_NODE_BUCKETS; i++) {
		while (m->nodes[i]) {
			struct mock_node *node = m->nodes[i];

			m->nodes[i] = node->next;
			free(node);
		}
	}
	while (m->handles) {
		struct mock_handle *h = m->handles;

		m->handles = h->next;
		free(h);
	}
	while (m->faults) {
		struct mock_fault *f = m->faults;

		m->faults = f->next;
		free(f->text);
		free(f);
	}
}
