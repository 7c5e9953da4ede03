/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "protocol/fields.h"

/* Text that grows beyond its buffer only in the count. */
struct text {
	char *buf;
	size_t size;
	size_t len;
};

static struct text text_begin(char *buf, size_t size)
{
	if (size)
		buf[0] = '\0';
	return (struct text){buf, size, 0};
}

static PROFUSE_PRINTF(2, 3) void put(struct text *t, const char *fmt, ...)
{
	bool room = t->len < t->size;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? t->buf + t->len : NULL, room ? t->size - t->len : 0, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

/* Names come from anybody who may touch the mount, and lines go to terminals
 * and logs: whatever could end the line or the quotes is escaped. */
static void put_quoted(struct text *t, const char *s, size_t len)
{
	put(t, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			put(t, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			put(t, "\\x%02x", c);
		else
			put(t, "%c", c);
	}
	put(t, "\"");
}

static void put_value(struct text *t, const struct proto_field *f, uint64_t v)
{
	switch ((enum proto_show)f->show) {
	case PROTO_SHOW_HEX:
		put(t, "0x%llx", (unsigned long long)v);
		break;
	case PROTO_SHOW_OCT:
		put(t, "0%llo", (unsigned long long)v);
		break;
	default:
		if (f->is_signed)
			put(t, "%lld", (long long)v);
		else
			put(t, "%llu", (unsigned long long)v);
		break;
	}
}

/* Fields that lie beyond `avail` (a shorter form of an older peer) are left
 * out. Nesting is at most two deep (structs.def). */
static void put_struct(struct text *t, const char *lead, const struct proto_layout *layout,
		       const void *object, size_t avail)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct proto_field *f = &layout->fields[i];

		if (f->show == PROTO_SHOW_PAD || f->offset >= avail)
			continue;
		if (!f->inner && (size_t)f->offset + f->size > avail)
			continue;
		put(t, "%s%s=", lead, f->name);
		lead = " ";
		if (f->inner) {
			put(t, "{");
			put_struct(t, "", f->inner, (const char *)object + f->offset,
				   avail - f->offset);
			put(t, "}");
		} else {
			put_value(t, f, proto_field_get(f, object));
		}
	}
}

/* The errno of a reply's error field; 0, which has no name, if it is none. */
static int reply_errno(int error)
{
	return error < 0 && error > -4096 ? -error : 0;
}

static void put_error(struct text *t, int error)
{
	const char *name = reply_errno(error) ? strerrorname_np(reply_errno(error)) : NULL;

	put(t, " error=%d", error);
	if (name)
		put(t, " %s", name);
}

size_t proto_trace_request(char *buf, size_t size, const struct proto_req *req)
{
	const struct fuse_in_header *h = req->hdr;
	struct text t = text_begin(buf, size);

	put(&t, "%s unique=%llu nodeid=%llu uid=%u gid=%u pid=%u", req->op->name,
	    (unsigned long long)h->unique, (unsigned long long)h->nodeid, h->uid, h->gid, h->pid);
	put_struct(&t, " ", proto_op_layout(req->op), req->in, req->op->in_size);
	for (int i = 0; i < 2; i++) {
		if (!req->name[i])
			continue;
		put(&t, i ? " name2=" : " name=");
		put_quoted(&t, req->name[i], strlen(req->name[i]));
	}
	if (req->op->tail == PROTO_TAIL_DATA || req->op->tail == PROTO_TAIL_STRDATA)
		put(&t, " data=%zu", req->data_len);
	if (req->ext_len)
		put(&t, " ext=%zu", req->ext_len);
	return t.len;
}

static void put_body(struct text *t, const struct proto_op *op, const char *body, size_t len)
{
	const struct proto_layout *part[2];
	size_t pos = 0;

	proto_reply_layout(op, part);
	/* The answer to an extended attribute's length; a value may have the
	 * same size, and then the count is what is worth reading anyway. */
	if (op->reply == PROTO_REPLY_XATTR && len != part[0]->size)
		part[0] = NULL;
	for (int i = 0; i < 2 && part[i] && pos < len; i++) {
		size_t n = part[i]->size;

		/* An old peer's entry is shorter than today's in front of the
		 * open_out. */
		if (i == 0 && part[1] && len == (size_t)FUSE_COMPAT_ENTRY_OUT_SIZE + part[1]->size)
			n = FUSE_COMPAT_ENTRY_OUT_SIZE;
		if (n > len - pos)
			n = len - pos;
		put_struct(t, " ", part[i], body + pos, n);
		pos += n;
	}
	if (pos < len)
		put(t, " data=%zu", len - pos);
}

size_t proto_trace_reply(char *buf, size_t size, const struct proto_op *op, const void *bytes,
			 size_t len)
{
	struct text t = text_begin(buf, size);
	struct fuse_out_header h;

	if (len < sizeof(h)) {
		put(&t, "%s reply of %zu bytes", op ? op->name : "UNKNOWN", len);
		return t.len;
	}
	memcpy(&h, bytes, sizeof(h));
	put(&t, "%s unique=%llu", op ? op->name : "UNKNOWN", (unsigned long long)h.unique);
	if (h.error)
		put_error(&t, h.error);
	if (op && !h.error)
		put_body(&t, op, (const char *)bytes + sizeof(h), len - sizeof(h));
	else if (len > sizeof(h))
		put(&t, " data=%zu", len - sizeof(h));
	if (h.len != len)
		put(&t, " (length field %u, message %zu)", h.len, len);
	return t.len;
}

static void put_notify_tail(struct text *t, const struct proto_notify *n, const char *fixed,
			    size_t left)
{
	uint32_t count;

	if (n->tail == PROTO_TAIL_NONE)
		return;
	memcpy(&count, fixed + n->count_offset, sizeof(count));
	if (n->tail == PROTO_TAIL_NAME) {
		put(t, " name=");
		put_quoted(t, fixed + n->out_size, count < left ? count : left);
	} else {
		put(t, " data=%zu", left);
	}
}

size_t proto_trace_notify(char *buf, size_t size, const void *bytes, size_t len)
{
	struct text t = text_begin(buf, size);
	const struct proto_notify *n;
	struct fuse_out_header h;
	const char *fixed = (const char *)bytes + sizeof(h);

	if (len < sizeof(h)) {
		put(&t, "NOTIFY of %zu bytes", len);
		return t.len;
	}
	memcpy(&h, bytes, sizeof(h));
	n = proto_notify_find((uint32_t)h.error);
	if (!n || len - sizeof(h) < n->out_size) {
		put(&t, "NOTIFY_%s code=%d length=%zu", n ? n->name : "UNKNOWN", h.error, len);
		return t.len;
	}
	put(&t, "NOTIFY_%s", n->name);
	put_struct(&t, " ", proto_notify_layout(n), fixed, n->out_size);
	put_notify_tail(&t, n, fixed, len - sizeof(h) - n->out_size);
	return t.len;
}

size_t proto_debug_request(char *buf, size_t size, const struct fuse_in_header *hdr)
{
	struct text t = text_begin(buf, size);

	put(&t, "unique: %llu, opcode: %s (%u), nodeid: %llu, insize: %u, pid: %u",
	    (unsigned long long)hdr->unique, proto_op_name(hdr->opcode), hdr->opcode,
	    (unsigned long long)hdr->nodeid, hdr->len, hdr->pid);
	return t.len;
}

size_t proto_debug_reply(char *buf, size_t size, const struct fuse_out_header *hdr)
{
	struct text t = text_begin(buf, size);
	const char *desc = reply_errno(hdr->error) ? strerrordesc_np(-hdr->error) : NULL;

	if (hdr->error)
		put(&t, "   unique: %llu, error: %d (%s), outsize: %u",
		    (unsigned long long)hdr->unique, hdr->error, desc ? desc : "Unknown error",
		    hdr->len);
	else
		put(&t, "   unique: %llu, success, outsize: %u", (unsigned long long)hdr->unique,
		    hdr->len);
	return t.len;
}

size_t proto_debug_notify(char *buf, size_t size, const struct fuse_out_header *hdr)
{
	struct text t = text_begin(buf, size);

	put(&t, "NOTIFY: code=%d length=%u", hdr->error, hdr->len);
	return t.len;
}
