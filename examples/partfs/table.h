/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Partition tables: MBR with its four entries, and GPT. */
#ifndef PARTFS_TABLE_H
#define PARTFS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PARTITIONS_MAX 128

struct partition {
	unsigned int number; /* as in the name of the device: sda1 has 1 */
	off_t start, size;   /* bytes */
};

struct table {
	struct partition at[PARTITIONS_MAX];
	unsigned int count;
};

/*
 * Reads the table of the image of `size` bytes behind fd. Entries that reach beyond
 * the image are left out. Returns 0, -EINVAL if there is no table, or -errno.
 */
int table_read(int fd, off_t size, struct table *table);

#endif
