/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bare_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

int bare_backing = -1;
int bare_passthrough = -1;
static _Atomic unsigned char created[LAYOUT_FILES];
static char zeros[1 << 20];

static void attributes(struct fuse_attr *a, uint64_t ino)
{
	bool dir = ino == LAYOUT_ROOT || ino == LAYOUT_DIR;

	memset(a, 0, sizeof(*a));
	a->ino = ino;
	a->mode = dir ? S_IFDIR | 0755 : S_IFREG | 0644;
	a->nlink = dir ? 2 : 1;
	a->blksize = 4096;
	if (ino == LAYOUT_FILE)
		a->size = LAYOUT_SIZE;
}

static uint64_t find(uint64_t parent, const char *name)
{
	if (parent == LAYOUT_DIR && name[0] == 'e')
		return LAYOUT_ENTRY0 + strtoul(name + 1, NULL, 10);
	if (strcmp(name, "f") == 0)
		return LAYOUT_FILE;
	if (strcmp(name, "d") == 0)
		return LAYOUT_DIR;
	if (name[0] == 't') {
		unsigned long n = strtoul(name + 1, NULL, 10);

		if (n < LAYOUT_FILES && atomic_load(&created[n]))
			return LAYOUT_FILE0 + n;
	}
	return 0;
}

static struct bare_answer entry(void *body, uint64_t ino)
{
	struct fuse_entry_out *e = body;

	if (!ino)
		return (struct bare_answer){.error = -ENOENT};
	memset(e, 0, sizeof(*e));
	e->nodeid = ino;
	attributes(&e->attr, ino);
	return (struct bare_answer){.len = sizeof(*e)};
}

static struct bare_answer opened(void *body, size_t at, uint32_t flags)
{
	struct fuse_open_out *o = (struct fuse_open_out *)((char *)body + at);

	*o = (struct fuse_open_out){.open_flags = flags};
	return (struct bare_answer){.len = at + sizeof(*o)};
}

/* All who have it open share one registration. */
static struct bare_answer opened_file(void *body, size_t at)
{
	static _Atomic int id;
	struct fuse_backing_map map = {.fd = bare_backing};
	struct bare_answer a = opened(body, at, FOPEN_DIRECT_IO);
	struct fuse_open_out *o = (struct fuse_open_out *)((char *)body + at);

	if (bare_passthrough < 0)
		return a;
	if (atomic_load(&id) == 0)
		atomic_store(&id, ioctl(bare_passthrough, FUSE_DEV_IOC_BACKING_OPEN, &map));
	if (atomic_load(&id) <= 0)
		return (struct bare_answer){.error = -EIO};
	o->open_flags = FOPEN_PASSTHROUGH;
	o->backing_id = atomic_load(&id);
	return a;
}

static struct bare_answer listing(const struct fuse_in_header *h, const struct fuse_read_in *in,
				  char *body)
{
	size_t at = 0;

	for (uint64_t i = in->offset; h->nodeid == LAYOUT_DIR && i < LAYOUT_ENTRIES; i++) {
		struct fuse_dirent *d = (struct fuse_dirent *)(body + at);
		size_t size = FUSE_REC_ALIGN(sizeof(*d) + 6);

		if (at + size > in->size)
			break;
		*d = (struct fuse_dirent){
			.ino = LAYOUT_ENTRY0 + i,
			.off = i + 1,
			.namelen = 6,
			.type = S_IFREG >> 12,
		};
		snprintf((char *)(d + 1), 8, "e%05u", (unsigned)i);
		at += size;
	}
	return (struct bare_answer){.len = at};
}

static struct bare_answer init_reply(const struct fuse_init_in *in, struct fuse_init_out *out)
{
	*out = (struct fuse_init_out){
		.major = 7,
		.minor = 45,
		.max_readahead = in->max_readahead,
		.flags = in->flags &
			 (uint32_t)(FUSE_INIT_FLAG(ASYNC_READ) | FUSE_INIT_FLAG(ATOMIC_O_TRUNC) |
				    FUSE_INIT_FLAG(BIG_WRITES) | FUSE_INIT_FLAG(AUTO_INVAL_DATA) |
				    FUSE_INIT_FLAG(ASYNC_DIO) | FUSE_INIT_FLAG(MAX_PAGES) |
				    FUSE_INIT_FLAG(INIT_EXT)),
		.max_write = 1 << 20,
		.max_pages = 256,
		.time_gran = 1,
	};
	if (bare_passthrough >= 0) {
		out->flags |= in->flags & (uint32_t)FUSE_INIT_FLAG(HANDLE_KILLPRIV_V2);
		out->flags2 = in->flags2 & (uint32_t)(FUSE_INIT_FLAG(PASSTHROUGH) >> 32);
		out->max_stack_depth = 1;
	}
	return (struct bare_answer){.len = sizeof(*out)};
}

static struct bare_answer data(const struct fuse_read_in *in, void *body)
{
	ssize_t n;

	if (bare_backing < 0)
		return (struct bare_answer){.len = in->size, .data = zeros};
	n = pread(bare_backing, body, in->size, (off_t)in->offset);
	return n < 0 ? (struct bare_answer){.error = -errno}
		     : (struct bare_answer){.len = (size_t)n};
}

static struct bare_answer store(const struct fuse_write_in *in, const void *tail, void *body)
{
	struct fuse_write_out out = {.size = in->size};

	if (bare_backing >= 0 && pwrite(bare_backing, tail, in->size, (off_t)in->offset) < 0)
		return (struct bare_answer){.error = -errno};
	memcpy(body, &out, sizeof(out));
	return (struct bare_answer){.len = sizeof(out)};
}

static struct bare_answer create(const char *name, void *body)
{
	unsigned long n = strtoul(name + 1, NULL, 10);

	if (name[0] != 't' || n >= LAYOUT_FILES)
		return (struct bare_answer){.error = -EPERM};
	atomic_store(&created[n], 1);
	entry(body, LAYOUT_FILE0 + n);
	return opened(body, sizeof(struct fuse_entry_out), FOPEN_DIRECT_IO);
}

static struct bare_answer delete (uint64_t parent, const char *name)
{
	uint64_t ino = find(parent, name);

	if (ino < LAYOUT_FILE0)
		return (struct bare_answer){.error = ino ? -EPERM : -ENOENT};
	atomic_store(&created[ino - LAYOUT_FILE0], 0);
	return (struct bare_answer){0};
}

struct bare_answer bare_serve(const struct fuse_in_header *h, const void *arg, const void *tail,
			      void *body)
{
	switch (h->opcode) {
	case FUSE_INIT:
		return init_reply(arg, body);
	case FUSE_LOOKUP:
		return entry(body, find(h->nodeid, tail));
	case FUSE_GETATTR:
		memset(body, 0, sizeof(struct fuse_attr_out));
		attributes(&((struct fuse_attr_out *)body)->attr, h->nodeid);
		return (struct bare_answer){.len = sizeof(struct fuse_attr_out)};
	case FUSE_OPEN:
		return opened_file(body, 0);
	case FUSE_OPENDIR:
		return opened(body, 0, 0);
	case FUSE_CREATE:
		return create(tail, body);
	case FUSE_UNLINK:
		return delete (h->nodeid, tail);
	case FUSE_READ:
		return data(arg, body);
	case FUSE_WRITE:
		return store(arg, tail, body);
	case FUSE_READDIR:
		return listing(h, arg, body);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		return (struct bare_answer){0};
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return (struct bare_answer){.none = true};
	default:
		return (struct bare_answer){.error = -ENOSYS};
	}
}

int bare_mount(const char *mountpoint, int open_flags)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | open_flags);
	char options[128];

	if (fd < 0) {
		perror("/dev/fuse");
		return -1;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("bare", mountpoint, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		perror(mountpoint);
		close(fd);
		return -1;
	}
	return fd;
}
