/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an accepted answer hands out: lookups, handles, directory records. */
#include <errno.h>
#include <string.h>

#include "protocol/audit.h"

#define NAME_LIMIT 4095 /* PATH_MAX - 1, whatever limit requests have */

int proto_dirent_next(bool plus, const void *body, size_t len, size_t *pos,
		      struct proto_dirent *out)
{
	size_t head = plus ? sizeof(struct fuse_direntplus) : sizeof(struct fuse_dirent);
	const char *p = (const char *)body + *pos;
	size_t left = len - *pos, record;

	if (left < head)
		return 0;
	memset(&out->entry, 0, sizeof(out->entry));
	if (plus)
		memcpy(&out->entry, p, sizeof(out->entry));
	memcpy(&out->dirent, p + head - sizeof(out->dirent), sizeof(out->dirent));
	out->name = p + head;
	if (out->dirent.namelen == 0 || out->dirent.namelen > NAME_LIMIT)
		return -EIO;
	record = FUSE_REC_ALIGN(head + out->dirent.namelen);
	if (record > left)
		return 0;
	if (memchr(out->name, '/', out->dirent.namelen))
		return -EIO;
	*pos += record;
	return 1;
}

static bool is_dot(const struct proto_dirent *d)
{
	return d->name[0] == '.' &&
	       (d->dirent.namelen == 1 || (d->dirent.namelen == 2 && d->name[1] == '.'));
}

bool proto_reply_next_lookup(const struct proto_conn *conn, const struct proto_req *req,
			     const struct proto_audit *reply, size_t *pos, uint64_t *nodeid)
{
	struct proto_dirent d;

	if (reply->verdict != PROTO_ACCEPTED || reply->error)
		return false;
	if (proto_op_has(req->op, PROTO_F_LOOKUP)) {
		if (*pos)
			return false;
		*pos = 1;
		memcpy(nodeid, reply->body, sizeof(*nodeid));
		return *nodeid != 0;
	}
	if (req->op->opcode != FUSE_READDIRPLUS)
		return false;
	while (proto_dirent_next(true, reply->body, reply->body_len, pos, &d) > 0) {
		if (d.entry.nodeid == 0 || is_dot(&d))
			continue;
		*nodeid = d.entry.nodeid;
		return true;
	}
	return false;
}

bool proto_reply_open(const struct proto_conn *conn, const struct proto_req *req,
		      const struct proto_audit *reply, struct fuse_open_out *out)
{
	if (reply->verdict != PROTO_ACCEPTED || reply->error ||
	    !proto_op_has(req->op, PROTO_F_OPENS))
		return false;
	memcpy(out, (const char *)reply->body + reply->body_len - sizeof(*out), sizeof(*out));
	return true;
}
