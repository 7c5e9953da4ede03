/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a request to the callback that serves it: one table over the rows of
 * ops.def, and what happens where a program has no callback. */
#include "lowlevel/ll.h"

#include <errno.h>
#include <string.h>

#define OPS(member) offsetof(struct fuse_lowlevel_ops, member)

/* clang-format off */
static const struct ll_route routes[PROTO_OP_COUNT] = {
	[PROTO_LOOKUP]             = {ll_do_lookup, OPS(lookup), 0, LL_ENOSYS},
	[PROTO_FORGET]             = {ll_do_forget, OPS(forget), OPS(forget_multi), LL_NONE},
	[PROTO_GETATTR]            = {ll_do_getattr, OPS(getattr), 0, LL_ENOSYS},
	[PROTO_SETATTR]            = {ll_do_setattr, OPS(setattr), 0, LL_ENOSYS},
	[PROTO_READLINK]           = {ll_do_readlink, OPS(readlink), 0, LL_ENOSYS},
	[PROTO_SYMLINK]            = {ll_do_symlink, OPS(symlink), 0, LL_ENOSYS},
	[PROTO_MKNOD]              = {ll_do_mknod, OPS(mknod), 0, LL_ENOSYS},
	[PROTO_MKDIR]              = {ll_do_mkdir, OPS(mkdir), 0, LL_ENOSYS},
	[PROTO_UNLINK]             = {ll_do_unlink, OPS(unlink), 0, LL_ENOSYS},
	[PROTO_RMDIR]              = {ll_do_rmdir, OPS(rmdir), 0, LL_ENOSYS},
	[PROTO_RENAME]             = {ll_do_rename, OPS(rename), 0, LL_ENOSYS},
	[PROTO_LINK]               = {ll_do_link, OPS(link), 0, LL_ENOSYS},
	[PROTO_OPEN]               = {ll_do_open, OPS(open), 0, LL_OPEN},
	[PROTO_READ]               = {ll_do_read, OPS(read), 0, LL_ENOSYS},
	[PROTO_WRITE]              = {ll_do_write, OPS(write), OPS(write_buf), LL_ENOSYS},
	[PROTO_STATFS]             = {ll_do_statfs, OPS(statfs), 0, LL_STATFS},
	[PROTO_RELEASE]            = {ll_do_release, OPS(release), 0, LL_OK},
	[PROTO_FSYNC]              = {ll_do_fsync, OPS(fsync), 0, LL_ENOSYS},
	[PROTO_SETXATTR]           = {ll_do_setxattr, OPS(setxattr), 0, LL_ENOSYS},
	[PROTO_GETXATTR]           = {ll_do_getxattr, OPS(getxattr), 0, LL_ENOSYS},
	[PROTO_LISTXATTR]          = {ll_do_listxattr, OPS(listxattr), 0, LL_ENOSYS},
	[PROTO_REMOVEXATTR]        = {ll_do_removexattr, OPS(removexattr), 0, LL_ENOSYS},
	[PROTO_FLUSH]              = {ll_do_flush, OPS(flush), 0, LL_ENOSYS},
	[PROTO_OPENDIR]            = {ll_do_opendir, OPS(opendir), 0, LL_OPENDIR},
	[PROTO_READDIR]            = {ll_do_readdir, OPS(readdir), 0, LL_ENOSYS},
	[PROTO_RELEASEDIR]         = {ll_do_releasedir, OPS(releasedir), 0, LL_OK},
	[PROTO_FSYNCDIR]           = {ll_do_fsyncdir, OPS(fsyncdir), 0, LL_ENOSYS},
	[PROTO_GETLK]              = {ll_do_getlk, OPS(getlk), 0, LL_ENOSYS},
	[PROTO_SETLK]              = {ll_do_setlk, OPS(setlk), OPS(flock), LL_ENOSYS},
	[PROTO_SETLKW]             = {ll_do_setlkw, OPS(setlk), OPS(flock), LL_ENOSYS},
	[PROTO_ACCESS]             = {ll_do_access, OPS(access), 0, LL_ENOSYS},
	[PROTO_CREATE]             = {ll_do_create, OPS(create), 0, LL_ENOSYS},
	[PROTO_BMAP]               = {ll_do_bmap, OPS(bmap), 0, LL_ENOSYS},
	[PROTO_IOCTL]              = {ll_do_ioctl, OPS(ioctl), 0, LL_ENOSYS},
	[PROTO_POLL]               = {ll_do_poll, OPS(poll), 0, LL_ENOSYS},
	[PROTO_NOTIFY_REPLY]       = {ll_do_notify_reply, OPS(retrieve_reply), 0, LL_NONE},
	[PROTO_BATCH_FORGET]       = {ll_do_batch_forget, OPS(forget_multi), OPS(forget), LL_NONE},
	[PROTO_FALLOCATE]          = {ll_do_fallocate, OPS(fallocate), 0, LL_ENOSYS},
	[PROTO_READDIRPLUS]        = {ll_do_readdirplus, OPS(readdirplus), 0, LL_ENOSYS},
	[PROTO_RENAME2]            = {ll_do_rename2, OPS(rename), 0, LL_ENOSYS},
	[PROTO_LSEEK]              = {ll_do_lseek, OPS(lseek), 0, LL_ENOSYS},
	[PROTO_COPY_FILE_RANGE]    = {ll_do_copy_file_range, OPS(copy_file_range), 0, LL_ENOSYS},
	[PROTO_SYNCFS]             = {ll_do_syncfs, OPS(syncfs), 0, LL_ENOSYS},
	[PROTO_TMPFILE]            = {ll_do_tmpfile, OPS(tmpfile), 0, LL_ENOSYS},
	[PROTO_STATX]              = {ll_do_statx, OPS(statx), 0, LL_ENOSYS},
	[PROTO_COPY_FILE_RANGE_64] = {ll_do_copy_file_range, OPS(copy_file_range), 0, LL_ENOSYS},
	/* INIT, INTERRUPT and DESTROY are the session's, CUSE_INIT is cuse's, and
	 * the mapping operations need virtiofs: no route, so ENOSYS. */
};
/* clang-format on */

/* The member at an offset; `init`, at 0, is nobody's route. */
static bool has_op(const struct fuse_lowlevel_ops *ops, size_t offset)
{
	void (*op)(void);

	memcpy(&op, (const char *)ops + offset, sizeof(op));
	return op != NULL;
}

static void reply_missing(const struct ll *ll, fuse_req_t req, enum ll_missing missing)
{
	const struct fuse_file_info fi = {0};
	const struct statvfs st = {.f_namemax = 255, .f_bsize = 512};
	uint64_t flags = ll->se->conn.flags;

	switch (missing) {
	case LL_ENOSYS:
		fuse_reply_err(req, ENOSYS);
		break;
	case LL_OK:
		fuse_reply_err(req, 0);
		break;
	case LL_OPEN:
		if (flags & FUSE_INIT_FLAG(NO_OPEN_SUPPORT))
			fuse_reply_err(req, ENOSYS);
		else
			fuse_reply_open(req, &fi);
		break;
	case LL_OPENDIR:
		if (flags & FUSE_INIT_FLAG(NO_OPENDIR_SUPPORT))
			fuse_reply_err(req, ENOSYS);
		else
			fuse_reply_open(req, &fi);
		break;
	case LL_STATFS:
		fuse_reply_statfs(req, &st);
		break;
	case LL_NONE:
		fuse_reply_none(req);
		break;
	}
}

static void handle_request(void *data, fuse_req_t req, const struct proto_req *r)
{
	const struct ll *ll = data;
	const struct ll_route *route = &routes[r->op->index];

	if (likely(route->call &&
		   (has_op(&ll->ops, route->op) || (route->alt && has_op(&ll->ops, route->alt)))))
		route->call(ll, req, r);
	else
		reply_missing(ll, req, route->missing);
}

/* A second handshake, on the next attempt to mount, gets what init() wished
 * for the first time. */
static void handle_init(void *data, struct fuse_conn_info *conn)
{
	struct ll *ll = data;

	if (ll->init_called) {
		*conn = ll->init_wishes;
		return;
	}
	if (ll->init_in_mount)
		ll_conn_set_sync_init(conn);
	if (ll->ops.init)
		ll->ops.init(ll->se->userdata, conn);
	sess_caching_want(&ll->se->caching, conn, ll->ops.open, ll->ops.opendir);
	ll->init_called = true;
	ll->init_wishes = *conn;
}

static void handle_greeted(void *data)
{
	const struct ll *ll = data;

	if (atomic_load(&ll->se->debug))
		ll_describe_for_debug(ll->se);
	ll_say_init_status(ll->se);
}

static void handle_destroy(void *data)
{
	const struct ll *ll = data;

	if (ll->ops.destroy)
		ll->ops.destroy(ll->se->userdata);
}

static bool handle_implements(void *data, size_t op_offset)
{
	const struct ll *ll = data;

	return has_op(&ll->ops, op_offset);
}

const struct sess_handler ll_handler = {
	.init = handle_init,
	.greeted = handle_greeted,
	.destroy = handle_destroy,
	.request = handle_request,
	.implements = handle_implements,
};
