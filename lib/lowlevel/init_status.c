/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What INIT settled, in lines that test runners look for: FUSE_INIT_STATUS. */
#include "lowlevel/ll.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	uint64_t flag;
	const char *cap;
} caps[] = {
#define CAP(flag, bit, since, cap, ...) {FUSE_INIT_FLAG(flag), #cap},
#include "protocol/caps.def"
#undef CAP
};

static void say_caps(uint64_t agreed)
{
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if ((agreed & caps[i].flag) && strcmp(caps[i].cap, "none") != 0)
			fuse_log(FUSE_LOG_INFO, "FUSE_INIT: FUSE_CAP_%s\n", caps[i].cap);
	}
}

static void say_rings(const struct fuse_session *se)
{
	const char *why = "disabled", *detail = "";

	if (se->rings) {
		fuse_log(FUSE_LOG_INFO, "FUSE_INIT: io_uring=on\n");
		return;
	}
	switch (se->rings_off.why) {
	case SESS_RINGS_NOT_WANTED:
		break;
	case SESS_RINGS_NOT_OFFERED:
		why = "not_offered";
		break;
	case SESS_RINGS_NO_DEVICE:
		why = "custom_io";
		break;
	case SESS_RINGS_FAILED:
		why = "start_failed:";
		detail = se->rings_off.error ? strerror(-se->rings_off.error) : "no loop";
		break;
	}
	fuse_log(FUSE_LOG_INFO, "FUSE_INIT: io_uring=off:%s%s\n", why, detail);
}

static void say_number(const char *name, unsigned int value)
{
	fuse_log(FUSE_LOG_INFO, "FUSE_INIT: %s=%u\n", name, value);
}

void ll_say_init_status(const struct fuse_session *se)
{
	const struct fuse_conn_info *conn = &se->info;

	if (!getenv("FUSE_INIT_STATUS"))
		return;
	say_caps(se->conn.flags);
	say_rings(se);
	say_number("proto_major", FUSE_KERNEL_VERSION);
	say_number("proto_minor", se->conn.minor);
	say_number("max_readahead", conn->max_readahead);
	say_number("max_write", conn->max_write);
	say_number("max_background", conn->max_background);
	say_number("congestion_threshold", conn->congestion_threshold);
	say_number("time_gran", conn->time_gran);
	say_number("request_timeout", conn->request_timeout);
	if (se->conn.flags & FUSE_INIT_FLAG(PASSTHROUGH))
		say_number("max_stack_depth", conn->max_backing_stack_depth + 1);
}
