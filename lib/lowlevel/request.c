/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callbacks may ask about a request. */
#include "lowlevel/ll.h"

#include <errno.h>
#include <profuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

PROFUSE_EXPORT void *fuse_req_userdata(fuse_req_t req)
{
	return sess_of(req)->userdata;
}

PROFUSE_EXPORT const struct fuse_ctx *fuse_req_ctx(fuse_req_t req)
{
	return sess_ctx(req);
}

PROFUSE_EXPORT void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	sess_interrupt_func(req, func, data);
}

PROFUSE_EXPORT int fuse_req_interrupted(fuse_req_t req)
{
	return sess_interrupted(req);
}

PROFUSE_EXPORT bool fuse_req_is_uring(fuse_req_t req)
{
	return sess_on_ring(req);
}

/* Where a reply may be built so that the kernel takes it from there. Memory
 * regions are not registered apart from it, so there is no handle for one. */
PROFUSE_EXPORT int fuse_req_get_payload(fuse_req_t req, char **payload, size_t *payload_sz,
					void **mr)
{
	if (!sess_on_ring(req))
		return -EINVAL;
	*payload = sess_reply_buffer(req, 1, payload_sz);
	if (mr)
		*mr = NULL;
	return *payload ? 0 : -EINVAL;
}

/* ---- set-user-ID and set-group-ID ---- */

PROFUSE_EXPORT bool profuse_must_clear_suid(fuse_req_t req)
{
	const uint64_t negotiated = sess_of(req)->conn.flags & FUSE_INIT_FLAG(HANDLE_KILLPRIV_V2);
	const struct proto_req *r = sess_view(req);
	const struct fuse_setattr_in *set;

	switch (r->hdr->opcode) {
	case FUSE_OPEN:
		return ((const struct fuse_open_in *)r->in)->open_flags & FUSE_OPEN_KILL_SUIDGID;
	case FUSE_CREATE:
		return ((const struct fuse_create_in *)r->in)->open_flags & FUSE_OPEN_KILL_SUIDGID;
	case FUSE_WRITE:
		return ((const struct fuse_write_in *)r->in)->write_flags & FUSE_WRITE_KILL_SUIDGID;
	case FUSE_SETATTR:
		set = r->in;
		/* With nothing to set a write is to follow, or it was chown(-1, -1). */
		return (set->valid & FATTR_KILL_SUIDGID) ||
		       (negotiated && !(set->valid & ~(uint32_t)(FATTR_FH | FATTR_LOCKOWNER)));
	default:
		return false;
	}
}

/* ---- groups ---- */

static int parse_groups(const char *text, int size, gid_t list[])
{
	int count = 0;

	for (;;) {
		char *end;
		unsigned long gid = strtoul(text, &end, 10);

		if (end == text)
			return count;
		if (count < size)
			list[count] = (gid_t)gid;
		count++;
		text = end;
	}
}

/* The kernel does not send them, but tells everybody in /proc. */
PROFUSE_EXPORT int fuse_req_getgroups(fuse_req_t req, int size, gid_t list[])
{
	static const char tag[] = "Groups:";
	CLEANUP_FREE char *line = NULL;
	char path[64];
	size_t cap = 0;
	int count = -EIO;
	pid_t pid = sess_ctx(req)->pid;
	FILE *f;

	if (pid <= 0) /* outside of our pid namespace, or nobody */
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while (count < 0 && getline(&line, &cap, f) > 0) {
		if (strncmp(line, tag, strlen(tag)) == 0)
			count = parse_groups(line + strlen(tag), size, list);
	}
	fclose(f);
	return count;
}

/* ---- security contexts ---- */

/*
 * There may be several records of extensions; contexts are numbered through
 * all of them. Where the iteration stands is kept with the request as a count,
 * so that no part of the message need be remembered.
 */
static bool secctx_nth(fuse_req_t req, uint32_t n, struct proto_secctx *out)
{
	const struct proto_req *view = sess_view(req);
	struct proto_ext ext;
	size_t pos = 0;

	while (proto_ext_next(view, &pos, &ext)) {
		size_t at = 0;

		if (ext.type > FUSE_MAX_NR_SECCTX)
			continue;
		while (proto_secctx_next(&ext, &at, out)) {
			if (n-- == 0)
				return true;
		}
	}
	return false;
}

PROFUSE_EXPORT uint32_t fuse_req_secctx_count(fuse_req_t req)
{
	struct proto_secctx ctx;
	uint32_t count = 0;

	while (secctx_nth(req, count, &ctx))
		count++;
	return count;
}

PROFUSE_EXPORT void fuse_req_secctx_reset(fuse_req_t req)
{
	*sess_iterator(req) = 0;
}

PROFUSE_EXPORT int fuse_req_secctx_next(fuse_req_t req, const char **name, const char **value,
					uint32_t *value_len)
{
	struct proto_secctx ctx;

	if (!secctx_nth(req, *sess_iterator(req), &ctx))
		return -ENOENT;
	++*sess_iterator(req);
	*name = ctx.name;
	*value = ctx.value;
	*value_len = ctx.value_len;
	return 0;
}
