/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ioctl_client FILE             prints the size
 * ioctl_client FILE SIZE        sets it
 * ioctl_client FILE AT BYTE     exchanges the byte at a position, prints the old one
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "ioctl.h"

int main(int argc, char *argv[])
{
	struct example_swap swap;
	uint64_t size;
	int fd;

	if (argc < 2 || argc > 4)
		errx(2, "usage: ioctl_client FILE [SIZE | AT BYTE]");
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);
	switch (argc) {
	case 2:
		if (ioctl(fd, EXAMPLE_GET_SIZE, &size))
			err(1, "EXAMPLE_GET_SIZE");
		printf("%llu\n", (unsigned long long)size);
		break;
	case 3:
		size = strtoull(argv[2], NULL, 0);
		if (ioctl(fd, EXAMPLE_SET_SIZE, &size))
			err(1, "EXAMPLE_SET_SIZE");
		break;
	case 4:
		swap.position = strtoull(argv[2], NULL, 0);
		swap.byte = (uint8_t)atoi(argv[3]);
		if (ioctl(fd, EXAMPLE_SWAP_BYTE, &swap))
			err(1, "EXAMPLE_SWAP_BYTE");
		printf("%d\n", swap.byte);
		break;
	}
	return 0;
}
