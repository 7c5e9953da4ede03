/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a live session agreed on with the kernel, and what it was asked. */
#include "lowlevel/ll.h"

#include <errno.h>
#include <profuse.h>
#include <string.h>
#include <unistd.h>

#include "session/worker.h"

static const struct {
	uint64_t flag;
	const char *name;
} flags[] = {
#define CAP(flag, ...) {FUSE_INIT_FLAG(flag), #flag},
#include "protocol/caps.def"
#undef CAP
};

static const char *transport(const struct fuse_session *se)
{
	if (se->rings)
		return "io_uring";
	return se->xport ? se->xport->ops->name : "none";
}

static struct profuse_session_info info_of(struct fuse_session *se)
{
	const struct fuse_conn_info *conn = &se->info;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	bool pages = se->conn.flags & FUSE_INIT_FLAG(MAX_PAGES);

	return (struct profuse_session_info){
		.proto_minor = se->conn.minor,
		.max_write = conn->max_write,
		.max_pages = pages ? (uint32_t)((conn->max_write + page - 1) / page) : 32,
		.max_readahead = conn->max_readahead,
		.max_background = conn->max_background,
		.congestion_threshold = conn->congestion_threshold,
		.stack_depth = se->conn.flags & FUSE_INIT_FLAG(PASSTHROUGH)
				       ? conn->max_backing_stack_depth + 1
				       : 0,
		.flags = se->conn.flags,
		.buffer_bytes = sess_bufsize(se),
		.transport = transport(se),
		.cache = sess_caching_name(se->caching.profile),
	};
}

PROFUSE_EXPORT int profuse_session_get_info(struct fuse_session *se,
					    struct profuse_session_info *info, size_t size)
{
	struct profuse_session_info all;

	/* Acquire: what INIT settled is visible. */
	if (atomic_load_explicit(&se->state, memory_order_acquire) == SESS_NEW)
		return -ENOTCONN;
	all = info_of(se);
	memset(info, 0, size);
	memcpy(info, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}

static uint64_t count_of(struct fuse_session *se, unsigned int index)
{
	uint64_t n = 0;

	for (struct sess_worker *w = atomic_load_explicit(&se->workers, memory_order_acquire); w;
	     w = w->next)
		n += atomic_load_explicit(&w->stats.requests[index], memory_order_relaxed);
	return n;
}

PROFUSE_EXPORT uint64_t profuse_session_requests(struct fuse_session *se, const char *operation)
{
	const struct proto_op *op = proto_op_by_name(operation);

	return op ? count_of(se, op->index) : 0;
}

static void append(char *line, size_t size, const char *word)
{
	size_t len = strlen(line);

	snprintf(line + len, size - len, " %s", word);
}

static void flags_line(const struct fuse_session *se, char *line, size_t size)
{
	snprintf(line, size, "flags:");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (se->conn.flags & flags[i].flag)
			append(line, size, flags[i].name);
	}
}

PROFUSE_EXPORT int profuse_session_describe(struct fuse_session *se, FILE *out)
{
	struct profuse_session_info i;
	int err = profuse_session_get_info(se, &i, sizeof(i));
	char line[1024];

	if (err)
		return err;
	flags_line(se, line, sizeof(line));
	fprintf(out, "protocol: 7.%u\ntransport: %s\ncache: %s\n%s\n", i.proto_minor, i.transport,
		i.cache, line);
	fprintf(out, "max_write: %u\nmax_pages: %u\nmax_readahead: %u\nbuffer_bytes: %llu\n",
		i.max_write, i.max_pages, i.max_readahead, (unsigned long long)i.buffer_bytes);
	fprintf(out, "max_background: %u\ncongestion_threshold: %u\nstack_depth: %u\n",
		i.max_background, i.congestion_threshold, i.stack_depth);
	for (unsigned int op = 0; op < PROTO_OP_COUNT; op++) {
		uint64_t n = count_of(se, op);

		if (n)
			fprintf(out, "requests %s: %llu\n", proto_ops[op].name,
				(unsigned long long)n);
	}
	return ferror(out) ? -EIO : 0;
}

void ll_describe_for_debug(struct fuse_session *se)
{
	struct profuse_session_info i = info_of(se);
	char line[1024];

	flags_line(se, line, sizeof(line));
	fuse_log(FUSE_LOG_DEBUG,
		 "   INIT: 7.%u\n   flags=0x%08x\n   %s\n   max_readahead=0x%08x\n"
		 "   max_write=0x%08x\n   max_background=%u\n   congestion_threshold=%u\n"
		 "   time_gran=%u\n   stack_depth=%u\n   cache=%s\n",
		 i.proto_minor, (uint32_t)i.flags, line, i.max_readahead, i.max_write,
		 i.max_background, i.congestion_threshold, se->info.time_gran, i.stack_depth, i.cache);
}
