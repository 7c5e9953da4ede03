/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"

#define MAX_ERRNO	 511
#define STATX_TYPE_BIT	 0x1u
#define STATX_SIZE_BIT	 0x200u
#define IOCTL_RETRY_FLAG (1u << 2)
#define IOCTL_UNRESTRICT (1u << 1)
#define OFFSET_MAX	 ((uint64_t)INT64_MAX)

static struct proto_audit judged(enum proto_verdict verdict, int error, const char *why)
{
	return (struct proto_audit){.verdict = verdict, .error = error, .why = why};
}

static bool valid_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

bool proto_attr_valid(const struct fuse_attr *attr)
{
	return valid_type(attr->mode) && attr->size <= OFFSET_MAX;
}

/* The type that a creating operation must answer with; 0 if any will do. */
static uint32_t expected_type(const struct proto_req *req)
{
	switch (req->op->opcode) {
	case FUSE_MKDIR:
		return S_IFDIR;
	case FUSE_SYMLINK:
		return S_IFLNK;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return S_IFREG;
	case FUSE_MKNOD:
		return ((const struct fuse_mknod_in *)req->in)->mode & S_IFMT;
	default:
		return 0;
	}
}

static const char *check_entry(const struct proto_conn *conn, const struct proto_req *req,
			       const char *body)
{
	struct fuse_entry_out e = {0};
	uint32_t type = expected_type(req);

	memcpy(&e, body, proto_entry_size(conn));
	if (req->op->opcode == FUSE_LOOKUP && e.nodeid == 0)
		return NULL; /* a negative entry, to be cached */
	if (e.nodeid == 0)
		return "a created node has node id 0";
	if (e.nodeid == FUSE_ROOT_ID && !(req->op->opcode == FUSE_LOOKUP && req->name[0][0] == '.'))
		return "node id 1 is the root's";
	if (!valid_type(e.attr.mode))
		return "mode without a file type";
	if (e.attr.size > OFFSET_MAX)
		return "negative size";
	if (type && (e.attr.mode & S_IFMT) != type)
		return "file type differs from the one asked for";
	return NULL;
}

static const char *check_attr(const struct proto_conn *conn, const char *body)
{
	struct fuse_attr_out a = {0};

	memcpy(&a, body, proto_attr_size(conn));
	if (!valid_type(a.attr.mode))
		return "mode without a file type";
	return a.attr.size > OFFSET_MAX ? "negative size" : NULL;
}

static const char *check_statx(const char *body)
{
	struct fuse_statx_out s;

	memcpy(&s, body, sizeof(s));
	if ((s.stat.mask & STATX_TYPE_BIT) && !valid_type(s.stat.mode))
		return "mode without a file type";
	if ((s.stat.mask & STATX_SIZE_BIT) && s.stat.size > OFFSET_MAX)
		return "negative size";
	return NULL;
}

/* WRITE and the two forms of COPY_FILE_RANGE. */
static const char *check_written(const struct proto_req *req, const char *body)
{
	uint64_t asked, done;
	struct fuse_write_out w;

	if (req->op->opcode == FUSE_WRITE)
		asked = ((const struct fuse_write_in *)req->in)->size;
	else
		asked = ((const struct fuse_copy_file_range_in *)req->in)->len;
	memcpy(&w, body, sizeof(w));
	done = w.size;
	if (req->op->reply == PROTO_REPLY_COPY)
		memcpy(&done, body, sizeof(done));
	if (done > asked)
		return "more bytes written than asked for";
	if (done == 0 && asked != 0 && req->op->opcode == FUSE_WRITE)
		return "no byte written and no error";
	return NULL;
}

static const char *check_lock(const char *body)
{
	struct fuse_lk_out l;

	memcpy(&l, body, sizeof(l));
	if (l.lk.type > F_UNLCK)
		return "unknown lock type";
	if (l.lk.type != F_UNLCK &&
	    (l.lk.start > OFFSET_MAX || l.lk.end > OFFSET_MAX || l.lk.end < l.lk.start))
		return "impossible lock range";
	return NULL;
}

static const char *check_ioctl(const struct proto_req *req, const char *body)
{
	const struct fuse_ioctl_in *in = req->in;
	struct fuse_ioctl_out out;

	memcpy(&out, body, sizeof(out));
	if (!(out.flags & IOCTL_RETRY_FLAG))
		return NULL;
	if (!(in->flags & IOCTL_UNRESTRICT))
		return "retry of a restricted ioctl";
	return NULL;
}

/* Names must be non-empty and the last one terminated. */
static const char *check_name_list(const char *body, size_t len)
{
	while (len) {
		size_t n = strnlen(body, len);

		if (n == 0 || n == len)
			return "extended attribute list is not a list of names";
		body += n + 1;
		len -= n + 1;
	}
	return NULL;
}

static const char *check_dirents(const struct proto_req *req, const char *body, size_t len)
{
	struct proto_dirent d;
	size_t pos = 0;
	int res;

	do {
		res = proto_dirent_next(req->op->opcode == FUSE_READDIRPLUS, body, len, &pos, &d);
	} while (res > 0);
	return res < 0 ? "a directory record has no usable name" : NULL;
}

static const char *check_bytes(const struct proto_req *req, const char *body, size_t len)
{
	switch (req->op->opcode) {
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return check_dirents(req, body, len);
	case FUSE_LISTXATTR:
		if (((const struct fuse_getxattr_in *)req->in)->size == 0)
			return NULL;
		return check_name_list(body, len);
	default:
		return NULL;
	}
}

static const char *check_body(const struct proto_conn *conn, const struct proto_req *req,
			      const char *body, size_t len)
{
	switch ((enum proto_reply)req->op->reply) {
	case PROTO_REPLY_ENTRY:
	case PROTO_REPLY_CREATE:
		return check_entry(conn, req, body);
	case PROTO_REPLY_ATTR:
		return check_attr(conn, body);
	case PROTO_REPLY_STATX:
		return check_statx(body);
	case PROTO_REPLY_WRITE:
	case PROTO_REPLY_COPY:
		return check_written(req, body);
	case PROTO_REPLY_LK:
		return check_lock(body);
	case PROTO_REPLY_IOCTL:
		return check_ioctl(req, body);
	case PROTO_REPLY_BYTES:
	case PROTO_REPLY_XATTR:
		return check_bytes(req, body, len);
	default:
		return NULL;
	}
}

/* INIT has rules of its own: whatever is wrong kills the connection, so that
 * everybody gets ECONNREFUSED. */
static struct proto_audit audit_init(const struct proto_req *req, const char *body, size_t len)
{
	struct fuse_init_out out = {0};

	if (req->op->opcode == FUSE_INIT && len > sizeof(out))
		return judged(PROTO_REFUSED, -ECONNREFUSED, "INIT answer of more than 64 bytes");
	if (len < FUSE_COMPAT_INIT_OUT_SIZE)
		return judged(PROTO_REFUSED, -ECONNREFUSED, "INIT answer without a version");
	memcpy(&out, body, len < sizeof(out) ? len : sizeof(out));
	if (out.major != FUSE_KERNEL_VERSION)
		return judged(PROTO_REJECTED, -ECONNREFUSED, "INIT answer of another major");
	return judged(PROTO_ACCEPTED, 0, NULL);
}

static struct proto_audit audit_interrupt(const struct fuse_out_header *h, size_t body_len)
{
	if (body_len)
		return judged(PROTO_REFUSED_PENDING, 0, "answer to INTERRUPT with a body");
	return judged(PROTO_ACCEPTED, h->error, NULL);
}

static struct proto_audit audit_success(const struct proto_conn *conn, const struct proto_req *req,
					const char *body, size_t len)
{
	size_t min, max;
	const char *why;

	if (req->op->reply == PROTO_REPLY_INIT)
		return audit_init(req, body, len);
	proto_reply_bounds(conn, req, &min, &max);
	if (len < min)
		return judged(PROTO_REFUSED, -EIO, "body is too short");
	if (len > max)
		return judged(PROTO_REFUSED, -EIO, "body is too long");
	why = check_body(conn, req, body, len);
	return why ? judged(PROTO_REJECTED, -EIO, why) : judged(PROTO_ACCEPTED, 0, NULL);
}

struct proto_audit proto_audit_reply(const struct proto_conn *conn, const struct proto_req *req,
				     const void *bytes, size_t len)
{
	const char *body = (const char *)bytes + sizeof(struct fuse_out_header);
	struct fuse_out_header h;
	struct proto_audit a;

	if (len < sizeof(h))
		return judged(PROTO_REFUSED_PENDING, 0, "shorter than a header");
	memcpy(&h, bytes, sizeof(h));
	if (h.len != len)
		return judged(PROTO_REFUSED_PENDING, 0, "length field differs from the message");
	if (h.error > 0 || h.error < -MAX_ERRNO)
		return judged(PROTO_REFUSED_PENDING, 0, "error is no negative errno");
	if (h.unique != req->hdr->unique)
		return judged(PROTO_REFUSED_UNKNOWN, 0, "no request has this unique");
	if (req->op->opcode == FUSE_INTERRUPT)
		return audit_interrupt(&h, len - sizeof(h));
	if (proto_op_has(req->op, PROTO_F_NOREPLY))
		return judged(PROTO_REFUSED_UNKNOWN, 0, "this request takes no answer");
	if (h.error && len > sizeof(h))
		a = judged(PROTO_REFUSED, -EIO, "error with a body");
	else if (h.error)
		a = judged(PROTO_ACCEPTED, h.error, NULL);
	else
		a = audit_success(conn, req, body, len - sizeof(h));
	if (req->op->reply == PROTO_REPLY_INIT && a.error)
		a.error = -ECONNREFUSED;
	a.body = body;
	a.body_len = len - sizeof(h);
	return a;
}

/* What is wrong with the bytes behind a notification's fixed part, or NULL. */
static const char *check_notify_tail(const struct proto_notify *n, const char *body, size_t tail)
{
	uint32_t count;

	if (n->code == FUSE_NOTIFY_INC_EPOCH) /* whatever follows is ignored */
		return NULL;
	if (n->tail == PROTO_TAIL_NONE)
		return tail ? "body is too long" : NULL;
	memcpy(&count, body + n->count_offset, sizeof(count));
	switch ((enum proto_tail)n->tail) {
	case PROTO_TAIL_NAME:
		if (tail != (size_t)count + 1)
			return "name length differs from the message";
		return body[n->out_size + count] ? "name is not terminated" : NULL;
	case PROTO_TAIL_DATA:
		return tail != count ? "data size differs from the message" : NULL;
	default:
		return tail != (size_t)count * 8 ? "count differs from the message" : NULL;
	}
}

struct proto_audit proto_audit_notify(const struct proto_conn *conn, const void *bytes, size_t len)
{
	struct proto_audit a = {.verdict = PROTO_ACCEPTED};
	const struct proto_notify *n;
	struct fuse_out_header h;
	const char *why;

	if (len < sizeof(h))
		return judged(PROTO_REFUSED, -EINVAL, "shorter than a header");
	memcpy(&h, bytes, sizeof(h));
	if (h.len != len || h.unique != 0)
		return judged(PROTO_REFUSED, -EINVAL, "header does not fit a notification");
	n = proto_notify_find((uint32_t)h.error);
	if (!n || n->since > conn->minor)
		return judged(PROTO_REFUSED, -EINVAL, "unknown notification");
	a.body = (const char *)bytes + sizeof(h);
	a.body_len = len - sizeof(h);
	if (a.body_len < n->out_size)
		return judged(PROTO_REFUSED, -EINVAL, "body is too short");
	why = check_notify_tail(n, a.body, a.body_len - n->out_size);
	return why ? judged(PROTO_REFUSED, -EINVAL, why) : a;
}
