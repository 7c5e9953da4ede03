/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

/* Serves memory-mapped windows of a virtual machine; no callback has it. */
static void on_mock(struct ops *t)
{
	unsigned char in[40] = {0};
	struct mock_call call = {.op = PROTO_SETUPMAPPING,
				 .nodeid = FS_FILE,
				 .in = in,
				 .data = "0123456789abcdef",
				 .data_len = 0};

	check_eq(mock_call_into(t->m, &call, NULL, 0), -ENOSYS);
	check_eq(mock_access(t->m, 1, 0), 0);
}

OPS_TEST(.op = PROTO_SETUPMAPPING, .mock = on_mock, .special = true,
	 .unmounted = "only virtio-fs with a DAX window sends SETUPMAPPING")
