/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, opening and closing. The life of a request is in ring_chan.c. */
#include "transport/rings.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/checked.h"
#include "transport/ring_chan.h"

/* Slots of a thread's ring: its entry, two polls, and the command that gives it
 * another entry meanwhile. */
#define THREAD_SLOTS 4
/* Completions of the clerk come in bursts; what does not fit is kept by the
 * kernel until there is room. */
#define LENDER_SLOTS	   64
#define LENDER_COMPLETIONS 1024

/* ---- sizes ---- */

unsigned int xport_rings_count(const char *list)
{
	unsigned int first, last, count = 0;
	int used, n;

	/* "0-127", "0", or ranges with commas between. The kernel numbers queues
	 * up to the count, also where the CPUs' numbers have gaps. */
	for (;; list += used + 1) {
		used = 0;
		n = sscanf(list, "%u%n-%u%n", &first, &used, &last, &used);
		if (n < 1 || (n == 2 && last < first))
			return 0;
		count += n == 2 ? last - first + 1 : 1;
		if (list[used] != ',')
			return count;
	}
}

unsigned int xport_rings_queues(void)
{
	int configured = get_nprocs_conf();
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	char list[4096] = "";
	unsigned int count = 0;

	if (f) {
		if (fgets(list, sizeof(list), f))
			count = xport_rings_count(list);
		fclose(f);
	}
	if (count == 0)
		count = configured > 0 ? (unsigned int)configured : 1;
	return count;
}

size_t xport_rings_payload(const struct fuse_init_out *out)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	/* 32 pages are the kernel's default without FUSE_MAX_PAGES. */
	size_t pages = out->max_pages ? out->max_pages : 32;
	size_t size = FUSE_MIN_READ_BUFFER;

	if (size < out->max_write)
		size = out->max_write;
	if (size < pages * page)
		size = pages * page;
	return (size + page - 1) & ~(page - 1);
}

unsigned int xport_rings_depth(unsigned int queues, unsigned int wanted, size_t payload, size_t cap)
{
	size_t one;

	if (!size_mul(queues, payload, &one) || one == 0)
		return 0;
	if (cap / one < wanted)
		wanted = (unsigned int)(cap / one);
	return wanted;
}

/* ---- channels ---- */

/* DEFER_TASKRUN lets the answer and the wait for the next request be one system
 * call that runs nothing else; every kernel that has these rings has it. */
static int make_ring(struct ring_chan *c, unsigned int slots, unsigned int completions)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE,
		.cq_entries = completions,
	};
	int err = io_uring_queue_init_params(slots, &c->ring, &p);

	if (err)
		return err;
	c->ring_ready = true;
	err = io_uring_ring_dontfork(&c->ring);
	if (!err)
		err = io_uring_register_files(&c->ring, &c->rings->dev->fd, 1);
	if (!err && io_uring_register_ring_fd(&c->ring) < 0) {
		/* it saves a little; more is not lost */
	}
	return err;
}

static void free_chan(struct ring_chan *c)
{
	if (c->ring_ready)
		io_uring_queue_exit(&c->ring);
	if (c->dev_chan)
		c->rings->dev->ops->close_chan(c->dev_chan);
	if (c->kick_fd >= 0)
		close(c->kick_fd);
	free(c);
}

static int fill_lender(struct ring_chan *c)
{
	struct rings *r = c->rings;
	int err = 0;

	if (c->kind == RING_ALL)
		err = r->dev->ops->open_chan(r->dev, 0, false, &c->dev_chan);
	if (!err)
		err = make_ring(c, LENDER_SLOTS, LENDER_COMPLETIONS);
	if (err)
		return err;
	pthread_rwlock_wrlock(&r->keeper_lock);
	r->keeper = c;
	pthread_rwlock_unlock(&r->keeper_lock);
	return 0;
}

static int fill_thread(struct ring_chan *c, unsigned int queue, bool bare)
{
	struct rings *r = c->rings;

	if (queue >= r->cfg.queues)
		return -EINVAL;
	c->queue = &r->queues[queue];
	if (!bare) {
		c->first = ring_entries_new(r, (uint16_t)queue, 1);
		if (!c->first)
			return -ENOMEM;
	}
	atomic_fetch_add(&r->threads, 1);
	c->counted = true;
	return make_ring(c, THREAD_SLOTS, 2 * THREAD_SLOTS);
}

static int fill_chan(struct ring_chan *c, unsigned int index)
{
	c->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->kick_fd < 0)
		return -errno;
	if (index == XPORT_RINGS_CLERK || index == XPORT_RINGS_ALL) {
		c->kind = index == XPORT_RINGS_ALL ? RING_ALL : RING_CLERK;
		return fill_lender(c);
	}
	c->kind = RING_THREAD;
	return fill_thread(c, c->chan.index, index & XPORT_RINGS_BARE);
}

static int rings_open_chan(struct xport *x, unsigned int index, bool clone, struct xport_chan **out)
{
	struct rings *r = rings_of(x);
	struct ring_chan *c = aligned_alloc(_Alignof(struct ring_chan), sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct ring_chan){
		.chan = {.x = x, .fd = r->dev->fd, .index = index & (XPORT_RINGS_BARE - 1)},
		.rings = r,
		.kick_fd = -1,
	};
	err = fill_chan(c, index);
	if (err) {
		xport_ring_stop(&c->chan);
		free_chan(c);
		return err;
	}
	*out = &c->chan;
	return 0;
}

static void rings_close_chan(struct xport_chan *chan)
{
	xport_ring_stop(chan);
	free_chan(ring_chan_of(chan));
}

int xport_rings_lend(struct xport_chan *lender, unsigned int queue, unsigned int count)
{
	struct ring_chan *c = ring_chan_of(lender);
	struct ring_entry *e = ring_entries_new(c->rings, (uint16_t)queue, count), *last;

	if (!e)
		return -ENOMEM;
	for (last = e; last->next; last = last->next)
		;
	last->next = c->first;
	c->first = e;
	c->rings->queues[queue].target = count;
	return 0;
}

int xport_rings_clerk(struct xport_chan *clerk, unsigned int *queue)
{
	struct xport_recv unused = {.buf = NULL};
	int err = xport_ring_recv(clerk, &unused, true);

	*queue = rings_of(clerk->x)->wanted_qid;
	return err;
}

/* ---- promises ---- */

/* No requests pass through this ring and it may be inherited, so it needs neither
 * an owner nor protection against forks. */
int xport_rings_promise(struct xport *x)
{
	struct rings *r = rings_of(x);
	struct io_uring_params p = {.flags = IORING_SETUP_SQE128};
	int err = io_uring_queue_init_params(1, &r->promise, &p);

	r->promised = err == 0;
	return err;
}

void xport_rings_keep_promise(struct xport *x)
{
	struct rings *r = rings_of(x);

	if (r->promised)
		io_uring_queue_exit(&r->promise);
	r->promised = false;
}

/* A registration that the kernel must refuse makes it go back to the device. */
void xport_rings_withdraw(struct xport *x)
{
	struct rings *r = rings_of(x);
	struct io_uring_sqe *sqe;

	if (!r->promised)
		return;
	atomic_store(&r->refused, true);
	sqe = io_uring_get_sqe(&r->promise);
	if (sqe) {
		memset(sqe, 0, 2 * sizeof(*sqe)); /* SQE128 */
		sqe->opcode = IORING_OP_URING_CMD;
		sqe->fd = r->dev->fd;
		sqe->cmd_op = RING_CMD_REGISTER;
	}
	io_uring_submit_and_wait(&r->promise, 1);
	xport_rings_keep_promise(x);
}

bool xport_rings_served(const struct xport *x)
{
	return atomic_load(&rings_of(x)->serving);
}

/* ---- the transport ---- */

int xport_rings_ready(const struct xport *x, unsigned int queue)
{
	return atomic_load(&rings_of(x)->queues[queue].ready);
}

void xport_rings_rescue(struct xport *x, unsigned int queue)
{
	ring_ask(rings_of(x), queue, RING_ASK_RESCUE);
}

bool xport_rings_backlog(const struct xport *x, unsigned int queue)
{
	return atomic_load(&rings_of(x)->queues[queue].has_backlog);
}

void xport_rings_end(struct xport *x)
{
	struct rings *r = rings_of(x);

	pthread_rwlock_rdlock(&r->keeper_lock);
	if (r->keeper) {
		atomic_store(&r->keeper->end, true);
		atomic_store(&r->keeper->asked, true);
		ring_chan_kick(r->keeper);
	}
	pthread_rwlock_unlock(&r->keeper_lock);
}

unsigned int xport_rings_threads(const struct xport *x)
{
	return atomic_load(&rings_of(x)->threads);
}

unsigned int xport_rings_entries(const struct xport *x)
{
	return atomic_load(&rings_of(x)->entries);
}

const struct xport_rings_cfg *xport_rings_cfg(const struct xport *x)
{
	return &rings_of(x)->cfg;
}

bool xport_rings_refused(const struct xport *x)
{
	const struct rings *r = rings_of(x);

	return atomic_load(&r->refused) && !atomic_load(&r->serving);
}

static int rings_notify(struct xport *x, const struct iovec *iov, int count)
{
	struct rings *r = rings_of(x);

	return r->dev->ops->notify(r->dev, iov, count);
}

static void rings_free(struct xport *x)
{
	struct rings *r = rings_of(x);

	/* Descriptors are the device transport's. */
	xport_rings_keep_promise(x);
	ring_batches_free(r);
	for (unsigned int i = 0; i < r->cfg.queues; i++)
		pthread_mutex_destroy(&r->queues[i].lock);
	pthread_mutex_destroy(&r->lock);
	pthread_rwlock_destroy(&r->keeper_lock);
	free(r->queues);
	free(r);
}

static const struct xport_ops rings_ops = {
	.name = "uring",
	.open_chan = rings_open_chan,
	.close_chan = rings_close_chan,
	.recv = xport_ring_recv,
	.send = xport_ring_send,
	.body = xport_ring_body,
	.done = xport_ring_done,
	.flush = xport_ring_flush,
	.stop = xport_ring_stop,
	.notify = rings_notify,
	.free = rings_free,
};

static struct ring_queue *queues_new(unsigned int count)
{
	struct ring_queue *q = aligned_alloc(_Alignof(struct ring_queue), count * sizeof(*q));

	for (unsigned int i = 0; q && i < count; i++) {
		q[i] = (struct ring_queue){.target = 0};
		pthread_mutex_init(&q[i].lock, NULL);
	}
	return q;
}

int xport_rings_new(struct xport *dev, const struct xport_rings_cfg *cfg, struct xport **out)
{
	struct rings *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->x = (struct xport){
		.ops = &rings_ops,
		.fd = dev->fd,
		.borrowed = true,
		.wake_fd = dev->wake_fd,
	};
	r->dev = dev;
	r->cfg = *cfg;
	r->queues = queues_new(cfg->queues);
	if (!r->queues) {
		free(r);
		return -ENOMEM;
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_rwlock_init(&r->keeper_lock, NULL);
	*out = &r->x;
	return 0;
}
