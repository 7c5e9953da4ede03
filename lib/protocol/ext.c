/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extensions at the end of creating requests: security contexts, groups. */
#include <string.h>

#include "base/checked.h"
#include "protocol/decode.h"

bool proto_ext_next(const struct proto_req *req, size_t *pos, struct proto_ext *ext)
{
	struct fuse_ext_header h;
	size_t left, padded;

	if (*pos > req->ext_len)
		return false;
	left = req->ext_len - *pos;
	if (left < sizeof(h))
		return false;
	memcpy(&h, (const char *)req->ext + *pos, sizeof(h));
	if (h.size < sizeof(h) || h.size > left)
		return false;
	ext->type = h.type;
	ext->body = (const unsigned char *)req->ext + *pos + sizeof(h);
	ext->len = h.size - sizeof(h);
	if (!size_round_up(h.size, 8, &padded))
		return false;
	*pos = padded > left ? req->ext_len : *pos + padded;
	return true;
}

bool proto_secctx_next(const struct proto_ext *ext, size_t *pos, struct proto_secctx *ctx)
{
	struct fuse_secctx h;
	const unsigned char *p, *end;
	size_t left, used;

	if (ext->type > FUSE_MAX_NR_SECCTX || *pos > ext->len)
		return false;
	left = ext->len - *pos;
	if (left < sizeof(h))
		return false;
	p = ext->body + *pos;
	memcpy(&h, p, sizeof(h));
	end = memchr(p + sizeof(h), '\0', left - sizeof(h));
	if (!end)
		return false;
	ctx->name = (const char *)p + sizeof(h);
	ctx->value = end + 1;
	ctx->value_len = h.size;
	used = (size_t)(end + 1 - p);
	if (h.size > left - used)
		return false;
	if (!size_round_up(used + h.size, 8, &used))
		return false;
	*pos = used > left ? ext->len : *pos + used;
	return true;
}
