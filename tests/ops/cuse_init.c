/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

/* A filesystem's session is not a device: the request is refused, before the
 * handshake as after it. */
static void on_mock(struct ops *t)
{
	struct fuse_cuse_init_in in = {.major = 7, .minor = 45};
	struct mock_call call = {.op = PROTO_CUSE_INIT, .in = &in};
	struct mock_reply r;

	mock_call(t->m, &call, &r);
	check(r.error < 0);
	mock_reply_free(&r);
	check_eq(mock_access(t->m, 1, 0), 0);
}

OPS_TEST(.op = PROTO_CUSE_INIT, .mock = on_mock, .special = true,
	 .unmounted = "only /dev/cuse sends CUSE_INIT")
