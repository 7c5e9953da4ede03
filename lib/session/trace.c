/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of debug mode. Whole lines, written once, so that workers do not
 * cut each other's. */
#include "protocol/trace.h"

#include <string.h>

#include "session/session.h"

#define LINE_SIZE 512

void sess_trace_request(struct fuse_session *se, const struct proto_msg *msg)
{
	char line[LINE_SIZE];

	proto_debug_request(line, sizeof(line), msg->hdr);
	fuse_log(FUSE_LOG_DEBUG, "%s\n", line);
}

void sess_trace_reply(struct fuse_session *se, const struct iovec *iov, int count)
{
	const struct fuse_out_header *hdr = iov[0].iov_base;
	char line[LINE_SIZE];

	if (hdr->unique)
		proto_debug_reply(line, sizeof(line), hdr);
	else
		proto_debug_notify(line, sizeof(line), hdr);
	fuse_log(FUSE_LOG_DEBUG, "%s\n", line);
}
