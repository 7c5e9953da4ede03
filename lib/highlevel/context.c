/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions that a callback may ask about its request. */
#include "highlevel/context.h"

#include <profuse.h>

#include <errno.h>

#include "base/compiler.h"

static _Thread_local struct hl_context context;

struct fuse_context *hl_context_make(void)
{
	context.known = true;
	return &context.pub;
}

struct hl_context hl_context_enter(struct fuse *f, fuse_req_t req, void *private_data)
{
	struct hl_context outer = context;

	context = (struct hl_context){.pub = {.fuse = f, .private_data = private_data},
				      .req = req,
				      .known = true,
				      .inside = true};
	if (req) {
		const struct fuse_ctx *ctx = fuse_req_ctx(req);

		context.pub.uid = ctx->uid;
		context.pub.gid = ctx->gid;
		context.pub.pid = ctx->pid;
		context.pub.umask = ctx->umask;
	}
	return outer;
}

/* What fuse_get_context() returned stays readable until the thread's next
 * request: programs look at it in odd places. */
void hl_context_leave(const struct hl_context *outer)
{
	if (outer->inside) {
		context = *outer;
	} else {
		context.req = NULL;
		context.file = NULL;
		context.inside = false;
	}
}

void hl_context_file(struct fuse_file_info *file)
{
	context.file = file;
}

PROFUSE_EXPORT struct fuse_file_info *profuse_open_file(void)
{
	return context.inside ? context.file : NULL;
}

void hl_context_answered(void)
{
	context.req = NULL;
}

PROFUSE_EXPORT struct fuse_context *fuse_get_context(void)
{
	return context.known ? &context.pub : NULL;
}

PROFUSE_EXPORT int fuse_getgroups(int size, gid_t list[])
{
	return context.req ? fuse_req_getgroups(context.req, size, list) : -EINVAL;
}

PROFUSE_EXPORT int fuse_interrupted(void)
{
	return context.req ? fuse_req_interrupted(context.req) : 0;
}
