/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handshake, from the kernel's side. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

#define DEFAULT_READAHEAD 131072

/* What a 6.18 kernel offers on /dev/fuse, less what needs a real device. */
static uint64_t all_flags(uint32_t minor)
{
	static const struct {
		uint64_t flag;
		uint32_t since;
	} known[] = {
#define CAP(flag, bit, since, ...) {1ULL << (bit), since},
#include "protocol/caps.def"
#undef CAP
	};
	uint64_t never = FUSE_INIT_FLAG(FILE_OPS) | FUSE_INIT_FLAG(INIT_RESERVED) |
			 FUSE_INIT_FLAG(MAP_ALIGNMENT) | FUSE_INIT_FLAG(SUBMOUNTS) |
			 FUSE_INIT_FLAG(HAS_INODE_DAX) | FUSE_INIT_FLAG(OVER_IO_URING);
	uint64_t flags = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].since <= minor)
			flags |= known[i].flag;
	}
	return flags & ~never;
}

/* What remains in force after the answer. */
static void settle(struct mock *m, const struct fuse_init_out *out, uint64_t offered)
{
	uint64_t flags = out->flags;

	if (flags & FUSE_INIT_FLAG(INIT_EXT))
		flags |= (uint64_t)out->flags2 << 32;
	pthread_mutex_lock(&m->lock);
	if (flags & ~offered)
		mock_fault_locked(m, "INIT answered with flags 0x%llx that were not offered",
				  (unsigned long long)(flags & ~offered));
	if (out->minor > m->options.minor && out->minor > FUSE_KERNEL_MINOR_VERSION)
		mock_fault_locked(m, "INIT answered with minor %u", out->minor);
	m->conn.minor = out->minor < m->options.minor ? out->minor : m->options.minor;
	m->conn.flags = flags & offered;
	m->init_out = *out;
	pthread_mutex_unlock(&m->lock);
}

int mock_init(struct mock *m)
{
	uint64_t offered = m->options.flags ? m->options.flags : all_flags(m->options.minor);
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = m->options.minor,
		.max_readahead =
			m->options.max_readahead ? m->options.max_readahead : DEFAULT_READAHEAD,
		.flags = (uint32_t)offered,
		.flags2 = (uint32_t)(offered >> 32),
	};
	struct mock_call call = {.op = PROTO_INIT, .in = &in};
	struct fuse_init_out out;
	int res;

	/* Old kernels have short INITs whatever the era of the rest is. */
	if (m->options.minor < 36)
		m->options.era = PROTO_ERA_OLD;
	res = mock_call_into(m, &call, &out, sizeof(out));
	if (res == 0)
		settle(m, &out, offered);
	return res;
}

int mock_destroy(struct mock *m)
{
	struct mock_call call = {.op = PROTO_DESTROY};

	return mock_call_into(m, &call, NULL, 0);
}
