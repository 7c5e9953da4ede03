/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/decode.h"

#include <string.h>

#include "base/checked.h"

/* What is left of a message while its parts are taken off the front. */
struct cursor {
	const char *p;
	size_t left;
};

static bool take_string(struct cursor *c, const char **out)
{
	const char *end = memchr(c->p, '\0', c->left);

	if (!end)
		return false;
	*out = c->p;
	c->left -= (size_t)(end + 1 - c->p);
	c->p = end + 1;
	return true;
}

/* A path component: not empty and without '/'. The kernel never sends others;
 * a peer that does is up to something. */
static bool take_component(struct cursor *c, const char **out)
{
	if (!take_string(c, out))
		return false;
	return (*out)[0] != '\0' && strchr(*out, '/') == NULL;
}

static bool take_bytes(struct cursor *c, size_t n, const void **out)
{
	if (n > c->left)
		return false;
	*out = c->p;
	c->p += n;
	c->left -= n;
	return true;
}

bool proto_msg_flat(struct proto_msg *msg, const void *buf, size_t len)
{
	const struct fuse_in_header *hdr = buf;

	if (len < sizeof(*hdr) || hdr->len != len)
		return false;
	*msg = (struct proto_msg){
		.hdr = hdr,
		.arg = hdr + 1,
		.arg_len = len - sizeof(*hdr),
	};
	return true;
}

/*
 * The size in which the fixed argument was sent. Kernels of the 7.45 era send
 * most arguments in full even to a server that answered with an old minor, so
 * for arguments without a tail the length itself decides between both forms.
 * With a tail it cannot; there the kernel goes by the minor.
 */
static size_t argument_size(const struct proto_conn *conn, const struct proto_op *op, size_t avail)
{
	if (op->short_size == PROTO_SIZE_FULL)
		return op->in_size;
	if (op->opcode == FUSE_SETXATTR)
		return conn->flags & FUSE_INIT_FLAG(SETXATTR_EXT) ? op->in_size : op->short_size;
	if (op->opcode == FUSE_INIT) /* grew twice, and may again: any whole fields */
		return avail < op->short_size ? op->short_size
		       : avail < op->in_size  ? (avail + 3) & ~(size_t)3
					      : op->in_size;
	if (conn->minor >= op->short_below)
		return op->in_size;
	if (op->tail == PROTO_TAIL_NONE)
		return avail < op->in_size ? op->short_size : op->in_size;
	return op->short_size;
}

/*
 * A ring puts the argument and the rest into separate buffers. Linux 6.18 makes
 * one exception, for NOTIFY_REPLY: there the argument stands at the front of
 * the rest, and the place for arguments holds what was there before. The
 * lengths tell.
 */
static bool take_argument(const struct proto_conn *conn, const struct proto_msg *msg,
			  struct proto_req *req, struct cursor *c)
{
	const struct proto_op *op = req->op;
	bool apart = msg->split && msg->arg_len > 0;
	const char *arg = msg->split && !apart ? msg->rest : msg->arg;
	size_t arg_len = msg->split && !apart ? msg->rest_len : msg->arg_len;
	size_t size = argument_size(conn, op, arg_len);

	if (arg_len < size)
		return false;
	if (size == op->in_size) {
		req->in = arg;
	} else {
		static_assert(sizeof(req->extended) >= sizeof(struct fuse_init_in) &&
				      sizeof(req->extended) >= sizeof(struct fuse_lk_in),
			      "room for every argument that has a short form");
		memset(&req->extended, 0, sizeof(req->extended));
		memcpy(&req->extended, arg, size);
		req->in = &req->extended;
	}
	if (apart)
		*c = (struct cursor){msg->rest, msg->rest_len};
	else
		*c = (struct cursor){arg + size, arg_len - size};
	return true;
}

/* Extensions are cut off the end before the tail is looked at. Peers of minor
 * 36 and 37 append security contexts without announcing their length; for
 * them the extensions are what the tail leaves. */
static bool take_extensions(const struct proto_msg *msg, struct proto_req *req, struct cursor *c)
{
	size_t len = (size_t)msg->hdr->total_extlen * 8;

	req->ext = NULL;
	req->ext_len = 0;
	if (len == 0)
		return true;
	if (len > c->left)
		return false;
	c->left -= len;
	req->ext = c->p + c->left;
	req->ext_len = len;
	return true;
}

static bool unannounced_extensions(const struct proto_conn *conn, const struct proto_op *op)
{
	return proto_op_has(op, PROTO_F_EXT) && conn->minor < 38 &&
	       (conn->flags & FUSE_INIT_FLAG(SECURITY_CTX));
}

static uint32_t argument_count(const struct proto_req *req)
{
	uint32_t count;

	memcpy(&count, (const char *)req->in + req->op->count_offset, sizeof(count));
	return count;
}

static enum proto_error take_tail(struct proto_req *req, struct cursor *c)
{
	size_t bytes;

	switch ((enum proto_tail)req->op->tail) {
	case PROTO_TAIL_NONE:
		return PROTO_OK;
	case PROTO_TAIL_NAME:
		return take_component(c, &req->name[0]) ? PROTO_OK : PROTO_ERR_STRING;
	case PROTO_TAIL_STR:
		return take_string(c, &req->name[0]) ? PROTO_OK : PROTO_ERR_STRING;
	case PROTO_TAIL_NAMES:
		return take_component(c, &req->name[0]) && take_component(c, &req->name[1])
			       ? PROTO_OK
			       : PROTO_ERR_STRING;
	case PROTO_TAIL_NAMESTR:
		return take_component(c, &req->name[0]) && take_string(c, &req->name[1])
			       ? PROTO_OK
			       : PROTO_ERR_STRING;
	case PROTO_TAIL_STRDATA:
		if (!take_string(c, &req->name[0]))
			return PROTO_ERR_STRING;
		__attribute__((fallthrough));
	case PROTO_TAIL_DATA:
		req->data_len = argument_count(req);
		return take_bytes(c, req->data_len, &req->data) ? PROTO_OK : PROTO_ERR_COUNT;
	case PROTO_TAIL_ARRAY:
		req->count = argument_count(req);
		if (!size_mul(req->count, 16, &bytes) || !take_bytes(c, bytes, &req->data))
			return PROTO_ERR_COUNT;
		req->data_len = bytes;
		return PROTO_OK;
	case PROTO_TAIL_IDS:
		break;
	}
	return PROTO_ERR_OPCODE;
}

enum proto_error proto_decode(const struct proto_conn *conn, const struct proto_msg *msg,
			      struct proto_req *req)
{
	struct cursor c;
	enum proto_error err;

	req->hdr = msg->hdr;
	req->op = proto_op_find(msg->hdr->opcode);
	if (unlikely(!req->op))
		return PROTO_ERR_OPCODE;
	req->name[0] = req->name[1] = NULL;
	req->data = NULL;
	req->data_len = 0;
	req->count = 0;
	if (unlikely(!take_argument(conn, msg, req, &c)))
		return PROTO_ERR_ARGUMENT;
	if (unlikely(!take_extensions(msg, req, &c)))
		return PROTO_ERR_EXT;
	err = take_tail(req, &c);
	if (unlikely(err != PROTO_OK))
		return err;
	if (likely(c.left == 0))
		return PROTO_OK;
	if (req->op->opcode == FUSE_INIT) /* a newer peer's INIT may be longer */
		return PROTO_OK;
	if (!req->ext && unannounced_extensions(conn, req->op)) {
		req->ext = c.p;
		req->ext_len = c.left;
		return PROTO_OK;
	}
	return PROTO_ERR_EXCESS;
}

const char *proto_error_text(enum proto_error err)
{
	static const char *const text[] = {
		[PROTO_OK] = "no error",
		[PROTO_ERR_HEADER] = "length field does not match the message",
		[PROTO_ERR_OPCODE] = "unknown opcode",
		[PROTO_ERR_ARGUMENT] = "argument is cut short",
		[PROTO_ERR_STRING] = "a name is missing, not terminated or not a path component",
		[PROTO_ERR_COUNT] = "a count does not match the message",
		[PROTO_ERR_EXCESS] = "bytes left over",
		[PROTO_ERR_EXT] = "extensions are longer than the message",
		[PROTO_ERR_DEMAND] = "more bytes are wanted than was agreed on",
	};

	return text[err];
}

size_t proto_entry_size(const struct proto_conn *conn)
{
	return conn->minor < 9 ? FUSE_COMPAT_ENTRY_OUT_SIZE : sizeof(struct fuse_entry_out);
}

size_t proto_attr_size(const struct proto_conn *conn)
{
	return conn->minor < 9 ? FUSE_COMPAT_ATTR_OUT_SIZE : sizeof(struct fuse_attr_out);
}

static size_t requested_bytes(const struct proto_req *req)
{
	switch (req->op->opcode) {
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return ((const struct fuse_read_in *)req->in)->size;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return ((const struct fuse_getxattr_in *)req->in)->size;
	case FUSE_IOCTL:
		return ((const struct fuse_ioctl_in *)req->in)->out_size;
	case FUSE_READLINK:
		return 4095; /* PAGE_SIZE - 1: the kernel adds the terminator */
	default:
		return 0;
	}
}

/* An ioctl that may be retried answers with up to 256 ioctl_iovec instead of
 * data (FUSE_IOCTL_MAX_IOV). */
#define IOCTL_RETRY_BYTES  (256 * sizeof(struct fuse_ioctl_iovec))
#define IOCTL_UNRESTRICTED (1u << 1)

static size_t ioctl_reply_max(const struct proto_req *req)
{
	const struct fuse_ioctl_in *in = req->in;
	size_t bytes = in->out_size;

	if ((in->flags & IOCTL_UNRESTRICTED) && bytes < IOCTL_RETRY_BYTES)
		bytes = IOCTL_RETRY_BYTES;
	return sizeof(struct fuse_ioctl_out) + bytes;
}

void proto_reply_bounds(const struct proto_conn *conn, const struct proto_req *req, size_t *min,
			size_t *max)
{
	size_t bytes;

	*min = 0;
	switch ((enum proto_reply)req->op->reply) {
	case PROTO_REPLY_NONE:
	case PROTO_REPLY_EMPTY:
		break;
	case PROTO_REPLY_ENTRY:
		*min = proto_entry_size(conn);
		break;
	case PROTO_REPLY_ATTR:
		*min = proto_attr_size(conn);
		break;
	case PROTO_REPLY_OPEN:
		*min = sizeof(struct fuse_open_out);
		break;
	case PROTO_REPLY_CREATE:
		*min = proto_entry_size(conn) + sizeof(struct fuse_open_out);
		break;
	case PROTO_REPLY_BYTES:
		*max = requested_bytes(req);
		return;
	case PROTO_REPLY_XATTR:
		bytes = requested_bytes(req);
		*max = bytes ? bytes : sizeof(struct fuse_getxattr_out);
		*min = bytes ? 0 : sizeof(struct fuse_getxattr_out);
		return;
	case PROTO_REPLY_WRITE:
		*min = sizeof(struct fuse_write_out);
		break;
	case PROTO_REPLY_STATFS:
		*min = conn->minor < 4 ? FUSE_COMPAT_STATFS_SIZE : sizeof(struct fuse_statfs_out);
		break;
	case PROTO_REPLY_LK:
		*min = sizeof(struct fuse_lk_out);
		break;
	case PROTO_REPLY_BMAP:
		*min = sizeof(struct fuse_bmap_out);
		break;
	case PROTO_REPLY_IOCTL:
		*min = sizeof(struct fuse_ioctl_out);
		*max = ioctl_reply_max(req);
		return;
	case PROTO_REPLY_POLL:
		*min = sizeof(struct fuse_poll_out);
		break;
	case PROTO_REPLY_LSEEK:
		*min = sizeof(struct fuse_lseek_out);
		break;
	case PROTO_REPLY_STATX:
		*min = sizeof(struct fuse_statx_out);
		break;
	case PROTO_REPLY_COPY:
		*min = sizeof(struct fuse_copy_file_range_out);
		break;
	case PROTO_REPLY_INIT:
		*min = FUSE_COMPAT_INIT_OUT_SIZE;
		*max = 4096 + sizeof(struct fuse_cuse_init_out);
		return;
	}
	*max = *min;
}
