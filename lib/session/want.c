/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a filesystem asks for. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include "base/compiler.h"
#include "session/want.h"

void sess_merge_wants(struct fuse_conn_info *conn, uint64_t before)
{
	uint64_t changed = (conn->want_ext ^ before) | (conn->want ^ (uint32_t)before);

	conn->want_ext = before ^ changed;
	conn->want = (uint32_t)conn->want_ext;
}

PROFUSE_EXPORT bool fuse_set_feature_flag(struct fuse_conn_info *conn, uint64_t flag)
{
	if ((conn->capable_ext & flag) != flag)
		return false;
	conn->want_ext |= flag;
	conn->want |= (uint32_t)flag;
	return true;
}

PROFUSE_EXPORT void fuse_unset_feature_flag(struct fuse_conn_info *conn, uint64_t flag)
{
	conn->want_ext &= ~flag;
	conn->want &= ~(uint32_t)flag;
}

PROFUSE_EXPORT bool fuse_get_feature_flag(const struct fuse_conn_info *conn, uint64_t flag)
{
	return (conn->capable_ext & flag) == flag;
}

PROFUSE_EXPORT bool fuse_set_conn_flag(struct fuse_conn_info *conn, uint64_t flag)
{
	switch (flag) {
	case FUSE_CONN_FLAG_SINGLE_ISSUER:
		conn->io_uring_single_issuer = 1;
		return true;
	case FUSE_CONN_FLAG_NO_INTERRUPT:
		conn->no_interrupt = 1;
		return true;
	}
	return false;
}

/* Without knowing what was offered first, what an old program wrote counts. */
PROFUSE_EXPORT int fuse_convert_to_conn_want_ext(struct fuse_conn_info *conn)
{
	conn->want_ext = (conn->want_ext & ~(uint64_t)UINT32_MAX) | conn->want;
	return 0;
}
