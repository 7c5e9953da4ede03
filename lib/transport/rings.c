/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, memory and set-up of the queues. The life of a request on them is in
 * ring_chan.c. */
#include "transport/rings.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "transport/ring_chan.h"

unsigned int xport_rings_queues(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	unsigned int first, last = 0;
	int n, configured = get_nprocs_conf();

	if (!f)
		return configured > 0 ? (unsigned int)configured : 1;
	/* "0-127", or "0", or a list of such ranges: the last number counts. */
	while ((n = fscanf(f, "%u-%u", &first, &last)) >= 1) {
		if (n == 1)
			last = first;
		if (fgetc(f) != ',')
			break;
	}
	fclose(f);
	return last + 1;
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

size_t xport_rings_memory(const struct xport *x)
{
	const struct rings *r = container_of(x, struct rings, x);

	return (size_t)r->cfg.queues * r->cfg.depth * (r->cfg.payload + sizeof(struct ring_header));
}

/* ---- a channel's memory and ring ---- */

/* Payloads start on pages; headers stand together behind them. Only touched
 * pages become resident. A forked child must not keep the connection alive
 * through them. */
static int map_memory(struct ring_chan *c)
{
	size_t payload = c->rings->cfg.payload;
	size_t per_entry, size;

	if (!size_add(payload, sizeof(struct ring_header), &per_entry) ||
	    !size_mul(per_entry, c->count, &size))
		return -EOVERFLOW;
	c->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->memory == MAP_FAILED) {
		c->memory = NULL;
		return -ENOMEM;
	}
	c->memory_size = size;
	if (madvise(c->memory, size, MADV_DONTFORK) < 0)
		return -errno;
	return 0;
}

static int make_entries(struct ring_chan *c, unsigned int first_queue)
{
	size_t payload = c->rings->cfg.payload;
	struct ring_header *headers;
	int err = map_memory(c);

	if (err)
		return err;
	c->entries = calloc(c->count, sizeof(*c->entries));
	if (!c->entries)
		return -ENOMEM;
	headers = (struct ring_header *)((char *)c->memory + payload * c->count);
	for (unsigned int i = 0; i < c->count; i++) {
		struct ring_entry *e = &c->entries[i];

		*e = (struct ring_entry){
			.chan = c,
			.header = &headers[i],
			.payload = (char *)c->memory + payload * i,
			.qid = (uint16_t)(first_queue + i / c->rings->cfg.depth),
		};
		e->iov[0] = (struct iovec){e->header, sizeof(*e->header)};
		e->iov[1] = (struct iovec){e->payload, payload};
	}
	return 0;
}

/* The cheapest set-up that this kernel has. DEFER_TASKRUN lets the answer and
 * the wait for the next request be one system call that runs nothing else. */
static int make_ring(struct ring_chan *c)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER,
		0,
	};
	/* Room for an answer of every entry, two polls and the kick. */
	unsigned int slots = c->count + 4;
	int err = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(flags) && err == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = flags[i] | IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE,
			.cq_entries = 2 * slots,
		};

		err = io_uring_queue_init_params(slots, &c->ring, &p);
	}
	if (err)
		return err;
	c->ring_ready = true;
	err = io_uring_ring_dontfork(&c->ring);
	if (err)
		return err;
	return io_uring_register_files(&c->ring, &c->rings->dev->fd, 1);
}

static void free_chan(struct ring_chan *c)
{
	if (c->ring_ready)
		io_uring_queue_exit(&c->ring);
	if (c->dev_chan)
		c->rings->dev->ops->close_chan(c->dev_chan);
	if (c->kick_fd >= 0)
		close(c->kick_fd);
	if (c->memory)
		munmap(c->memory, c->memory_size);
	free(c->entries);
	free(c);
}

static int fill_chan(struct ring_chan *c, unsigned int index)
{
	struct rings *r = c->rings;
	bool all = index == XPORT_RINGS_ALL;
	int err;

	if (!all && index >= r->cfg.queues)
		return -EINVAL;
	c->count = r->cfg.depth * (all ? r->cfg.queues : 1);
	c->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->kick_fd < 0)
		return -errno;
	if (all) {
		err = r->dev->ops->open_chan(r->dev, 0, false, &c->dev_chan);
		if (err)
			return err;
	}
	err = make_entries(c, all ? 0 : index);
	if (err)
		return err;
	return make_ring(c);
}

static int rings_open_chan(struct xport *x, unsigned int index, bool clone, struct xport_chan **out)
{
	struct rings *r = container_of(x, struct rings, x);
	struct ring_chan *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->chan = (struct xport_chan){.x = x, .fd = r->dev->fd, .index = index};
	c->rings = r;
	c->kick_fd = -1;
	err = fill_chan(c, index);
	if (err) {
		free_chan(c);
		return err;
	}
	*out = &c->chan;
	return 0;
}

static void rings_close_chan(struct xport_chan *chan)
{
	free_chan(container_of(chan, struct ring_chan, chan));
}

static int rings_notify(struct xport *x, const struct iovec *iov, int count)
{
	struct rings *r = container_of(x, struct rings, x);

	return r->dev->ops->notify(r->dev, iov, count);
}

static void rings_free(struct xport *x)
{
	struct rings *r = container_of(x, struct rings, x);

	/* Descriptors are the device transport's. */
	pthread_mutex_destroy(&r->register_lock);
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
	pthread_mutex_init(&r->register_lock, NULL);
	*out = &r->x;
	return 0;
}
