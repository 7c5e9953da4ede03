/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the file of the ioctl example understands beside read and write. */
#ifndef EXAMPLE_IOCTL_H
#define EXAMPLE_IOCTL_H

#include <linux/ioctl.h>
#include <stdint.h>

/* The size that the file has, or shall have. */
#define EXAMPLE_GET_SIZE _IOR('P', 1, uint64_t)
#define EXAMPLE_SET_SIZE _IOW('P', 2, uint64_t)

/* Exchanges the byte at a position: in and out. */
struct example_swap {
	uint64_t position;
	uint8_t byte;
};
#define EXAMPLE_SWAP_BYTE _IOWR('P', 3, struct example_swap)

#endif
