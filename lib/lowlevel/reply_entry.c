/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers that hand out an inode, a file handle or attributes.
 *
 * The kernel turns an entry that it finds wrong into EIO for its caller and
 * never forgets it: the filesystem would hold its reference for ever. So what
 * the kernel would refuse is refused here, where somebody hears of it.
 */
#include "lowlevel/ll.h"
#include "protocol/fill.h"

#include <string.h>

/* The file type that a creating operation must come back with; 0 for any. */
static mode_t required_type(fuse_req_t req)
{
	const struct proto_req *view;

	switch (sess_op(req)->opcode) {
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return S_IFREG;
	case FUSE_MKDIR:
		return S_IFDIR;
	case FUSE_SYMLINK:
		return S_IFLNK;
	case FUSE_MKNOD:
		view = sess_view_kept(req);
		return view ? ((const struct fuse_mknod_in *)view->in)->mode & S_IFMT : 0;
	default:
		return 0;
	}
}

static const char *entry_fault(fuse_req_t req, const struct fuse_entry_param *e)
{
	bool lookup = sess_op(req)->opcode == FUSE_LOOKUP;
	mode_t type = required_type(req);

	if (e->ino == 0)
		return lookup ? NULL : "the inode number is 0";
	/* "." and ".." of file handles may be the root, and its reference
	 * needs no forgetting. */
	if (e->ino == FUSE_ROOT_ID && !lookup)
		return "the inode number is the root's";
	if (type && (e->attr.st_mode & S_IFMT) != type)
		return "st_mode has another file type than was to be made";
	return proto_attr_fault(&e->attr);
}

static void fill_entry(struct fuse_entry_out *out, const struct sess_caching *c,
		       const struct fuse_entry_param *e)
{
	proto_fill_entry_out(out, e->ino, e->generation, sess_entry_valid(c, e),
			     sess_attr_valid(c, e->attr_timeout), &e->attr);
}

PROFUSE_EXPORT int fuse_reply_entry(fuse_req_t req, const struct fuse_entry_param *e)
{
	const char *fault = entry_fault(req, e);
	struct fuse_entry_out out;

	if (unlikely(fault))
		return ll_refuse(req, fault);
	fill_entry(&out, &sess_of(req)->caching, e);
	return ll_reply(req, PROTO_REPLY_ENTRY, &out, proto_entry_size(&sess_of(req)->conn));
}

/* With a backing file the kernel allows only flags that mean something there,
 * and fails the open for any other. Caching hints do not. */
static uint32_t open_flags(const struct fuse_session *se, const struct fuse_file_info *fi)
{
	uint32_t flags = 0;

	if (fi->direct_io)
		flags |= FOPEN_DIRECT_IO;
	if (fi->nonseekable)
		flags |= FOPEN_NONSEEKABLE;
	if (fi->noflush)
		flags |= FOPEN_NOFLUSH;
	/* Members that programs of the 3.16 generation do not have, or have
	 * elsewhere. */
	if (!se->old_defaults && fi->parallel_direct_writes)
		flags |= FOPEN_PARALLEL_DIRECT_WRITES;
	if (!se->old_defaults && fi->backing_id > 0)
		return flags | FOPEN_PASSTHROUGH;
	if (fi->keep_cache)
		flags |= FOPEN_KEEP_CACHE;
	if (fi->cache_readdir)
		flags |= FOPEN_CACHE_DIR;
	return flags;
}

static void fill_open(struct fuse_open_out *out, const struct fuse_session *se,
		      const struct fuse_file_info *fi, bool dir)
{
	*out = (struct fuse_open_out){
		.fh = fi->fh,
		.open_flags = sess_caching_open(&se->caching, dir, open_flags(se, fi)),
	};
	if (out->open_flags & FOPEN_PASSTHROUGH)
		out->backing_id = fi->backing_id;
}

PROFUSE_EXPORT int fuse_reply_create(fuse_req_t req, const struct fuse_entry_param *e,
				     const struct fuse_file_info *fi)
{
	const struct fuse_session *se = sess_of(req);
	size_t entry_size = proto_entry_size(&se->conn);
	const char *fault = entry_fault(req, e);
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct iovec iov[3] = {
		{0},
		{.iov_base = &entry, .iov_len = entry_size},
		{.iov_base = &open, .iov_len = sizeof(open)},
	};

	if (unlikely(fault))
		return ll_refuse(req, fault);
	fill_entry(&entry, &se->caching, e);
	fill_open(&open, se, fi, false);
	return sess_reply(req, PROTO_REPLY_CREATE, 0, iov, 3);
}

PROFUSE_EXPORT int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct fuse_open_out out;

	fill_open(&out, sess_of(req), fi, sess_op(req)->opcode == FUSE_OPENDIR);
	return ll_reply(req, PROTO_REPLY_OPEN, &out, sizeof(out));
}

PROFUSE_EXPORT int fuse_reply_attr(fuse_req_t req, const struct stat *attr, double attr_timeout)
{
	const char *fault = proto_attr_fault(attr);
	struct fuse_attr_out out;

	if (unlikely(fault))
		return ll_refuse(req, fault);
	proto_fill_attr_out(&out, attr, sess_attr_valid(&sess_of(req)->caching, attr_timeout));
	return ll_reply(req, PROTO_REPLY_ATTR, &out, proto_attr_size(&sess_of(req)->conn));
}

PROFUSE_EXPORT int fuse_reply_statx(fuse_req_t req, int flags, const struct statx *statx,
				    double attr_timeout)
{
	const char *fault = proto_statx_fault(statx);
	struct fuse_statx_out out = {.flags = (uint32_t)flags};

	if (unlikely(fault))
		return ll_refuse(req, fault);
	proto_timeout(sess_attr_valid(&sess_of(req)->caching, attr_timeout), &out.attr_valid,
		      &out.attr_valid_nsec);
	proto_fill_statx(&out.stat, statx);
	return ll_reply(req, PROTO_REPLY_STATX, &out, sizeof(out));
}

/* ---- directory listings ---- */

/* A name that some kernels cannot hold is left out, rather than letting it
 * overrun their buffer or end the whole listing. */
static bool name_fits(const char *name, size_t len)
{
	if (likely(len <= PROTO_NAME_MAX))
		return true;
	fuse_log(FUSE_LOG_ERR,
		 "fuse: directory entry %.32s... has %zu bytes, more than %d: left out\n", name,
		 len, PROTO_NAME_MAX);
	return false;
}

PROFUSE_EXPORT size_t fuse_add_direntry(fuse_req_t req, char *buf, size_t bufsize, const char *name,
					const struct stat *stbuf, off_t off)
{
	size_t namelen = strlen(name), size = proto_dirent_size(namelen);

	if (unlikely(!name_fits(name, namelen)))
		return 0;
	if (buf && size <= bufsize)
		proto_fill_dirent(buf, stbuf->st_ino, (uint64_t)off, stbuf->st_mode, name, namelen);
	return size;
}

PROFUSE_EXPORT size_t fuse_add_direntry_plus(fuse_req_t req, char *buf, size_t bufsize,
					     const char *name, const struct fuse_entry_param *e,
					     off_t off)
{
	size_t namelen = strlen(name), size = proto_direntplus_size(namelen);
	/* Some programs have no request at hand: in libfuse it means nothing. */
	static const struct sess_caching as_said = {0};
	struct fuse_entry_out entry;

	if (unlikely(!name_fits(name, namelen)))
		return 0;
	if (buf && size <= bufsize) {
		fill_entry(&entry, req ? &sess_of(req)->caching : &as_said, e);
		proto_fill_direntplus(buf, &entry, (uint64_t)off, name, namelen);
	}
	return size;
}
